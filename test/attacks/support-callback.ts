import { expect } from '@jest/globals'
import { type Reply } from '../../demo/http-client.ts'
import { askPublic, cookieOf, providerSettings } from '../support/sign-in.ts'
import { startVestibule, type Vestibule, type VestibuleSettings } from '../support/vestibule.ts'
import {
  type Authorization,
  readAuthorization,
  type ScriptedProvider,
} from './support-scripted-provider.ts'

export const POLICIES = {
  'app.yaml': `
hosts: [app.test]
policy:
  - allow: { and: [ { groups: { has: sre } } ] }
`,
}

export const SESSION_COOKIE = '__Secure-vestibule'
export const BROWSER_COOKIE = '__Host-vestibule-sign-in'

/** The service against that provider; a short `timeout` makes a silent provider cost little. */
export const startAgainst = (
  idp: { readonly issuer: string },
  settings: Partial<VestibuleSettings> = {},
  timeout = '5s',
): Promise<Vestibule> => {
  const { config, environment } = providerSettings(idp)
  const { identityProvider } = config as { readonly identityProvider: object }
  return startVestibule({
    policies: POLICIES,
    ...settings,
    config: { identityProvider: { ...identityProvider, timeout }, ...settings.config },
    environment: { ...environment, ...settings.environment },
  })
}

export type Begun = {
  readonly browserCookie: string
  readonly authorizationUrl: string
  readonly authorization: Authorization
}

/** A sign-in up to the redirect to the provider. */
export const begin = async (
  vestibule: Pick<Vestibule, 'publicPort'>,
  query = '',
  cookies: readonly string[] = [],
): Promise<Begun> => {
  const reply = await askPublic(vestibule, `/oauth2/start${query}`, { cookies })
  if (reply.location === undefined) throw new Error(`no redirect: ${reply.status}`)
  return {
    browserCookie: cookieOf(reply.setCookies[0] ?? ''),
    authorizationUrl: reply.location,
    authorization: readAuthorization(reply.location),
  }
}

/** A whole sign-in at the scripted provider; the callback's reply. */
export const signInAt = async (
  vestibule: Pick<Vestibule, 'publicPort'>,
  idp: ScriptedProvider,
  { subject = 'alice', query = '' }: { readonly subject?: string; readonly query?: string } = {},
): Promise<Reply> => {
  const begun = await begin(vestibule, query)
  return await askPublic(vestibule, idp.authorize(begun.authorizationUrl, subject), {
    cookies: [begun.browserCookie],
  })
}

export const sessionCookieOf = (reply: Reply): string | undefined => {
  const line = reply.setCookies.find((each) => each.startsWith(`${SESSION_COOKIE}=`))
  return line === undefined ? undefined : cookieOf(line)
}

/** What every answer of the public listener keeps to, whatever was asked. */
export const expectSafeReply = (reply: Reply): void => {
  expect(reply.headers['cache-control']).toBe('no-store')
  expect(reply.headers['referrer-policy']).toBe('no-referrer')
  expect(reply.headers['content-security-policy']).toContain("frame-ancestors 'none'")
  expect(reply.headers['x-content-type-options']).toBe('nosniff')
  expect(reply.headers['x-powered-by']).toBeUndefined()
  expect(reply.headers.etag).toBeUndefined()
  expect(reply.setCookies.length).toBeLessThanOrEqual(1)
}

const expectNoSession = (reply: Reply): void => {
  expect(reply.location).toBeUndefined()
  expect(reply.setCookies).toEqual([])
  expectSafeReply(reply)
}

/** The titles of the two pages behind a failed callback; nothing else may tell them apart. */
export const STALE = 'This sign-in is over'
export const REFUSED = 'You were not signed in'

const titleOf = (reply: Reply): string => /<title>([^<]*)<\/title>/.exec(reply.body)?.[1] ?? ''

const pages = new Map<string, string>()

/** LE: 400 with one constant page, no cookie, no redirect. */
export const expectRefusal = (reply: Reply, title: string): void => {
  expect([reply.status, titleOf(reply)]).toEqual([400, title])
  expectNoSession(reply)
  // Byte for byte the page of every other failure of its class: no oracle, no echo.
  pages.set(title, pages.get(title) ?? reply.body)
  expect(reply.body).toBe(pages.get(title))
}

/**
 * A callback of an attempt that another browser began: its code is not redeemed, and this browser
 * begins anew, as whoever sits at it. Tabs that start side by side need that.
 */
export const expectBeginsAgain = (reply: Reply, returnTo = '/'): void => {
  const location = `/oauth2/start?rd=${encodeURIComponent(returnTo)}`
  expect([reply.status, reply.location, reply.body]).toEqual([302, location, ''])
  expect(reply.setCookies).toEqual([])
  expectSafeReply(reply)
}

/** LF: 502 or 503 with a page that offers to try again, no cookie, no redirect. */
export const expectOutage = (reply: Reply, status: 502 | 503): void => {
  expect([reply.status, titleOf(reply)]).toEqual([status, 'Signing in is not possible just now'])
  expect(reply.body).toContain('href="/oauth2/start')
  expectNoSession(reply)
}

/** Signed in and sent on: 302, one session cookie. */
export const expectSignedIn = (reply: Reply, location = '/'): string => {
  expect([reply.status, reply.location]).toEqual([302, location])
  expectSafeReply(reply)
  expect(reply.body).toBe('')
  const cookie = sessionCookieOf(reply)
  expect(cookie).toMatch(/^__Secure-vestibule=[A-Za-z0-9_-]{43}$/)
  return cookie ?? ''
}

/** Whom a session cookie stands for; undefined where it stands for nobody. */
export const whoIs = async (
  vestibule: Pick<Vestibule, 'publicPort'>,
  cookie: string,
): Promise<string | undefined> => {
  const reply = await askPublic(vestibule, '/oauth2/userinfo', { cookies: [cookie] })
  return reply.status === 200 ? (JSON.parse(reply.body) as { user: string }).user : undefined
}

/** None of these may stand in what the service wrote about itself. */
export const expectUnspoken = async (
  vestibule: Vestibule,
  secrets: readonly string[],
): Promise<void> => {
  const spoken = [
    ...vestibule.notices(),
    await vestibule.metrics(),
    ...(await vestibule.decisions()).map((line) => JSON.stringify(line)),
  ].join('\n')
  expect(spoken).not.toContain('CANARY')
  for (const each of secrets) expect(spoken.includes(each) ? each : '').toBe('')
}
