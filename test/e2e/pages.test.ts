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
import { type Browser, type BrowserContext, type Page, type Response } from 'playwright-core'
import { createBrowser } from '../../demo/browser.ts'
import { ask } from '../../demo/http-client.ts'
import {
  choose,
  heading,
  press,
  recordComplaints,
  recordNavigations,
  type Scene,
  signInAt,
  startScene,
} from './support-browser.ts'
import { ingressYaml } from './support-ingress.ts'
import { appearance, SCHEMES, SIZES } from './support-page.ts'
import {
  SESSION_COOKIE,
  type Site,
  type SiteSettings,
  signIn,
  withSession,
} from './support-world.ts'

jest.setTimeout(60_000)

let scene: Scene | undefined
let site: Site
let browser: Browser
let context: BrowserContext
let page: Page

const POLICY = `
hosts: [plain.vestibule.localhost]
policy:
  - allow: { and: [ { authenticated_user: true } ] }
`

beforeAll(async () => {
  const settings: SiteSettings = {
    ingresses: {
      'plain.yaml': ingressYaml('plain', 'wiki', {
        'custom-http-errors': '401,403,503',
        'default-backend': 'vestibule-public',
      }),
    },
    policies: { 'plain.yaml': POLICY },
  }
  scene = await startScene(settings)
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
  site.identityProvider.setBehaviour({})
  await context.close()
})

describe('somebody who is known and not allowed', () => {
  test('sees one 403 with the request id, and is not sent round in circles', async () => {
    const navigations = recordNavigations(page)
    await signInAt(page, site.url('grafana', '/admin/users?q=1'), 'bob')
    expect(page.url()).toBe(site.url('grafana', '/admin/users?q=1'))
    expect(await heading(page)).toBe('You may not open this page')
    expect(navigations.map((answer) => [answer.status(), new URL(answer.url()).pathname])).toEqual([
      [302, '/admin/users'],
      [302, '/oauth2/start'],
      [303, '/auth'],
      [200, expect.stringMatching(/^\/interaction\//)],
      [303, expect.stringMatching(/^\/interaction\//)],
      [303, expect.stringMatching(/^\/auth\//)],
      [302, '/oauth2/callback'],
      [403, '/admin/users'],
    ])
    const decision = await site.decisionOn(await page.locator('code').innerText())
    expect(decision).toMatchObject({
      effect: 'deny',
      reason: 'no_rule_matched',
      path: '/admin/users',
      principal: { subject: 'bob' },
    })
  })

  test('gets 403 again for every method, and keeps the session', async () => {
    const headers = withSession(await signIn(site, 'bob'))
    for (const method of ['GET', 'POST', 'DELETE']) {
      const reply = await ask(site.url('grafana', '/admin'), { method, headers })
      expect([reply.status, reply.setCookies]).toEqual([403, []])
      expect(reply.body).toContain('<h1>You may not open this page</h1>')
    }
    expect((await ask(site.url('wiki'), { headers })).status).toBe(200)
  })

  test('cannot make the page show what the request id is not', async () => {
    await signInAt(page, site.url('wiki'), 'bob')
    await page.setExtraHTTPHeaders({ 'x-request-id': '<script>alert(1)</script>' })
    const answer = await page.goto(site.url('grafana', '/admin'))
    expect([answer?.status(), await page.locator('code').count()]).toEqual([403, 0])
  })
})

type Visit = {
  readonly title: string
  readonly status: number
  readonly open: () => Promise<Response | null>
}

const signInAsBob = async (): Promise<void> => {
  const value = await signIn(site, 'bob')
  await context.addCookies([
    { name: SESSION_COOKIE, value, domain: '.vestibule.localhost', path: '/', httpOnly: true },
  ])
}

/** Signs in up to the moment before the callback, and hands that over to the page. */
const callbackUrl = async (): Promise<string> => {
  const before = site.url('auth', '/oauth2/callback')
  const other = createBrowser()
  const { url } = await other.open(site.url('auth', '/oauth2/start'))
  const stopped = await other.open(url, { form: { person: 'bob' }, before })
  const cookies = [...other.cookiesFor(before)]
  await context.addCookies(cookies.map(([name, value]) => ({ name, value, url: before })))
  return stopped.url
}

const visit = async (path: string): Promise<Response | null> =>
  await page.goto(site.url('auth', path))

const VISITS: readonly Visit[] = [
  {
    title: 'This sign-in is over',
    status: 400,
    open: async () => await visit('/oauth2/callback?code=x&state=y'),
  },
  {
    title: 'You were not signed in',
    status: 400,
    open: async () =>
      await page.goto((await callbackUrl()).replace(/code=[^&]*/, 'error=access_denied')),
  },
  {
    title: 'Signing in is not possible just now',
    status: 502,
    open: async () => {
      site.identityProvider.setBehaviour({ hangUp: true })
      return await visit('/oauth2/start')
    },
  },
  {
    title: 'You may not open this page',
    status: 403,
    open: async () => {
      await signInAsBob()
      return await page.goto(site.url('grafana', '/admin'))
    },
  },
  { title: 'You may not open this page', status: 403, open: async () => await visit('/denied') },
  {
    title: 'Please sign in',
    status: 401,
    open: async () => await page.goto(site.url('plain')),
  },
  {
    title: 'Sign out?',
    status: 200,
    open: async () => {
      await page.goto(site.identityProvider.issuer)
      const target = site.url('auth', '/oauth2/sign_out?rd=/')
      const [answer] = await Promise.all([
        page.waitForResponse(target),
        page.evaluate(`location.href = ${JSON.stringify(target)}`),
      ])
      await page.waitForLoadState()
      return answer
    },
  },
  {
    title: 'You are signed out',
    status: 200,
    open: async () => await visit('/oauth2/signed_out'),
  },
  { title: 'Vestibule', status: 200, open: async () => await visit('/') },
  {
    title: 'Vestibule',
    status: 200,
    open: async () => {
      await signInAsBob()
      return await visit('/')
    },
  },
]

describe('the pages of Vestibule', () => {
  test.each(VISITS)('"$title", with $status, is a plain, readable page', async (wanted) => {
    const complaints = recordComplaints(page)
    const answer = await wanted.open()
    expect(answer?.status()).toBe(wanted.status)
    expect(answer?.headers()).toMatchObject({
      'cache-control': 'no-store',
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': expect.stringMatching(/^default-src 'none';/),
      'referrer-policy': 'no-referrer',
    })
    const backgrounds = new Set<string>()
    for (const size of SIZES) {
      for (const colorScheme of SCHEMES) {
        await page.setViewportSize(size)
        await page.emulateMedia({ colorScheme })
        const look = await appearance(page)
        backgrounds.add(look.background)
        expect(look).toMatchObject({
          title: wanted.title,
          headings: [wanted.title],
          language: 'en',
          colorScheme: 'light dark',
          foreign: 0,
          inlineHandlers: 0,
          overflow: 0,
        })
        expect(look.contrast).toBeGreaterThanOrEqual(4.5)
        expect(look.lowestTarget).toBeGreaterThanOrEqual(40)
      }
    }
    expect([backgrounds.size, complaints]).toEqual([2, []])
  })
})

describe('a page that says what to do next', () => {
  test('leads on to the page that was wanted, once the provider answers again', async () => {
    site.identityProvider.setBehaviour({ hangUp: true })
    const answer = await page.goto(site.url('grafana', '/d/latency?from=now-6h&to=now'))
    expect(answer?.status()).toBe(502)
    site.identityProvider.setBehaviour({})
    await press(page, page.getByRole('link', { name: 'Try again' }))
    await choose(page, 'alice')
    expect(page.url()).toBe(site.url('grafana', '/d/latency?from=now-6h&to=now'))
  })

  test('leads from the host of an application to the sign-in of Vestibule', async () => {
    await page.goto(site.url('plain', '/x'))
    await press(page, page.getByRole('link', { name: 'Sign in' }))
    await choose(page, 'alice')
    expect(await page.locator('main').innerText()).toContain('You are signed in as alice.')
  })
})
