import { createHash } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { type Redis as Client } from 'ioredis'
import { type Redis, startRedis } from '../../demo/redis.ts'
import { type KeyRing, parseKeyRing } from '../../src/edge/sessions/key-ring.ts'
import { seal, unseal } from '../../src/edge/sessions/sealing.ts'
import { headerOf } from '../support/raw-http.ts'
import { connected, redisRecords } from '../support/sessions.ts'
import { askPublic } from '../support/sign-in.ts'
import { askVerify } from '../support/verify-request.ts'
import { type Vestibule } from '../support/vestibule.ts'
import { expectSignedIn, signInAt } from './support-callback.ts'
import { newKey, openStore, startReplica, until } from './support-replicas.ts'
import { type ScriptedProvider, startScriptedProvider } from './support-scripted-provider.ts'

/* C11: what Redis may hold, whoever put it there. */

const KEY = newKey()

let idp: ScriptedProvider
let redis: Redis
let client: Client
let vestibule: Vestibule
let cookie: string
let id: string
let name: string
let record: Buffer

const ring = (): KeyRing => {
  const read = parseKeyRing(KEY)
  if (!read.ok) throw new Error('no ring')
  return read.value
}

const nameOf = (sessionId: string, part: string): string =>
  `vestibule:{${createHash('sha256').update(sessionId).digest('base64url')}}:${part}`

beforeAll(async () => {
  idp = await startScriptedProvider()
  redis = await startRedis()
  client = openStore(redis)
  vestibule = await startReplica(idp, redis, [KEY])
})
beforeEach(async () => {
  cookie = expectSignedIn(await signInAt(vestibule, idp, { subject: 'alice' }))
  id = cookie.slice(cookie.indexOf('=') + 1)
  name = nameOf(id, 'session')
  record = (await client.getBuffer(name)) ?? Buffer.alloc(0)
  expect(await outcomeOf(cookie)).toBe('200 alice')
})
afterAll(async () => {
  client.disconnect()
  await vestibule.stop()
  await redis.stop()
  await idp.stop()
})

const outcomeOf = async (session: string, of: Vestibule = vestibule): Promise<string> => {
  const answer = await askVerify(of.verifyPort, { cookie: session })
  const who = headerOf(answer, 'x-auth-request-user') ?? headerOf(answer, 'x-vestibule-reason')
  return `${answer.status} ${who ?? ''}`
}

/** Waits for the change to be heard of, and then for the outcome to stay. */
const expectBecomes = async (outcome: string): Promise<void> => {
  await until(async () => (await outcomeOf(cookie)) === outcome)
  expect(await outcomeOf(cookie)).toBe(outcome)
}

const UNKNOWN = '401 unknown_session'
const UNREACHABLE = '503 session_store_unreachable'

type Fields = Readonly<Record<string, unknown>>

/** Puts another content in the place of the session, sealed as only the service can. */
const putSealed = async (change: (session: Fields) => unknown): Promise<void> => {
  const session = unseal(ring(), id, 'session', record) as Fields
  await client.set(name, seal(ring(), id, 'session', change(session)), 'PX', 600_000)
}

const parsed = (text: string): unknown => JSON.parse(text)

const person = (changes: Fields) => (session: Fields) => ({
  ...session,
  principal: { ...(session['principal'] as Fields), ...changes },
})

describe('S10 a sealed session whose fields make no sense', () => {
  test.each([
    ['createdAt null', (session: Fields) => ({ ...session, createdAt: null })],
    ['createdAt text', (session: Fields) => ({ ...session, createdAt: '2030' })],
    [
      'createdAt endless',
      (session: Fields) => ({ ...session, createdAt: Number.POSITIVE_INFINITY }),
    ],
    ['createdAt below zero', (session: Fields) => ({ ...session, createdAt: -1 })],
    ['no createdAt', (session: Fields) => ({ ...session, createdAt: undefined })],
    ['no checkedAt', (session: Fields) => ({ ...session, checkedAt: undefined })],
    ['no word on when it began', (session: Fields) => ({ ...session, beganMs: undefined })],
    ['an empty subject', person({ subject: '' })],
    ['a subject that is a number', person({ subject: 7 })],
    ['groups that are text', person({ groups: 'admins' })],
    ['claims that are a list', person({ claims: ['admins'] })],
    ['a prototype', () => parsed('{"__proto__":{"createdAt":1}}')],
    ['nothing', () => null],
    ['text', () => 'alice'],
    ['a list', () => []],
  ])('%s: nobody', async (_what, change) => {
    await putSealed(change)
    await expectBecomes(UNKNOWN)
    expect(await client.exists(name)).toBe(1)
  })

  test('a member named __proto__ among the claims gives nobody a group', async () => {
    await putSealed((session) => {
      const text = JSON.stringify(person({ groups: [] })(session))
      return parsed(text.replace('"claims":{', '"claims":{"__proto__":{"groups":["sre"]},'))
    })
    await expectBecomes('403 no_rule_matched')
  })
})

describe('S13 S33 what others put under our names', () => {
  test('a list closes with 503, and stays', async () => {
    await client.del(name)
    await client.lpush(name, 'x')
    // What was deleted by hand is gone; what stands there now cannot be read.
    await expectBecomes(UNREACHABLE)
    expect(await client.type(name)).toBe('list')
  })

  test('two megabytes are not read whole', async () => {
    await client.set(name, Buffer.alloc(2_000_000, 1))
    await expectBecomes(UNREACHABLE)
  })

  test('a value of another application is nobody', async () => {
    await client.set(name, JSON.stringify({ cookie: {}, passport: { user: 'alice' } }))
    await expectBecomes(UNKNOWN)
  })
})

describe('S9 an older copy of a record', () => {
  test('is taken no longer than the word of the provider is young', async () => {
    await putSealed((session) => ({ ...session, checkedAt: Number(session['checkedAt']) - 86_400 }))
    // That provider has no way to be asked again.
    await expectBecomes(UNKNOWN)
  })
})

describe('S14 a Redis that was emptied', () => {
  test('ends all sessions, without an error, and people sign in again', async () => {
    await client.flushall()
    await expectBecomes(UNKNOWN)
    const fresh = expectSignedIn(await signInAt(vestibule, idp, { subject: 'alice' }))
    expect(await outcomeOf(fresh)).toBe('200 alice')
  })
})

describe('S15 a Redis that was restored from an older copy', () => {
  const copyOf = async (): Promise<ReadonlyMap<string, Buffer>> => {
    const copy = new Map<string, Buffer>()
    for (const key of await client.keys('vestibule:*')) {
      const dump = await client.dumpBuffer(key)
      if (dump !== null) copy.set(key, dump)
    }
    return copy
  }
  const restore = async (copy: ReadonlyMap<string, Buffer>): Promise<void> => {
    await client.flushall()
    for (const [key, dump] of copy) await client.restore(key, 600_000, dump, 'REPLACE')
  }

  test('does not bring back what was signed out meanwhile, here or on a replica that is new', async () => {
    const bystander = expectSignedIn(await signInAt(vestibule, idp, { subject: 'bob' }))
    const copy = await copyOf()
    await askPublic(vestibule, '/oauth2/sign_out', { cookies: [cookie] })
    expect(await outcomeOf(cookie)).toBe(UNKNOWN)
    await restore(copy)
    expect(await client.exists(name)).toBe(1)
    expect(await outcomeOf(cookie)).toBe(UNKNOWN)
    // What the store forgot is told to it again, as soon as it is asked anew.
    await client.call('CLIENT', 'KILL', 'TYPE', 'pubsub')
    const key = name.slice('vestibule:{'.length, -'}:session'.length)
    await until(async () => {
      expect(await outcomeOf(bystander)).toBe('200 bob')
      return JSON.stringify(await client.xrange('vestibule:revocations', '-', '+')).includes(key)
    })
    const other = await startReplica(idp, redis, [KEY])
    try {
      expect(await outcomeOf(cookie, other)).toBe(UNKNOWN)
    } finally {
      await other.stop()
    }
  })
})

describe('the log of revocations', () => {
  test.each([
    ['text', 'x'],
    ['a list', '[]'],
    ['no fields', '{}'],
    ['another kind', '{"kind":"galaxy","clock":"ours","sessionsUntil":9e15}'],
    ['a number too large', '{"kind":"everything","clock":"ours","sessionsUntil":1e999}'],
    ['half an entry', '{"kind":"everything","clo'],
  ])('%s in it is passed over', async (_what, text) => {
    await client.xadd('vestibule:revocations', '*', 'entry', text)
    expect(await outcomeOf(cookie)).toBe('200 alice')
  })

  test('of another type closes with 503 once what was known is too old', async () => {
    await client.del('vestibule:revocations')
    await client.set('vestibule:revocations', 'x')
    // Known a moment ago: the outage is young, and what was revoked stays so.
    expect(await outcomeOf(cookie)).toBe('200 alice')
    await client.del('vestibule:revocations')
    await expectBecomes('200 alice')
  })
})

describe('S19 a Redis that lets sessions go when it is full', () => {
  test('is warned about, and one that keeps them is not', async () => {
    const records = await connected(redisRecords(redis.url))
    try {
      await client.config('SET', 'maxmemory', '100mb')
      for (const [policy, warnings] of [
        ['allkeys-lru', 1],
        ['volatile-ttl', 1],
        ['noeviction', 0],
      ] as const) {
        await client.config('SET', 'maxmemory-policy', policy)
        const advice = await records.advice()
        expect(advice.ok && advice.value).toHaveLength(warnings)
        if (warnings === 1)
          expect(advice).toMatchObject({ value: [expect.stringContaining(policy)] })
      }
    } finally {
      await client.config('SET', 'maxmemory', '0')
      await records.close()
    }
  })
})
