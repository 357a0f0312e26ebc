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
import { ask } from '../../demo/http-client.ts'
import { type LocalServer, startLocalServer } from '../../demo/local-server.ts'
import { greeting, heading, press, type Scene, signInAt, startScene } from './support-browser.ts'
import { SESSION_COOKIE, type Site, signIn, withSession } from './support-world.ts'

jest.setTimeout(60_000)

let scene: Scene | undefined
let site: Site
let browser: Browser
let elsewhere: LocalServer | undefined
let context: BrowserContext
let page: Page

/** A page of another site: a link, and an image and a form that nobody has to click. */
const foreignPage = (signOut: string): string => `<!doctype html><title>Elsewhere</title>
<a href="${signOut}">You have won</a>
<img src="${signOut}" alt="">
<form method="post" action="${signOut}"><button>Collect</button></form>`

beforeAll(async () => {
  scene = await startScene()
  ;({ site, browser } = scene)
  const signOut = site.url('auth', `/oauth2/sign_out?rd=${site.url('wiki', '/public/bye')}`)
  elsewhere = await startLocalServer((_request, response) => {
    response.setHeader('content-type', 'text/html')
    response.end(foreignPage(signOut))
  })
})

afterAll(async () => {
  await scene?.stop()
  await elsewhere?.stop()
})

beforeEach(async () => {
  // oidc-provider misses a global of Node in jest's sandbox when it tells clients of a sign-out.
  jest.spyOn(console, 'warn').mockImplementation(() => {})
  context = await browser.newContext()
  page = await context.newPage()
})

afterEach(async () => {
  await context.close()
})

const sessionCookie = async (): Promise<string | undefined> =>
  (await context.cookies()).find(({ name }) => name === SESSION_COOKIE)?.value

/** The page of the identity provider that ends its session. */
const confirmAtProvider = async (): Promise<void> => {
  expect(page.url()).toContain(`${site.identityProvider.issuer}/session/end`)
  await press(page, page.locator('button[name=logout]'))
}

const statusWith = async (cookie: string): Promise<number> =>
  (await ask(site.url('grafana', '/d'), { headers: withSession(cookie) })).status

const isSignedIn = async (): Promise<boolean> => {
  const headers = withSession((await sessionCookie()) ?? '')
  return (await ask(site.url('auth', '/oauth2/userinfo'), { headers })).status === 200
}

describe('signing out with a browser', () => {
  test('ends the session here and at the provider, and lands where rd says', async () => {
    await signInAt(page, site.url('grafana', '/d'), 'alice')
    const old = (await sessionCookie()) ?? ''
    const landing = site.url('wiki', '/public/bye?from=a%20b&x=1')
    await page.goto(site.url('auth', `/oauth2/sign_out?rd=${encodeURIComponent(landing)}`))
    expect([await sessionCookie(), await statusWith(old)]).toEqual([undefined, 302])
    await confirmAtProvider()
    expect(page.url()).toBe(landing)
    expect(await greeting(page)).toBe('Nobody is signed in here.')
    await page.goto(site.url('grafana', '/d'))
    expect(await heading(page)).toBe('Who are you?')
  })

  test('leaves nothing to see behind the back button', async () => {
    await signInAt(page, site.url('grafana', '/d/secret'), 'alice')
    const { lastRequest, reset } = site.applications.get('grafana') ?? {}
    await press(page, page.getByRole('link', { name: 'Sign out' }))
    await confirmAtProvider()
    expect(await heading(page)).toBe('You are signed out')
    reset?.()
    for (let steps = 0; steps < 3; steps += 1) {
      await page.goBack()
      expect(await page.locator('body').innerText()).not.toContain('Hello, alice')
    }
    expect(lastRequest?.()).toBeUndefined()
  })

  test.each([
    'https://elsewhere.example/',
    '//elsewhere.example/',
    'http://grafana.vestibule.localhost.elsewhere.example/',
    '/oauth2/sign_out',
  ])('does not lead to %s', async (rd) => {
    const headers = { ...withSession(await signIn(site, 'bob')), accept: 'text/html' }
    const path = `/oauth2/sign_out?rd=${encodeURIComponent(rd)}`
    const { location = '' } = await ask(site.url('auth', path), { headers })
    const state = new URL(location).searchParams.get('state') ?? ''
    const back = await ask(site.url('auth', `/oauth2/signed_out?state=${state}`))
    expect([back.status, back.location]).toEqual([200, undefined])
    expect(back.body).toContain('<h1>You are signed out</h1>')
  })
})

describe('a sign-out that another site begins', () => {
  const openElsewhere = async (): Promise<void> => {
    await page.goto(`http://localhost:${elsewhere?.port}/`)
  }

  test('asks first, and a page without script does the rest', async () => {
    await context.close()
    context = await browser.newContext({ javaScriptEnabled: false })
    page = await context.newPage()
    await signInAt(page, site.url('wiki'), 'alice')
    await openElsewhere()
    await press(page, page.getByRole('link', { name: 'You have won' }))
    expect([await heading(page), await isSignedIn()]).toEqual(['Sign out?', true])
    await press(page, page.getByRole('button', { name: 'Sign out' }))
    await confirmAtProvider()
    expect([page.url(), await sessionCookie()]).toEqual([
      site.url('wiki', '/public/bye'),
      undefined,
    ])
  })

  test('leaves somebody signed in who says so', async () => {
    await signInAt(page, site.url('wiki'), 'alice')
    await openElsewhere()
    await press(page, page.getByRole('link', { name: 'You have won' }))
    await press(page, page.getByRole('link', { name: 'Stay signed in' }))
    expect(await page.locator('main').innerText()).toContain('You are signed in as alice.')
    expect(await isSignedIn()).toBe(true)
  })

  test('does nothing by an image or by a form of that site', async () => {
    await signInAt(page, site.url('wiki'), 'alice')
    await openElsewhere()
    const [answer] = await Promise.all([
      page.waitForResponse((response) => response.request().method() === 'POST'),
      page.getByRole('button', { name: 'Collect' }).click(),
    ])
    expect([answer.status(), await isSignedIn()]).toEqual([403, true])
  })
})
