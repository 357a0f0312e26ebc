import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { type Reply } from '../../demo/http-client.ts'
import { type AskPublic, askPublic } from '../support/sign-in.ts'
import { type Vestibule } from '../support/vestibule.ts'
import { signInWithSid } from './support-back-channel.ts'
import { SESSION_COOKIE, startAgainst, whoIs } from './support-callback.ts'
import { type ScriptedProvider, startScriptedProvider } from './support-scripted-provider.ts'

let idp: ScriptedProvider
let vestibule: Vestibule
let alice: string
let bob: string
let round = 0

beforeAll(async () => {
  idp = await startScriptedProvider()
  vestibule = await startAgainst(idp)
})
beforeEach(async () => {
  round += 1
  alice = await signInWithSid(vestibule, idp, 'alice', `alice-${round}`)
  bob = await signInWithSid(vestibule, idp, 'bob', `bob-${round}`)
})
afterEach(() => idp.play())
afterAll(async () => {
  await vestibule.stop()
  await idp.stop()
})

/** What a frame of the provider asks for. */
const frame = (
  query: Readonly<Record<string, string>>,
  cookies: readonly string[],
  question: AskPublic = {},
): Promise<Reply> =>
  askPublic(vestibule, `/oauth2/frontchannel_logout?${new URLSearchParams(query).toString()}`, {
    cookies,
    ...question,
  })

const named = (sid: string) => ({ iss: idp.issuer, sid })

const expectFrameable = (reply: Reply): void => {
  const policy = reply.headers['content-security-policy']
  expect(policy).toMatch(new RegExp(`^default-src 'none';.* frame-ancestors ${idp.issuer}$`))
  expect(reply.headers['x-frame-options']).toBeUndefined()
  expect(reply.headers['cache-control']).toBe('no-store')
}

const signedIn = async (): Promise<readonly (string | undefined)[]> => [
  await whoIs(vestibule, alice),
  await whoIs(vestibule, bob),
]

describe('front-channel logout', () => {
  test('ends the session of the browser that asks, and takes its cookie back', async () => {
    const reply = await frame(named(`alice-${round}`), [alice])
    expect(reply.status).toBe(200)
    expectFrameable(reply)
    expect(reply.setCookies).toEqual([
      expect.stringMatching(`^${SESSION_COOKIE}=;.*Expires=Thu, 01`),
    ])
    expect(await signedIn()).toEqual([undefined, 'bob'])
    expect(await vestibule.metrics()).toMatch(/sign_outs_total\{way="front_channel"\} [1-9]/)
  })

  test('at the address with a hyphen too', async () => {
    const query = new URLSearchParams(named(`alice-${round}`)).toString()
    const path = `/oauth2/frontchannel-logout?${query}`
    expect((await askPublic(vestibule, path, { cookies: [alice] })).status).toBe(200)
    expect(await signedIn()).toEqual([undefined, 'bob'])
  })

  test('A4.27 a name without the cookie ends nothing, nor do that and another cookie', async () => {
    const ended = await frame(named(`alice-${round}`), [alice])
    alice = await signInWithSid(vestibule, idp, 'alice', `again-${round}`)
    for (const cookies of [[], [bob], [`${SESSION_COOKIE}=x`], [alice, bob]]) {
      const reply = await frame(named(`again-${round}`), cookies)
      // The same page as where one ended: no oracle.
      expect([reply.status, reply.body, reply.setCookies]).toEqual([200, ended.body, []])
      expectFrameable(reply)
    }
    expect(await signedIn()).toEqual(['alice', 'bob'])
  })

  test.each<readonly [string, () => Readonly<Record<string, string>>]>([
    ['another sid', () => named('other')],
    ['the sid of somebody else', () => named(`bob-${round}`)],
    ['another issuer', () => ({ iss: 'https://other.example', sid: `alice-${round}` })],
    ['an issuer with a slash behind it', () => ({ iss: `${idp.issuer}/`, sid: `alice-${round}` })],
    ['an empty sid', () => named('')],
  ])('of %s is ignored', async (_name, query) => {
    const reply = await frame(query(), [alice])
    expect([reply.status, reply.setCookies]).toEqual([200, []])
    expect(await signedIn()).toEqual(['alice', 'bob'])
  })

  test.each<readonly [string, () => string]>([
    ['neither', () => ''],
    ['no sid', () => `?iss=${encodeURIComponent(idp.issuer)}`],
    ['no issuer', () => `?sid=alice-${round}`],
    ['two sids', () => `?iss=${encodeURIComponent(idp.issuer)}&sid=alice-${round}&sid=x`],
  ])('with %s is refused: any site could make such a frame', async (_name, query) => {
    const path = `/oauth2/frontchannel_logout${query()}`
    const reply = await askPublic(vestibule, path, { cookies: [alice] })
    expect([reply.status, reply.body, reply.setCookies]).toEqual([400, '', []])
    expect(await signedIn()).toEqual(['alice', 'bob'])
  })

  test.each(['POST', 'HEAD', 'PUT'])('by %s is not allowed', async (method) => {
    const reply = await frame(named(`alice-${round}`), [alice], { method })
    expect(reply.status).toBe(405)
    expect(await signedIn()).toEqual(['alice', 'bob'])
  })

  test('is not done ahead of time', async () => {
    const headers = { 'sec-purpose': 'prefetch' }
    expect((await frame(named(`alice-${round}`), [alice], { headers })).status).toBe(400)
    expect(await signedIn()).toEqual(['alice', 'bob'])
  })

  test('of a session without sid is never meant', async () => {
    const cookie = await signInWithSid(vestibule, idp, 'carol', undefined)
    expect((await frame(named('undefined'), [cookie])).status).toBe(200)
    expect(await whoIs(vestibule, cookie)).toBe('carol')
  })
})

test('no other page may be framed', async () => {
  for (const path of ['/', '/oauth2/sign_out', '/oauth2/signed_out']) {
    const reply = await askPublic(vestibule, path)
    expect(reply.headers['content-security-policy']).toContain("frame-ancestors 'none'")
    expect(reply.headers['x-frame-options']).toBe('DENY')
  }
})
