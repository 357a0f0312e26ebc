import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
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
import { type Browser, type BrowserContext, type Locator, type Page } from 'playwright-core'
import { ask } from '../../demo/http-client.ts'
import {
  heading,
  press,
  recordComplaints,
  type Scene,
  signInAt,
  startScene,
} from './support-browser.ts'
import { appearance, SCHEMES, SIZES } from './support-page.ts'
import { type Site, signIn, withSession } from './support-world.ts'

jest.setTimeout(60_000)

/** As one with a window says it. */
const USER_AGENT =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36'

let scene: Scene | undefined
let site: Site
let browser: Browser
let context: BrowserContext
let page: Page

beforeAll(async () => {
  scene = await startScene({ store: 'memory' })
  ;({ site, browser } = scene)
})
afterAll(async () => {
  await scene?.stop()
})
beforeEach(async () => {
  context = await browser.newContext({ userAgent: USER_AGENT })
  page = await context.newPage()
})
afterEach(async () => {
  await context.close()
})

const statusFor = async (session: string): Promise<number> =>
  (await ask(site.url('wiki'), { headers: { accept: 'text/html', ...withSession(session) } }))
    .status

const rows = async (): Promise<readonly string[]> =>
  await page.locator('ul.sessions li').allInnerTexts()

/** Presses a button and waits until the page has come anew. */
const submit = async (target: Locator): Promise<void> => {
  await Promise.all([page.waitForEvent('load'), target.click()])
}

/** For somebody who wants to see it: SCREENSHOTS names a folder. */
const keepPicture = async (name: string): Promise<void> => {
  const folder = process.env['SCREENSHOTS']
  if (folder === undefined) return
  mkdirSync(folder, { recursive: true })
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true })
}

describe('the page of his own sessions', () => {
  test('is found from the welcome page, and leads through the sign-in where needed', async () => {
    await signInAt(page, site.url('auth', '/oauth2/sessions'), 'alice')
    expect(page.url()).toBe(site.url('auth', '/oauth2/sessions'))
    expect(await heading(page)).toBe('Where you are signed in')
    await page.goto(site.url('auth'))
    await press(page, page.getByRole('link', { name: 'Your sessions' }))
    expect(await heading(page)).toBe('Where you are signed in')
  })

  test('shows which one this is, and ends one, the others, and all', async () => {
    const others = [await signIn(site, 'bob'), await signIn(site, 'bob'), await signIn(site, 'bob')]
    await signInAt(page, site.url('wiki'), 'bob')
    await page.goto(site.url('auth', '/oauth2/sessions'))
    const before = await rows()
    expect(before).toHaveLength(4)
    expect(before[0]).toContain('Chrome on Linux')
    expect(before[0]).toContain('this one')

    await submit(page.getByRole('button', { name: /^End / }).nth(1))
    expect(await rows()).toHaveLength(3)
    await submit(page.getByRole('button', { name: 'End all others' }))
    expect(await rows()).toEqual([expect.stringContaining('this one')])
    expect(await Promise.all(others.map(statusFor))).toEqual([302, 302, 302])
    expect((await page.goto(site.url('wiki')))?.status()).toBe(200)

    const elsewhere = await signIn(site, 'bob')
    await page.goto(site.url('auth', '/oauth2/sessions'))
    await press(page, page.getByRole('button', { name: 'Sign out everywhere' }))
    expect(await statusFor(elsewhere)).toBe(302)
    expect(await context.cookies(site.url('auth'))).not.toContainEqual(
      expect.objectContaining({ name: 'vestibule' }),
    )
  })

  test('is plain and readable on a phone and in the dark, and complains of nothing', async () => {
    await signIn(site, 'carol')
    await signIn(site, 'carol')
    const complaints = recordComplaints(page)
    await signInAt(page, site.url('auth', '/oauth2/sessions'), 'carol')
    for (const size of SIZES) {
      for (const colorScheme of SCHEMES) {
        await page.setViewportSize(size)
        await page.emulateMedia({ colorScheme })
        const look = await appearance(page)
        await keepPicture(`sessions-${size.width}-${colorScheme}`)
        expect(look).toMatchObject({ foreign: 0, inlineHandlers: 0, overflow: 0, language: 'en' })
        expect(look.contrast).toBeGreaterThanOrEqual(4.5)
      }
    }
    expect(complaints).toEqual([])
  })

  test('ends nothing for a form on an application of the same site', async () => {
    await signInAt(page, site.url('wiki'), 'alice')
    const target = site.url('auth', '/oauth2/sessions')
    const answer = page.waitForResponse((response) => response.request().method() === 'POST')
    await page.evaluate(`(() => {
      const form = document.createElement('form')
      form.method = 'post'
      form.action = ${JSON.stringify(target)}
      form.innerHTML = '<input name="end" value="all">'
      document.body.append(form)
      form.submit()
    })()`)
    expect((await answer).status()).toBe(403)
    const other = await context.newPage()
    expect((await other.goto(site.url('wiki')))?.status()).toBe(200)
  })
})
