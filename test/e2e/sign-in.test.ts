import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  jest,
  test,
} from '@jest/globals'
import { type Browser, type BrowserContext, type Page } from 'playwright-core'
import { choose, greeting, type Scene, shown, signInAt, startScene } from './support-browser.ts'
import { SESSION_COOKIE, type Site } from './support-world.ts'

jest.setTimeout(60_000)

let scene: Scene | undefined
let site: Site
let browser: Browser
let context: BrowserContext
let page: Page

beforeAll(async () => {
  scene = await startScene()
  ;({ site, browser } = scene)
})

afterAll(async () => {
  await scene?.stop()
})

beforeEach(async () => {
  context = await browser.newContext()
  page = await context.newPage()
})

afterEach(async () => {
  await context.close()
})

const IDP_PAGE = /^http:\/\/localhost:\d+\/interaction\//

const sessionCookies = async () =>
  (await context.cookies()).filter(({ name }) => name === SESSION_COOKIE)

/** Submits a form to another address, as a page with an editor would. */
const postForm = async (action: string): Promise<void> => {
  await page.evaluate(`
    const form = document.createElement('form')
    form.method = 'post'
    form.action = ${JSON.stringify(action)}
    form.innerHTML = '<textarea name="text">a long text</textarea>'
    document.body.append(form)
    form.submit()
  `)
}

describe('signing in with a browser', () => {
  test('one click, then the page that was wanted, which knows who it is', async () => {
    await page.goto(site.url('grafana', '/d/latency?from=now-6h&to=now'))
    expect(page.url()).toMatch(IDP_PAGE)
    await choose(page, 'alice')
    expect(page.url()).toBe(site.url('grafana', '/d/latency?from=now-6h&to=now'))
    expect(await greeting(page)).toBe('Hello, alice.')
    expect(await page.locator('h2', { hasText: 'Assertion' }).innerText()).toBe(
      'Assertion, verified with the published keys',
    )
    expect(await shown(page, 'x-auth-request-email')).toBe('alice@example.com')
    expect(await shown(page, 'x-auth-request-groups')).toBe('sre,platform')
    expect(await shown(page, 'x-auth-request-actor')).toBe('human')
    expect(await shown(page, 'aud')).toBe('grafana.vestibule.localhost')
    expect(await shown(page, 'iss')).toBe(site.url('auth', ''))
  })

  test.each([
    '/d/a%20b/%C3%A4/ünï/@user:8080/b,c!$(d)?q=a%20b&same=1&same=2&empty=&&flag&emoji=😀',
    '/d/x?odd=|[y]{z}^`\'"<>\\&star=*&plus=a+b&percent=100%&half=%2&slash=%2F%3F%23&semi=a;b',
    `/d/x?next=https://elsewhere.example/a?b=c&rd=/other&long=${'x'.repeat(1500)}`,
  ])('lands on the very URL that was opened (%#)', async (path) => {
    const asked: string[] = []
    page.on('request', (request) => asked.push(request.url()))
    await signInAt(page, site.url('grafana', path), 'alice')
    expect(page.url()).toBe(asked[0])
    expect(site.applications.get('grafana')?.lastRequest()?.url).toBe(
      (asked[0] ?? '').slice(site.url('grafana', '').length),
    )
  })

  test('is asked for once: the next host needs no sign-in', async () => {
    await signInAt(page, site.url('grafana', '/admin'), 'alice')
    site.identityProvider.resetCounts()
    await page.goto(site.url('wiki', '/start'))
    expect(page.url()).toBe(site.url('wiki', '/start'))
    expect(await greeting(page)).toBe('Hello, alice.')
    expect(await shown(page, 'aud')).toBe('wiki.vestibule.localhost')
    expect(site.identityProvider.counts()).toEqual({})
  })

  test('leaves one session cookie, for all protected hosts, that no script can read', async () => {
    await signInAt(page, site.url('wiki'), 'bob')
    const life = 86_400
    expect(await sessionCookies()).toEqual([
      {
        name: SESSION_COOKIE,
        value: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/),
        domain: '.vestibule.localhost',
        path: '/',
        expires: expect.any(Number),
        httpOnly: true,
        secure: false,
        sameSite: 'Lax',
      },
    ])
    const [cookie] = await sessionCookies()
    expect(Math.abs((cookie?.expires ?? 0) - Date.now() / 1000 - life)).toBeLessThan(60)
    expect(await page.evaluate('document.cookie')).toBe('')
    const others = (await context.cookies()).filter(({ domain }) => domain !== 'localhost')
    expect(others.map(({ name, domain }) => [name, domain])).toEqual([
      ['vestibule-sign-in', 'auth.vestibule.localhost'],
      [SESSION_COOKIE, '.vestibule.localhost'],
    ])
  })

  test('a form that was sent too early comes back as the page, not as an error', async () => {
    const target = site.url('grafana', '/d/save?id=7')
    await page.goto(site.url('wiki', '/public/editor'))
    site.applications.get('grafana')?.reset()
    await postForm(target)
    await page.waitForURL(IDP_PAGE)
    await choose(page, 'alice')
    expect(page.url()).toBe(target)
    const application = site.applications.get('grafana')
    expect([application?.hits(), application?.lastRequest()?.method]).toEqual([1, 'GET'])
  })

  test('a form of somebody signed in arrives whole', async () => {
    const target = site.url('grafana', '/d/save?id=7')
    await signInAt(page, site.url('wiki', '/editor'), 'alice')
    await postForm(target)
    await page.waitForURL(target)
    const application = site.applications.get('grafana')
    expect(application?.lastRequest()?.method).toBe('POST')
    expect(application?.received('content-length')).toEqual([String('text=a+long+text'.length)])
  })
})

describe('eight tabs that were opened before anybody signed in', () => {
  /** Half of them on one host, half on another, as a browser restores them in the morning. */
  const targets = (): readonly string[] =>
    [0, 1, 2, 3].flatMap((number) => [
      site.url('grafana', `/d/${number}?tab=grafana`),
      site.url('wiki', `/page/${number}?tab=wiki`),
    ])

  const openAll = async (): Promise<readonly Page[]> => {
    const tabs = await Promise.all(targets().map(() => context.newPage()))
    await Promise.all(tabs.map((tab, index) => tab.goto(targets()[index] ?? '')))
    return tabs
  }

  const urlsOf = (tabs: readonly Page[]): readonly string[] => tabs.map((tab) => tab.url())

  test('each end where they wanted, and share one session', async () => {
    const tabs = await openAll()
    for (const tab of tabs) {
      expect(tab.url()).toMatch(IDP_PAGE)
      await choose(tab, 'alice')
    }
    expect(urlsOf(tabs)).toEqual(targets())
    expect(await sessionCookies()).toHaveLength(1)
    await Promise.all(tabs.map((tab) => tab.reload()))
    expect(urlsOf(tabs)).toEqual(targets())
    expect(await Promise.all(tabs.map(greeting))).toEqual(Array(8).fill('Hello, alice.'))
  })

  test('each end where they wanted when they are all finished at the same moment', async () => {
    const tabs = await openAll()
    await Promise.all(tabs.map((tab) => choose(tab, 'bob')))
    // Sign-ins at one moment take the provider's session from each other, and then it asks again.
    for (const tab of tabs) if (IDP_PAGE.test(tab.url())) await choose(tab, 'bob')
    expect(urlsOf(tabs)).toEqual(targets())
    expect(await sessionCookies()).toHaveLength(1)
    await Promise.all(tabs.map((tab) => tab.reload()))
    expect(await Promise.all(tabs.map(greeting))).toEqual(Array(8).fill('Hello, bob.'))
  })
})

describe('a script in a page of somebody who is not signed in', () => {
  test.each([
    ['another host', 'grafana'],
    ['its own host', 'wiki'],
  ])('that fetches from %s gets 401, not a page, and begins no sign-in', async (_whose, name) => {
    await context.close()
    context = await browser.newContext({ bypassCSP: true })
    page = await context.newPage()
    await page.goto(site.url('wiki', '/public/dashboard'))
    site.identityProvider.resetCounts()
    const target = JSON.stringify(site.url(name, '/api/data'))
    const read = `fetch(${target}, { credentials: 'include' }).then(() => 'read', () => 'refused')`
    expect(await page.evaluate(read)).toBe('refused')
    // Nobody may read what another host answers without CORS; so it is looked at from outside.
    const [answer] = await Promise.all([
      page.waitForResponse((response) => response.url().includes('/oauth2/start')),
      page.evaluate(
        `fetch(${target}, { credentials: 'include', mode: 'no-cors' }).catch(() => {})`,
      ),
    ])
    expect(answer.status()).toBe(401)
    expect([await context.cookies(), site.identityProvider.counts()]).toEqual([[], {}])
  })
})
