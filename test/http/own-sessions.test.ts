import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { type Reply } from '../../demo/http-client.ts'
import { type IdentityProvider } from '../../demo/identity-provider.ts'
import { type Redis, startRedis } from '../../demo/redis.ts'
import { newKey, startReplica } from '../attacks/support-replicas.ts'
import {
  type AskPublic,
  askPublic,
  cookieOf as cookieValue,
  signIn,
  startProvider,
  startSignIn,
} from '../support/sign-in.ts'
import { askVerify } from '../support/verify-request.ts'
import { type Vestibule } from '../support/vestibule.ts'

jest.setTimeout(60_000)

const PATH = '/oauth2/sessions'
const POLICIES = {
  'app.yaml': 'hosts: [app.test]\npolicy:\n  - allow: { and: [ { authenticated_user: true } ] }\n',
}
const OWN = {
  'sec-fetch-site': 'same-origin',
  'sec-fetch-mode': 'navigate',
  'sec-fetch-dest': 'document',
}

let idp: IdentityProvider
let redis: Redis
let vestibule: Vestibule

beforeAll(async () => {
  idp = await startProvider()
  redis = await startRedis()
  vestibule = await startReplica(idp, redis, [newKey()], { policies: POLICIES })
})
afterAll(async () => {
  await vestibule.stop()
  await redis.stop()
  await idp.stop()
})

type Row = { readonly key: string; readonly isThisOne: boolean; readonly browser: string | null }

const rows = async (cookie: string): Promise<readonly Row[]> => {
  const reply = await askPublic(vestibule, PATH, {
    cookies: [cookie],
    headers: { accept: 'application/json' },
  })
  expect(reply.status).toBe(200)
  return (JSON.parse(reply.body) as { readonly sessions: readonly Row[] }).sessions
}

const post = async (
  cookie: string,
  end: string,
  headers: AskPublic['headers'] = OWN,
): Promise<Reply> => await askPublic(vestibule, PATH, { cookies: [cookie], form: { end }, headers })

const isSignedIn = async (cookie: string): Promise<boolean> =>
  (await askVerify(vestibule.verifyPort, { cookie })).status === 200

const cookieOf = async (person: string): Promise<string> =>
  (await signIn(vestibule, person)).sessionCookie

describe('somebody who is signed in', () => {
  test('sees his own sessions and nobody else’s', async () => {
    const [here, there] = [await cookieOf('alice'), await cookieOf('alice')]
    await cookieOf('bob')
    const seen = await rows(here)
    expect(seen.map(({ isThisOne }) => isThisOne)).toEqual([true, false])
    expect((await rows(there)).map(({ key }) => key)).toEqual(
      seen.map(({ key }) => key).toReversed(),
    )
    const page = await askPublic(vestibule, PATH, { cookies: [here] })
    expect([page.status, page.headers['cache-control']]).toEqual([200, 'no-store'])
    expect(page.body).toContain('signed in as <strong>alice</strong>')
    await post(here, 'all')
  })

  test('ends one, then all others, and stays signed in', async () => {
    const here = await cookieOf('alice')
    const others = [await cookieOf('alice'), await cookieOf('alice'), await cookieOf('alice')]
    const newest = (await rows(here))[1]?.key ?? ''
    const reply = await post(here, newest)
    expect([reply.status, reply.location, reply.setCookies]).toEqual([303, PATH, []])
    expect(await rows(here)).toHaveLength(3)
    const again = await post(here, 'others')
    expect([again.status, again.location, again.setCookies]).toEqual([303, PATH, []])
    for (const cookie of others) expect(await isSignedIn(cookie)).toBe(false)
    expect(await isSignedIn(here)).toBe(true)
    expect(await rows(here)).toHaveLength(1)
  })

  test('signs out everywhere, here and at the provider too', async () => {
    const [here, there] = [await cookieOf('alice'), await cookieOf('alice')]
    const reply = await post(here, 'all')
    expect(reply.status).toBe(303)
    expect(reply.location).toContain(`${idp.issuer}/session/end?`)
    expect(reply.location).toContain('id_token_hint=')
    expect(reply.setCookies).toEqual([expect.stringMatching(/^__Secure-vestibule=;/)])
    expect([await isSignedIn(here), await isSignedIn(there)]).toEqual([false, false])
  })

  test('that ends the very session he asks with is signed out', async () => {
    const here = await cookieOf('alice')
    const reply = await post(here, (await rows(here))[0]?.key ?? '')
    expect([reply.status, reply.location]).toEqual([303, '/oauth2/signed_out'])
    expect(reply.setCookies).toEqual([expect.stringMatching(/^__Secure-vestibule=;/)])
    expect(await isSignedIn(here)).toBe(false)
  })
})

describe('what ends nothing', () => {
  test("somebody else's key, and whatever else is no key of his own", async () => {
    const [alice, bob] = [await cookieOf('alice'), await cookieOf('bob')]
    const [foreign] = await rows(bob)
    for (const end of [foreign?.key ?? '', '', '*', '../..', 'ALL', 'A'.repeat(43)]) {
      const reply = await post(alice, end)
      expect([reply.status, reply.location, reply.setCookies]).toEqual([303, PATH, []])
    }
    expect([await isSignedIn(alice), await isSignedIn(bob)]).toEqual([true, true])
  })

  test.each([
    ['another site', { 'sec-fetch-site': 'cross-site' }],
    ['an application of the same site', { 'sec-fetch-site': 'same-site' }],
    ['nowhere that is known', { 'sec-fetch-site': 'none' }],
    ['another origin', { origin: 'https://evil.test' }],
    ['a protected host', { origin: 'https://app.test' }],
    ['an origin that hides', { origin: 'null' }],
  ])('a form of %s', async (_what, headers) => {
    const alice = await cookieOf('alice')
    const reply = await post(alice, 'all', headers)
    expect([reply.status, reply.body, reply.setCookies]).toEqual([403, '', []])
    expect(await isSignedIn(alice)).toBe(true)
  })

  test('looking, fetching ahead, other methods, and a form that is too large', async () => {
    const alice = await cookieOf('alice')
    const ask = async (options: AskPublic): Promise<number> =>
      (await askPublic(vestibule, `${PATH}?end=all`, { cookies: [alice], ...options })).status
    expect(await ask({})).toBe(200)
    expect(await ask({ headers: { 'sec-purpose': 'prefetch' } })).toBe(400)
    for (const method of ['HEAD', 'DELETE', 'PUT']) expect(await ask({ method })).toBe(405)
    expect(await ask({ form: { end: 'x'.repeat(9000) }, headers: OWN })).toBe(413)
    expect(await isSignedIn(alice)).toBe(true)
  })
})

describe('somebody who is not signed in', () => {
  test('is led to sign in and comes back; programs are told', async () => {
    for (const options of [{}, { form: { end: 'all' }, headers: OWN }]) {
      const reply = await askPublic(vestibule, PATH, options)
      expect([reply.status, reply.location]).toEqual([303, '/oauth2/start?rd=%2Foauth2%2Fsessions'])
    }
    const { reply } = await signIn(vestibule, 'alice', { rd: PATH })
    expect([reply.status, reply.location]).toEqual([302, PATH])
    const told = await askPublic(vestibule, PATH, { headers: { accept: 'application/json' } })
    expect([told.status, JSON.parse(told.body)]).toEqual([401, { error: 'not_signed_in' }])
  })
})

describe('a browser that calls itself what it likes', () => {
  test('leaves no word of its own on the page', async () => {
    const hostile = '<script>alert(1)</script>" onmouseover=x Firefox/130.0 (Linux)'
    const started = await startedWith(hostile)
    const page = await askPublic(vestibule, PATH, { cookies: [started] })
    expect(page.body).toContain('<strong>Firefox on Linux</strong>')
    expect(page.body).not.toMatch(/<script|alert|onmouseover/)
  })
})

const startedWith = async (userAgent: string): Promise<string> => {
  const { browserCookie, callbackPath } = await startSignIn(vestibule, 'carol')
  const reply = await askPublic(vestibule, callbackPath, {
    cookies: [browserCookie],
    headers: { 'user-agent': userAgent },
  })
  return cookieValue(reply.setCookies[0] ?? '')
}

describe('a store that does not answer', () => {
  test('is 503 with a page, clears no cookie, and ends nothing that it says it ended', async () => {
    const lost = await startRedis()
    const replica = await startReplica(idp, lost, [newKey()], { policies: POLICIES })
    try {
      const { sessionCookie } = await signIn(replica, 'alice')
      lost.child.signal('SIGKILL')
      await lost.child.ended
      for (const options of [
        {},
        { form: { end: 'all' }, headers: OWN },
        { form: { end: 'others' }, headers: OWN },
      ]) {
        const reply = await askPublic(replica, PATH, { cookies: [sessionCookie], ...options })
        expect([reply.status, reply.setCookies, reply.location]).toEqual([503, [], undefined])
        expect(reply.body).toContain('Vestibule cannot reach its session store')
      }
      const told = await askPublic(replica, PATH, {
        cookies: [sessionCookie],
        headers: { accept: 'application/json' },
      })
      expect([told.status, JSON.parse(told.body)]).toEqual([
        503,
        { error: 'session_store_unreachable' },
      ])
    } finally {
      await replica.stop()
      await lost.stop()
    }
  })
})
