import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { type Redis as Client } from 'ioredis'
import { type Redis, startRedis } from '../../demo/redis.ts'
import { epochSeconds } from '../../src/core/ids.ts'
import { parseKeyRing } from '../../src/edge/sessions/key-ring.ts'
import { createSignInAttempts } from '../../src/edge/sessions/sign-in-attempts.ts'
import { redisRecords } from '../support/sessions.ts'
import { askPublic } from '../support/sign-in.ts'
import { type Vestibule } from '../support/vestibule.ts'
import {
  type Begun,
  BROWSER_COOKIE,
  begin,
  expectRefusal,
  expectSignedIn,
  STALE,
} from './support-callback.ts'
import { REDIRECT_POLICIES } from './support-redirect-rows.ts'
import { newKey, openStore, startReplica, until } from './support-replicas.ts'
import { type ScriptedProvider, startScriptedProvider } from './support-scripted-provider.ts'

const KEY = newKey()

let idp: ScriptedProvider
let redis: Redis
let store: Client
let vestibule: Vestibule

beforeAll(async () => {
  idp = await startScriptedProvider()
  redis = await startRedis()
  store = openStore(redis)
  vestibule = await startReplica(idp, redis, [KEY], { policies: REDIRECT_POLICIES })
})
afterAll(async () => {
  store.disconnect()
  await vestibule.stop()
  await redis.stop()
  await idp.stop()
})

const sha256 = (text: string): string => createHash('sha256').update(text).digest('base64url')
const nameOf = (begun: Begun): string => `vestibule:sign-in:${sha256(begun.authorization.state)}`

const complete = (begun: Begun, on = vestibule) =>
  askPublic(on, idp.authorize(begun.authorizationUrl), { cookies: [begun.browserCookie] })

const storedOf = async (begun: Begun): Promise<Buffer> => {
  const value = await store.getBuffer(nameOf(begun))
  if (value === null) throw new Error('the store does not hold the attempt')
  return value
}

const flipped = (value: Buffer, at: number): Buffer => {
  const copy = Buffer.from(value)
  const index = at < 0 ? copy.length + at : at
  copy[index] = (copy[index] ?? 0) ^ 1
  return copy
}

const EVIL = JSON.stringify({
  state: 'x',
  nonce: 'x',
  codeVerifier: 'x',
  browser: 'x',
  returnTo: 'https://evil.test/',
  startedAt: 1_800_000_000,
})

describe('R65 the record of a sign-in in the store', () => {
  test('tells nothing of where one wants to go, nor of state, nonce or browser', async () => {
    const begun = await begin(vestibule, '?rd=https://app.test/CANARY')
    const names = (await store.keys('*')).join('\n')
    const value = await storedOf(begun)
    const secrets = [
      'CANARY',
      'app.test',
      begun.authorization.state,
      begun.authorization.nonce,
      begun.browserCookie.slice(BROWSER_COOKIE.length + 1),
    ]
    for (const secret of secrets) {
      expect(names.includes(secret)).toBe(false)
      expect(value.includes(secret)).toBe(false)
      expect(value.includes(Buffer.from(secret).toString('base64').slice(0, 8))).toBe(false)
    }
    const life = await store.pttl(nameOf(begun))
    expect([life > 0, life <= 600_000]).toEqual([true, true])
  })

  test.each<readonly [string, (value: Buffer, other: Buffer) => Buffer | string]>([
    ['another format', (value) => flipped(value, 0)],
    ['another key id', (value) => flipped(value, 1)],
    ['another nonce', (value) => flipped(value, 9)],
    ['one bit of the text', (value) => flipped(value, 40)],
    ['one bit of the tag', (value) => flipped(value, -1)],
    ['a shorter tag', (value) => value.subarray(0, -1)],
    ['a tag of four bytes', (value) => value.subarray(0, -12)],
    ['no tag', (value) => value.subarray(0, -16)],
    ['half of it', (value) => value.subarray(0, value.length / 2)],
    ['one byte', () => 'x'],
    ['nothing', () => ''],
    ['one byte more', (value) => Buffer.concat([value, Buffer.of(0)])],
    ['the record of another sign-in', (_value, other) => other],
    ['what it would say, in the clear', () => EVIL],
    ['a megabyte', () => 'x'.repeat(1_048_576)],
  ])('is refused when it was altered: %s', async (_what, alter) => {
    const begun = await begin(vestibule, '?rd=https://app.test/x')
    const other = await begin(vestibule, '?rd=https://admin.test/x')
    await store.set(nameOf(begun), alter(await storedOf(begun), await storedOf(other)), 'KEEPTTL')
    const before = idp.tokenRequests().length
    expectRefusal(await complete(begun), STALE)
    expect(idp.tokenRequests()).toHaveLength(before)
    expectSignedIn(await complete(other), 'https://admin.test/x')
  })

  test('is refused when it is of another type', async () => {
    const begun = await begin(vestibule)
    await store.del(nameOf(begun))
    await store.lpush(nameOf(begun), 'x')
    const before = idp.tokenRequests().length
    const reply = await complete(begun)
    expect([reply.status, reply.setCookies, reply.location]).toEqual([503, [], undefined])
    expect(idp.tokenRequests()).toHaveLength(before)
  })

  test.each(['https://evil.test/', '//evil.test', '/\\evil.test', 'javascript:alert(1)', ''])(
    'is checked again when it is used: even sealed with the right key, %j falls back',
    async (returnTo) => {
      const ring = parseKeyRing(KEY)
      if (!ring.ok) throw new Error('no ring')
      const records = redisRecords(redis.url)
      try {
        await until(async () => (await records.ping()).ok)
        const [state, nonce, codeVerifier, browser] = [newKey(), newKey(), newKey(), newKey()]
        await createSignInAttempts(records, () => ring.value).keep({
          state,
          nonce,
          codeVerifier,
          browser: sha256(browser),
          returnTo,
          askedProof: undefined,
          startedAt: epochSeconds(Date.now() / 1000),
        })
        const redirectUri = 'https://auth.test/oauth2/callback'
        const code = idp.codeFor({ state, nonce, redirectUri, challenge: sha256(codeVerifier) })
        const query = new URLSearchParams({ code, state, iss: idp.issuer }).toString()
        const reply = await askPublic(vestibule, `/oauth2/callback?${query}`, {
          cookies: [`${BROWSER_COOKIE}=${browser}`],
        })
        expectSignedIn(reply, '/')
      } finally {
        await records.close()
      }
    },
  )
})

describe('R63 a policy that is gone when somebody comes back', () => {
  test('falls back: its host is no place to send anybody to any more', async () => {
    const without = await startReplica(idp, redis, [KEY], {
      policies: {
        'hosts.yaml': REDIRECT_POLICIES['hosts.yaml'].replace('app.test, ', ''),
      },
    })
    try {
      const begun = await begin(vestibule, '?rd=https://app.test/x')
      expectSignedIn(await complete(begun, without), '/')
      const other = await begin(vestibule, '?rd=https://admin.test/x')
      expectSignedIn(await complete(other, without), 'https://admin.test/x')
    } finally {
      await without.stop()
    }
  })
})
