import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { type Reply } from '../../demo/http-client.ts'
import { type IdentityProvider } from '../../demo/identity-provider.ts'
import { askRaw } from '../support/raw-http.ts'
import {
  type AskPublic,
  askPublic,
  type Started,
  startProvider,
  startSignIn,
} from '../support/sign-in.ts'
import { type Vestibule } from '../support/vestibule.ts'
import {
  BROWSER_COOKIE,
  expectBeginsAgain,
  expectRefusal,
  expectSafeReply,
  expectSignedIn,
  expectUnspoken,
  REFUSED,
  STALE,
  startAgainst,
  whoIs,
} from './support-callback.ts'

/*
 * Rows of the corpus that ask about things Vestibule does not have:
 * L3  "cookie from another key, of another issuer": the cookie is a random secret, not a sealed state.
 * L3, L21 with another browser's cookie: not the page, but a new beginning (see expectBeginsAgain).
 * L9  "good and bad state, same page": the person at the browser is told which; nobody else sees it.
 * L10 `prompt=none` is never sent, so `login_required` can only come unasked.
 * L18 `acr` and `auth_time`: sign-ins that have to prove more are in callback-browser.test.ts.
 * L31 "unknown issuer": there is one provider; a parameter `issuer` is ignored like any other.
 */

let idp: IdentityProvider
let vestibule: Vestibule

beforeAll(async () => {
  idp = await startProvider()
  vestibule = await startAgainst(idp)
})
afterAll(async () => {
  await vestibule.stop()
  await idp.stop()
})

const queryOf = ({ callbackPath }: Started): string =>
  callbackPath.slice(callbackPath.indexOf('?') + 1)

const valueIn = (query: string, name: string): string => new URLSearchParams(query).get(name) ?? ''

const complete = (started: Started, path = started.callbackPath): Promise<Reply> =>
  askPublic(vestibule, path, { cookies: [started.browserCookie] })

const askNoToken = async (path: string, question: AskPublic): Promise<Reply> => {
  const before = idp.count('/token')
  const reply = await askPublic(vestibule, path, question)
  expect(idp.count('/token')).toBe(before)
  return reply
}

describe('a callback out of the blue', () => {
  test.each(['', '?', '?&&&', '?=', '?code', '?code=', '?state=', '?code=x', '?error=x', '?iss=x'])(
    'L1 is refused: /oauth2/callback%s',
    async (query) => {
      const reply = await askNoToken(`/oauth2/callback${query}`, {})
      expectRefusal(reply, STALE)
    },
  )

  test.each(['/oauth2/callback/', '/oauth2/Callback', '/oauth2//callback', '/oauth2/callback;x'])(
    'L1 has one spelling: %s is not found',
    async (path) => {
      const reply = await askNoToken(`${path}?code=x&state=y`, {})
      expect([reply.status, reply.body]).toEqual([404, ''])
      expectSafeReply(reply)
    },
  )

  test('L1 with a state that nobody began is refused', async () => {
    const state = 'A'.repeat(43)
    const reply = await askNoToken(`/oauth2/callback?code=x&state=${state}`, {
      cookies: [`${BROWSER_COOKIE}=${state}`],
    })
    expectRefusal(reply, STALE)
  })
})

type Change = (query: string) => string

const MALFORMED: readonly (readonly [string, Change])[] = [
  ['L6 another state before the good one', (query) => `state=${'A'.repeat(43)}&${query}`],
  ['L6 another state after the good one', (query) => `${query}&state=${'A'.repeat(43)}`],
  ['L6 the good state twice', (query) => `${query}&state=${valueIn(query, 'state')}`],
  [
    'L6 state twice, once percent-encoded',
    (query) => `${query}&%73tate=${valueIn(query, 'state')}`,
  ],
  ['L6 code twice', (query) => `${query}&code=x`],
  ['L6 an empty code first', (query) => `code=&${query}`],
  ['L6 iss twice', (query) => `${query}&iss=https://evil.test`],
  ['L6 error and code together', (query) => `${query}&error=access_denied`],
  ['L6 state[]', (query) => query.replace('state=', 'state[]=')],
  ['L6 State', (query) => query.replace('state=', 'State=')],
  ['L6 state with a blank', (query) => query.replace('state=', 'state=+')],
  ['L6 state with padding', (query) => query.replace(/(state=[^&]*)/, '$1%3D')],
  ['L6 parameters parted by semicolons', (query) => query.replaceAll('&', ';')],
  ['L6 an unknown parameter twice', (query) => `${query}&x=1&x=2`],
  ['L11 a code of 10 KiB', (query) => query.replace(/code=[^&]*/, `code=${'c'.repeat(10_240)}`)],
]

const FOREIGN_ISSUERS: readonly (readonly [string, Change])[] = [
  ['L8 iss of another provider', (query) => changed(query, 'iss', 'https://evil.test')],
  ['L8 iss with a slash more', (query) => changed(query, 'iss', `${valueIn(query, 'iss')}/`)],
  ['L8 iss in capitals', (query) => changed(query, 'iss', valueIn(query, 'iss').toUpperCase())],
  ['L8 iss left out by a provider that sends it', (query) => changed(query, 'iss', undefined)],
  ['L8 iss empty', (query) => changed(query, 'iss', '')],
]

const changed = (query: string, name: string, value: string | undefined): string => {
  const copy = new URLSearchParams(query)
  if (value === undefined) copy.delete(name)
  else copy.set(name, value)
  return copy.toString()
}

describe('a callback with one thing changed', () => {
  test.each(MALFORMED)('%s is refused and uses up nothing', async (_row, change) => {
    const started = await startSignIn(vestibule, 'alice')
    const reply = await askNoToken(`/oauth2/callback?${change(queryOf(started))}`, {
      cookies: [started.browserCookie],
    })
    expectRefusal(reply, STALE)
    expectSignedIn(await complete(started))
  })

  test.each(FOREIGN_ISSUERS)('%s never sees the code', async (_row, change) => {
    const started = await startSignIn(vestibule, 'alice')
    const reply = await askNoToken(`/oauth2/callback?${change(queryOf(started))}`, {
      cookies: [started.browserCookie],
    })
    expectRefusal(reply, REFUSED)
    expectRefusal(await complete(started), STALE)
  })

  test.each([
    ['no cookie', () => []],
    ['the cookie under another name', (cookie) => [cookie.replace('__Host-', '__host-')]],
    ['the cookie twice', (cookie) => [cookie, cookie]],
    ['the cookie and a planted one', (cookie) => [cookie, `${BROWSER_COOKIE}=${'A'.repeat(43)}`]],
    ['the cookie in quotes', (cookie) => [cookie.replace(/=(.*)/, '="$1"')]],
    ['the cookie cut short', (cookie) => [cookie.slice(0, -1)]],
    ['the session cookie instead', (cookie) => [cookie.replace(/^[^=]+/, '__Secure-vestibule')]],
  ] as const satisfies readonly (readonly [string, (cookie: string) => readonly string[]])[])(
    'L3 with %s is refused',
    async (_what, cookies) => {
      const started = await startSignIn(vestibule, 'alice')
      const reply = await askNoToken(started.callbackPath, {
        cookies: cookies(started.browserCookie),
      })
      expectRefusal(reply, STALE)
    },
  )

  test('L3 with the cookie of another browser redeems nothing and begins again', async () => {
    const started = await startSignIn(vestibule, 'alice', { rd: 'https://app.test/x' })
    const reply = await askNoToken(started.callbackPath, {
      cookies: [`${BROWSER_COOKIE}=${'A'.repeat(43)}`],
    })
    expectBeginsAgain(reply, 'https://app.test/x')
    expectRefusal(await complete(started), STALE)
  })

  test.each(['HEAD', 'OPTIONS', 'PUT', 'POST', 'DELETE', 'PATCH', 'PROPFIND'])(
    'L13 by %s is 405 and uses up nothing',
    async (method) => {
      const started = await startSignIn(vestibule, 'alice')
      const reply = await askNoToken(started.callbackPath, {
        method,
        cookies: [started.browserCookie],
      })
      expect([reply.status, reply.headers.allow, reply.setCookies]).toEqual([405, 'GET', []])
      expectSignedIn(await complete(started))
    },
  )

  test.each([
    { 'sec-purpose': 'prefetch' },
    { 'sec-purpose': 'prefetch;prerender' },
    { purpose: 'prefetch' },
    { purpose: 'Prefetch' },
  ])('L13 fetched ahead with %j uses up nothing', async (headers) => {
    const started = await startSignIn(vestibule, 'alice')
    const reply = await askNoToken(started.callbackPath, {
      headers,
      cookies: [started.browserCookie],
    })
    expectRefusal(reply, STALE)
    expectSignedIn(await complete(started))
  })
})

describe('the provider says no', () => {
  test.each([
    'error=access_denied&error_description=%3Cscript%3Ealert(1)%3C/script%3E&error_uri=javascript:alert(1)',
    'error=%3Cscript%3E',
    `error=${'e'.repeat(4000)}`,
    'error=login_required',
    'error=interaction_required&error_description=%0d%0aSet-Cookie:x=1',
  ])('L9 L10 answers a constant page and stops: %s', async (error) => {
    const started = await startSignIn(vestibule, 'alice')
    const query = queryOf(started)
    const withError = `/oauth2/callback?${error}&state=${valueIn(query, 'state')}&iss=${valueIn(query, 'iss')}`
    const reply = await askNoToken(withError, { cookies: [started.browserCookie] })
    expectRefusal(reply, REFUSED)
    expectRefusal(await complete(started), STALE)
    expect(started.authorizationUrl).not.toContain('prompt=')
    expectRefusal(await askNoToken(withError.replace(/state=[^&]*/, 'state=x'), {}), STALE)
  })
})

describe('a code that was not meant for this sign-in', () => {
  test.each(['%00', '%zz', '%e4%b8%ad', '..%2f..', '%26x%3d1', '%0d%0aX:%20y', 'x'])(
    'L11 %s is tried once, and refused',
    async (code) => {
      const started = await startSignIn(vestibule, 'alice')
      const path = started.callbackPath.replace(/code=[^&]*/, `code=${code}`)
      const before = idp.count('/token')
      expectRefusal(await complete(started, path), REFUSED)
      expect(idp.count('/token')).toBe(before + 1)
      expectRefusal(await complete(started), STALE)
    },
  )

  test('L11 bytes that are no ASCII are refused', async () => {
    const started = await startSignIn(vestibule, 'alice')
    const path = started.callbackPath.replace(/code=[^&]*/, 'code=\xe4\xff')
    const answer = await askRaw(
      vestibule.publicPort,
      `GET ${path} HTTP/1.1\r\nHost: auth.test\r\nCookie: ${started.browserCookie}\r\nConnection: close\r\n\r\n`,
    )
    expect(answer.status).toBe(400)
    expect(answer.headers.map(([name]) => name)).not.toContain('set-cookie')
  })

  test("L21 an attacker's code in the victim's sign-in fails at the provider (PKCE)", async () => {
    const attacker = await startSignIn(vestibule, 'bob')
    const victim = await startSignIn(vestibule, 'alice')
    const code = valueIn(queryOf(attacker), 'code')
    const before = idp.count('/token')
    const injected = `/oauth2/callback?${changed(queryOf(victim), 'code', code)}`
    expectRefusal(await complete(victim, injected), REFUSED)
    expect(idp.count('/token')).toBe(before + 1)
  })

  test("L21 the attacker's whole callback makes nobody in the victim's browser Bob", async () => {
    const attacker = await startSignIn(vestibule, 'bob')
    const victim = await startSignIn(vestibule, 'alice')
    expectBeginsAgain(await askNoToken(attacker.callbackPath, { cookies: [victim.browserCookie] }))
    expect(await whoIs(vestibule, expectSignedIn(await complete(victim)))).toBe('alice')
  })
})

describe('a callback that worked', () => {
  test('L4 works once: its replay makes no session and asks for no token', async () => {
    const started = await startSignIn(vestibule, 'alice', { rd: 'https://app.test/x' })
    const cookie = expectSignedIn(await complete(started), 'https://app.test/x')
    const replay = await askNoToken(started.callbackPath, {
      cookies: [started.browserCookie, cookie],
    })
    expectRefusal(replay, STALE)
    expect(await whoIs(vestibule, cookie)).toBe('alice')
  })

  test('L5 sent 50 times at once makes exactly one session', async () => {
    const started = await startSignIn(vestibule, 'alice')
    const before = idp.count('/token')
    const replies = await Promise.all(Array.from({ length: 50 }, () => complete(started)))
    const done = replies.filter(({ status }) => status === 302)
    expect(done).toHaveLength(1)
    for (const reply of replies) if (reply.status !== 302) expectRefusal(reply, STALE)
    expect(idp.count('/token')).toBe(before + 1)
  })

  test('L14 goes by the configured origin, whatever the request says of its own', async () => {
    const headers = {
      host: 'evil.test',
      'x-forwarded-host': 'evil.test',
      'x-forwarded-proto': 'gopher',
      forwarded: 'host=evil.test;proto=gopher',
      'x-original-url': 'https://evil.test/',
    }
    const reply = await askPublic(vestibule, '/oauth2/start?rd=/x', { headers })
    const url = new URL(reply.location ?? '')
    expect(url.origin).toBe(idp.issuer)
    expect(`${url.href}${reply.body}`).not.toContain('evil.test')
    const started = await startSignIn(vestibule, 'alice', { rd: '/x' })
    const completed = await askPublic(vestibule, started.callbackPath, {
      headers,
      cookies: [started.browserCookie],
    })
    expectSignedIn(completed, '/x')
  })

  test('L23 leaves no state, code or nonce in logs, metrics or later addresses', async () => {
    const started = await startSignIn(vestibule, 'alice', { rd: 'https://app.test/x' })
    const reply = await complete(started)
    const secrets = [
      valueIn(queryOf(started), 'code'),
      valueIn(queryOf(started), 'state'),
      new URL(started.authorizationUrl).searchParams.get('nonce') ?? '',
      started.browserCookie.slice(-43),
      expectSignedIn(reply, 'https://app.test/x').slice(-43),
    ].filter((secret) => secret !== '')
    for (const secret of secrets) expect(reply.location).not.toContain(secret)
    await expectUnspoken(vestibule, secrets)
  })
})
