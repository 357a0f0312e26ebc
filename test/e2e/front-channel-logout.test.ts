import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { type Browser, type BrowserContext, type Page } from 'playwright-core'
import { type LocalServer, startLocalServer } from '../../demo/local-server.ts'
import { POLICIES } from '../attacks/support-callback.ts'
import { startVestibule, type Vestibule } from '../support/vestibule.ts'
import { launchChromium } from './support-browser.ts'
import { SESSION_COOKIE, until } from './support-world.ts'

jest.setTimeout(60_000)

let browser: Browser | undefined
/** Serve a page with the frame: the identity provider, and somebody else. */
let provider: LocalServer | undefined
let stranger: LocalServer | undefined
let vestibule: Vestibule | undefined
let context: BrowserContext
let page: Page
/** On another site than the page that holds it. */
let frameAddress: string

const framing = (): Promise<LocalServer> =>
  startLocalServer((_request, response) => {
    response.setHeader('content-type', 'text/html')
    response.end(`<!doctype html><title>Frame</title><iframe src="${frameAddress}"></iframe>`)
  })

beforeAll(async () => {
  ;[browser, provider, stranger] = await Promise.all([launchChromium(), framing(), framing()])
  const issuer = `http://127.0.0.1:${provider.port}`
  vestibule = await startVestibule({
    policies: POLICIES,
    config: { identityProvider: { issuer, clientId: 'vestibule' } },
  })
  const query = new URLSearchParams({ iss: issuer, sid: 'somebody' }).toString()
  frameAddress = `http://localhost:${vestibule.publicPort}/oauth2/frontchannel_logout?${query}`
})
afterAll(async () => {
  await Promise.all([browser?.close(), provider?.stop(), stranger?.stop(), vestibule?.stop()])
})
beforeEach(async () => {
  if (browser === undefined) throw new Error('no browser')
  context = await browser.newContext()
  await context.addCookies([
    { name: SESSION_COOKIE, value: 'x', domain: 'localhost', path: '/', sameSite: 'Lax' },
  ])
  page = await context.newPage()
})

/** Opens that address; the cookie with which the browser asks for front-channel logout. */
const cookieWhenOpening = async (address: string): Promise<string | undefined> => {
  const [request] = await Promise.all([page.waitForRequest(frameAddress), page.goto(address)])
  return (await request.allHeaders())['cookie']
}

const frameText = async (): Promise<string> =>
  (await page.frames()[1]?.locator('body').innerText()) ?? ''

describe('a front-channel frame in a real browser', () => {
  test('of the provider, on another site, is shown and brings no cookie', async () => {
    expect(await cookieWhenOpening(frameAddress)).toBe(`${SESSION_COOKIE}=x`)
    expect(await cookieWhenOpening(`http://127.0.0.1:${provider?.port}/`)).toBeUndefined()
    expect(await frameText()).toContain('You signed out elsewhere')
  })

  test('of anybody else is not shown', async () => {
    await cookieWhenOpening(`http://127.0.0.1:${stranger?.port}/`)
    await until(() => page.frames()[1]?.url().startsWith('chrome-error:') === true, 'the refusal')
    expect(await frameText()).not.toContain('You signed out')
  })
})
