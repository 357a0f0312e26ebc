import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { type Reply } from '../../demo/http-client.ts'
import { type AskPublic, askPublic } from '../support/sign-in.ts'
import { type Vestibule } from '../support/vestibule.ts'
import {
  expectSafeReply,
  expectSignedIn,
  SESSION_COOKIE,
  signInAt,
  startAgainst,
  whoIs,
} from './support-callback.ts'
import { escapeOf } from './support-location-oracle.ts'
import { REDIRECT_POLICIES, REDIRECT_ROWS } from './support-redirect-rows.ts'
import { type ScriptedProvider, startScriptedProvider } from './support-scripted-provider.ts'

let idp: ScriptedProvider
let vestibule: Vestibule

beforeAll(async () => {
  idp = await startScriptedProvider()
  vestibule = await startAgainst(idp, { policies: REDIRECT_POLICIES })
})
afterAll(async () => {
  await vestibule.stop()
  await idp.stop()
})

const manyFields = (count: number): Readonly<Record<string, string>> =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`f${index}`, 'x']))

const encoded = (target: string): string => encodeURIComponent(target.toWellFormed())
const FITTING = REDIRECT_ROWS.filter(([, target]) => encoded(target).length < 14_000)
const REFUSED = FITTING.filter(([, , location]) => location === undefined)

const signedIn = async (): Promise<string> => expectSignedIn(await signInAt(vestibule, idp))

const signOut = (cookie: string, query: string, question: AskPublic = {}): Promise<Reply> =>
  askPublic(vestibule, `/oauth2/sign_out${query}`, { cookies: [cookie], ...question })

/** Signed out here, and sent on to the provider, which is told one constant address. */
const expectSignedOut = (reply: Reply, issuer: string): URLSearchParams => {
  expect(reply.status).toBe(302)
  expectSafeReply(reply)
  expect(reply.setCookies).toEqual([
    `${SESSION_COOKIE}=; Domain=test; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; Secure; SameSite=Lax`,
  ])
  const url = new URL(reply.location ?? '')
  expect(`${url.origin}${url.pathname}`).toBe(`${issuer}/end`)
  expect(url.searchParams.get('post_logout_redirect_uri')).toBe(
    'https://auth.test/oauth2/signed_out',
  )
  return url.searchParams
}

const expectStillSignedIn = async (reply: Reply, cookie: string, who = 'alice'): Promise<void> => {
  expect(reply.setCookies).toEqual([])
  expect(reply.location).toBeUndefined()
  expectSafeReply(reply)
  expect(await whoIs(vestibule, cookie)).toBe(who)
}

const expectConstantPage = (reply: Reply): void => {
  expect([reply.status, reply.location]).toEqual([200, undefined])
  expect(reply.body).toContain('<title>You are signed out</title>')
  expectSafeReply(reply)
}

describe('the return URL of a sign-out', () => {
  test(`R1–R66 leads on to the fallback or where it may: ${FITTING.length} of them`, async () => {
    for (const [row, target, location = '/'] of FITTING) {
      const reply = await askPublic(vestibule, `/oauth2/sign_out?rd=${encoded(target)}`)
      expect([row, target, reply.status, reply.location]).toEqual([row, target, 302, location])
      expect([row, escapeOf(reply.location ?? '')]).toEqual([row, undefined])
    }
  }, 30_000)

  test(`R1–R66 in a form, the same: ${REFUSED.length} refused ones`, async () => {
    for (const [row, target] of REFUSED.filter(([, text]) => encoded(text).length < 8000)) {
      const reply = await askPublic(vestibule, '/oauth2/sign_out', {
        form: { rd: target.toWellFormed() },
      })
      expect([row, target, reply.status, reply.location]).toEqual([row, target, 302, '/'])
    }
  }, 30_000)

  test.each(
    FITTING.filter((_, index) => index % 9 === 0).map(([row, target, location]) => ({
      row,
      target,
      location,
    })),
  )('$row survives the way through the provider: $target', async ({ target, location }) => {
    const cookie = await signedIn()
    const parameters = expectSignedOut(await signOut(cookie, `?rd=${encoded(target)}`), idp.issuer)
    const state = parameters.get('state') ?? ''
    const back = await askPublic(vestibule, `/oauth2/signed_out?state=${state}`)
    if (location === undefined || location === '/') expectConstantPage(back)
    else expect([back.status, back.location]).toEqual([302, location])
  })

  test.each([
    ['twice', '?rd=/x&rd=https://evil.test', {}],
    ['in the query and the form', '?rd=https://evil.test', { form: { rd: '/x' } }],
    ['as a list in the form', '', { form: { 'rd[]': 'https://evil.test' } }],
    ['as a prototype', '', { form: { __proto__x: '1', '__proto__[rd]': 'https://evil.test' } }],
    ['under the name of oauth2-proxy', '?redirect=https://evil.test', {}],
    ['as the provider would name it', '?post_logout_redirect_uri=https://evil.test', {}],
  ])('named %s falls back', async (_what, query, question) => {
    const reply = await askPublic(vestibule, `/oauth2/sign_out${query}`, question)
    expect([reply.status, reply.location]).toEqual([302, '/'])
  })
})

describe('R68 what comes back from the provider', () => {
  const stateOf = async (): Promise<string> => {
    const reply = await signOut(await signedIn(), '?rd=https://app.test/bye')
    return expectSignedOut(reply, idp.issuer).get('state') ?? ''
  }

  test('is sealed: any change leads to the constant page', async () => {
    const state = await stateOf()
    for (let at = 0; at < state.length; at += 7) {
      const swapped = state[at] === 'A' ? 'B' : 'A'
      const changed = `${state.slice(0, at)}${swapped}${state.slice(at + 1)}`
      expectConstantPage(await askPublic(vestibule, `/oauth2/signed_out?state=${changed}`))
    }
    for (const cut of [1, 5, 20, 60, state.length - 1]) {
      const changed = state.slice(0, cut)
      expectConstantPage(await askPublic(vestibule, `/oauth2/signed_out?state=${changed}`))
    }
    const whole = await askPublic(vestibule, `/oauth2/signed_out?state=${state}`)
    expect(whole.location).toBe('https://app.test/bye')
  })

  test.each([
    ['nothing', ''],
    ['an empty state', '?state='],
    ['10 KiB', `?state=${'A'.repeat(10_240)}`],
    ['an address in the clear', '?state=https://evil.test'],
    ['an address in base64', `?state=${btoa('https://evil.test/')}`],
    ['bytes that are no text', '?state=%00%ff'],
    ['a script', '?state=%3Cscript%3E'],
    ['an rd', '?rd=https://evil.test'],
  ])('is a constant page for %s', async (_what, query) => {
    const reply = await askPublic(vestibule, `/oauth2/signed_out${query}`)
    expectConstantPage(reply)
    expect(reply.body).not.toMatch(/evil|script/)
  })

  test('is refused where it came twice', async () => {
    const state = await stateOf()
    const path = `/oauth2/signed_out?state=${state}&state=${state}`
    expectConstantPage(await askPublic(vestibule, path))
  })

  test('is refused where another service sealed it', async () => {
    const other = await startAgainst(idp, { policies: REDIRECT_POLICIES })
    try {
      const path = `/oauth2/signed_out?state=${await stateOf()}`
      expectConstantPage(await askPublic(other, path))
    } finally {
      await other.stop()
    }
  })
})

describe('L40 a sign-out that somebody else began', () => {
  test('from another site asks first, and shows the checked address only', async () => {
    const cookie = await signedIn()
    const headers = { 'sec-fetch-site': 'cross-site' }
    const hostile = `?rd=${encoded('https://evil.test/"><script>alert(1)</script>')}`
    const reply = await signOut(cookie, hostile, { headers })
    expect(reply.status).toBe(200)
    expect(reply.body).toContain('<input type="hidden" name="rd" value="/">')
    expect(reply.body).not.toMatch(/evil|<script/)
    await expectStillSignedIn(reply, cookie)
    const quoted = await signOut(cookie, '?rd=https://app.test/%22%3E%3Cb%3E%27', { headers })
    expect(quoted.body).toContain('value="https://app.test/&quot;&gt;&lt;b&gt;&#39;"')
    await expectStillSignedIn(quoted, cookie)
  })

  test.each([
    { origin: 'https://evil.test' },
    { origin: 'null' },
    { origin: '' },
    { origin: 'https://auth.test.evil.test' },
    { origin: 'https://xauth.test' },
    { origin: 'https://app.test@evil.test' },
    { origin: 'https://evil.test\\.app.test' },
    { origin: 'https://other.test' },
    { origin: 'file://' },
    { origin: 'https://app.test/evil' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'cross-site', origin: 'https://auth.test' },
  ])('by a form with %j is 403, and changes nothing', async (headers) => {
    const cookie = await signedIn()
    const reply = await signOut(cookie, '', { headers, form: { rd: '/x' } })
    expect([reply.status, reply.body]).toEqual([403, ''])
    await expectStillSignedIn(reply, cookie)
  })

  test.each([
    { 'sec-purpose': 'prefetch' },
    { 'sec-purpose': 'prefetch;prerender' },
    { purpose: 'prefetch' },
  ])('by a browser that fetches ahead with %j does not happen', async (headers) => {
    const cookie = await signedIn()
    await expectStillSignedIn(await signOut(cookie, '?rd=/x', { headers }), cookie)
  })

  test.each(['HEAD', 'OPTIONS', 'PUT', 'DELETE', 'PATCH'])('by %s is 405', async (method) => {
    const cookie = await signedIn()
    const reply = await signOut(cookie, '?rd=/x', { method })
    expect([reply.status, reply.headers.allow]).toEqual([405, 'GET, POST'])
    await expectStillSignedIn(reply, cookie)
  })

  test.each([
    ['of 100 KB', { form: { rd: 'x'.repeat(100_000) } }, 413],
    ['of a thousand fields', { form: manyFields(1000) }, 413],
  ])('by a form %s is refused', async (_what, question, status) => {
    const cookie = await signedIn()
    const reply = await signOut(cookie, '', question)
    expect([reply.status, reply.body]).toEqual([status, ''])
    await expectStillSignedIn(reply, cookie)
  })

  test.each([
    ['a link', {}],
    ['a link of the same site', { headers: { 'sec-fetch-site': 'same-site' } }],
    ['the address bar', { headers: { 'sec-fetch-site': 'none' } }],
    ['our own form', { headers: { origin: 'https://auth.test' }, form: { rd: '/x' } }],
    ['the form of an application', { headers: { origin: 'https://app.test' }, form: { rd: '/x' } }],
  ])('works by %s', async (_what, question) => {
    const cookie = await signedIn()
    expectSignedOut(await signOut(cookie, '', question), idp.issuer)
    expect(await whoIs(vestibule, cookie)).toBeUndefined()
  })
})

describe('L40 a sign-out while the provider is away', () => {
  test.each([
    ['has no sign-out of its own', { end_session_endpoint: undefined }],
    ['names no usable address', { end_session_endpoint: 'javascript:alert(1)' }],
    ['names an address that is none', { end_session_endpoint: 'no address' }],
  ])('ends the session here where the provider %s', async (_what, metadata) => {
    const odd = await startScriptedProvider(metadata)
    const service = await startAgainst(odd, { policies: REDIRECT_POLICIES })
    try {
      const cookie = expectSignedIn(await signInAt(service, odd))
      const reply = await askPublic(service, '/oauth2/sign_out?rd=/bye', { cookies: [cookie] })
      expect([reply.status, reply.location]).toEqual([302, '/bye'])
      expect(reply.setCookies[0]).toMatch(/^__Secure-vestibule=;/)
      expect(await whoIs(service, cookie)).toBeUndefined()
    } finally {
      await service.stop()
      await odd.stop()
    }
  })
})
