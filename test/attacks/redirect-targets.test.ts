import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { findPolicy } from '../../src/core/policy/policy.ts'
import { parseReturnUrl, type ReturnUrlRules } from '../../src/core/return-url.ts'
import { policiesOf } from '../support/policies.ts'
import { askRaw } from '../support/raw-http.ts'
import { askPublic } from '../support/sign-in.ts'
import { type Vestibule } from '../support/vestibule.ts'
import { begin, expectSignedIn, startAgainst } from './support-callback.ts'
import { escapeOf } from './support-location-oracle.ts'
import { REDIRECT_POLICIES, REDIRECT_ROWS } from './support-redirect-rows.ts'
import { type ScriptedProvider, startScriptedProvider } from './support-scripted-provider.ts'

let idp: ScriptedProvider
let vestibule: Vestibule
let rules: ReturnUrlRules

beforeAll(async () => {
  idp = await startScriptedProvider()
  vestibule = await startAgainst(idp, { policies: REDIRECT_POLICIES })
  const policies = await policiesOf(REDIRECT_POLICIES)
  rules = {
    publicOrigin: 'https://auth.test',
    allowHttp: false,
    isRoutedHost: (host) => findPolicy(policies, host) !== undefined,
  }
})
afterAll(async () => {
  await vestibule.stop()
  await idp.stop()
})

const shown = (target: string): string => JSON.stringify(target).slice(0, 80)

/** `encodeURIComponent` throws on half a surrogate pair; browsers send U+FFFD. */
const encoded = (target: string): string => encodeURIComponent(target.toWellFormed())

const refusals = async (): Promise<number> =>
  Number(/^vestibule_return_urls_refused_total ([0-9]+)$/m.exec(await vestibule.metrics())?.[1])

const ROWS = REDIRECT_ROWS.map(([row, target, location]) => ({ row, target, location }))
const NAMED = ROWS.map((row) => [`${row.row} ${shown(row.target)}`, row] as const)

/** Signs in with that query, and says where it ends. */
const landing = async (query: string): Promise<string> => {
  const begun = await begin(vestibule, query)
  const reply = await askPublic(vestibule, idp.authorize(begun.authorizationUrl), {
    cookies: [begun.browserCookie],
  })
  expectSignedIn(reply, reply.location)
  return reply.location ?? ''
}

describe('a return URL', () => {
  test.each(NAMED)('is sent nowhere else: %s', (_name, { target, location }) => {
    expect(parseReturnUrl(target, rules)).toBe(location)
    if (location !== undefined) {
      expect(escapeOf(location)).toBeUndefined()
      // What comes out goes in again unchanged: it is checked a second time after signing in.
      expect(parseReturnUrl(location, rules)).toBe(location)
    }
  })

  test.each([
    ['/\ud800', undefined],
    ['https://app.test/\udfff', undefined],
    [`https://app.test/${'a'.repeat(1_048_576)}`, undefined],
    [`https://app.test${'%2f'.repeat(600)}`, undefined],
    [`/${'../'.repeat(600)}`, undefined],
  ])('R59 R60 %# is bounded and throws nothing', (target, location) => {
    expect(parseReturnUrl(target, rules)).toBe(location)
  })

  // design.md: the default port, or the port of publicUrl.
  test.each([
    ['https://app.test:8443/x', 'https://app.test:8443/x'],
    ['https://auth.test:8443/x', 'https://auth.test:8443/x'],
    ['https://app.test/x', 'https://app.test/x'],
    ['https://auth.test:8443/oauth2/start', undefined],
    ['https://app.test:443/x', 'https://app.test/x'],
    ['https://app.test:18443/x', undefined],
    ['https://app.test:443@app.test:8443/x', undefined],
    ['https://evil.test:8443/x', undefined],
  ])('R36 with publicUrl on port 8443: %s', (target, location) => {
    const onPort = { ...rules, publicOrigin: 'https://auth.test:8443' }
    expect(parseReturnUrl(target, onPort)).toBe(location)
  })

  test.each([
    ['http://app.test:8080/x', 'http://app.test:8080/x'],
    ['http://app.test/x', 'http://app.test/x'],
    ['http://evil.test/x', undefined],
    ['http://auth.test:8080/oauth2/start', undefined],
    ['ftp://app.test:8080/x', undefined],
  ])('R36 in development, with publicUrl in plain http: %s', (target, location) => {
    const development = { ...rules, publicOrigin: 'http://auth.test:8080', allowHttp: true }
    expect(parseReturnUrl(target, development)).toBe(location)
  })
})

describe('a return URL through a whole sign-in', () => {
  // Longer ones do not get through a proxy's or Node's bound on a request line.
  const FITTING = ROWS.filter(({ target }) => encoded(target).length < 14_000)

  test(`R1–R66 lands on the fallback or where it may: ${FITTING.length} of them`, async () => {
    const before = await refusals()
    for (let start = 0; start < FITTING.length; start += 16) {
      await Promise.all(
        FITTING.slice(start, start + 16).map(async ({ row, target, location = '/' }) => {
          const landed = await landing(`?rd=${encoded(target)}`)
          expect([row, target, landed]).toEqual([row, target, location])
          expect([row, target, escapeOf(landed)]).toEqual([row, target, undefined])
        }),
      )
    }
    const refused = FITTING.filter(({ location }) => location === undefined)
    expect((await refusals()) - before).toBe(refused.length)
  }, 30_000)

  test.each([
    ['twice, evil last', 'rd=/x&rd=https://evil.test'],
    ['twice, evil first', 'rd=https://evil.test&rd=/x'],
    ['twice the same', 'rd=/x&rd=/x'],
    ['as a list', 'rd[]=https://evil.test'],
    ['under another name', 'RD=https://evil.test'],
    ['percent-encoded, beside a good one', '%72d=https://evil.test&rd=/x'],
    ['empty', 'rd='],
    ['without a value', 'rd'],
    ['not at all', ''],
    ['of bytes that are no UTF-8', 'rd=%ff%fe//evil.test'],
    ['of half a surrogate pair', 'rd=/%ed%a0%80'],
    ['of a broken percent-encoding', 'rd=/%zz'],
    ['with plus for blank', 'rd=+//evil.test'],
    ['behind a semicolon', 'x=1;rd=https://evil.test'],
  ])('R59 named %s falls back', async (_what, query) => {
    expect(await landing(`?${query}`)).toBe('/')
  })

  test('also by its other name, /oauth2/sign_in', async () => {
    for (const target of ['//evil.test', 'https://evil.test', '/%5cevil.test']) {
      const reply = await askPublic(vestibule, `/oauth2/sign_in?rd=${encoded(target)}`)
      expect(new URL(reply.location ?? '').origin).toBe(idp.issuer)
    }
  })

  test('R60 one of a megabyte is refused before it is read', async () => {
    const answer = await askRaw(
      vestibule.publicPort,
      `GET /oauth2/start?rd=/${'a'.repeat(1_000_000)} HTTP/1.1\r\nHost: auth.test\r\n\r\n`,
    ).catch(() => ({ status: 431, headers: [] }))
    expect(answer.status).toBe(431)
  })

  test.each([
    ['POST', {}],
    ['PUT', {}],
    ['HEAD', {}],
    ['OPTIONS', {}],
  ])('R64 is not begun by %s', async (method) => {
    const reply = await askPublic(vestibule, '/oauth2/start?rd=/x', { method })
    expect([reply.status, reply.location, reply.headers.allow]).toEqual([405, undefined, 'GET'])
  })

  test.each([
    [{ 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' }],
    [{ 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' }],
    [{ 'sec-fetch-mode': 'websocket', 'sec-fetch-dest': 'websocket' }],
    [{ 'x-requested-with': 'XMLHttpRequest' }],
    [{ accept: 'application/json' }],
    [{ accept: '*/*' }],
  ])('R64 is not begun for a caller that shows no page: %j', async (headers) => {
    const reply = await askPublic(vestibule, '/oauth2/start?rd=https://evil.test', { headers })
    expect([reply.status, reply.location, reply.setCookies]).toEqual([401, undefined, []])
    expect(reply.body).not.toContain('evil')
  })
})
