import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { type Redis, startRedis } from '../../demo/redis.ts'
import { epochSeconds } from '../../src/core/ids.ts'
import { type ServiceTokenGrant } from '../../src/core/service-token.ts'
import { createServiceTokenStore } from '../../src/edge/service-tokens/service-token-store.ts'
import { idOfText, mintId, mintText } from '../../src/edge/service-tokens/token-text.ts'
import { type KeyRing, randomKeyRing } from '../../src/edge/sessions/key-ring.ts'
import { type RecordStore } from '../../src/edge/sessions/record-store.ts'
import { type MintedToken, type ServiceTokens } from '../../src/flow/service-token-ports.ts'
import { host } from '../support/policies.ts'
import { until } from '../support/redis.ts'
import { connected, memoryRecords, proven, redisRecords } from '../support/sessions.ts'

const START = 1_800_000_000_000
const APP = host('app.test')
const RING = randomKeyRing()

let nowMs = START
let passedMs = 0
beforeEach(() => {
  nowMs = START
  passedMs = 0
})

const grant = (changes: Partial<ServiceTokenGrant> = {}): ServiceTokenGrant => ({
  owner: 'sre@test.example',
  purpose: 'backups',
  hosts: [APP],
  groups: ['sre'],
  actor: 'workload',
  expiresAt: epochSeconds(START / 1000 + 86_400),
  ...changes,
})

const storeOver = (records: RecordStore, ring: () => KeyRing = () => RING): ServiceTokens =>
  createServiceTokenStore({
    records,
    ring,
    issuer: 'https://auth.test',
    serveKnownForMs: 30_000,
    nowMs: () => nowMs,
    monotonicMs: () => performance.now() + passedMs,
  })

const made = async (
  store: ServiceTokens,
  changes?: Partial<ServiceTokenGrant>,
): Promise<MintedToken> => {
  const minted = await store.create(grant(changes))
  if (!minted.ok) throw new Error(minted.failure)
  return minted.value
}

const outcomeOf = async (store: ServiceTokens, text: string, at = 'app.test'): Promise<string> => {
  const verified = await store.verify(text, host(at))
  return verified.ok ? verified.value.subject : verified.failure
}

/** A store with one command counted, or replaced. */
const watched = (
  records: RecordStore,
): { readonly records: RecordStore; readonly asked: string[] } => {
  const asked: string[] = []
  return {
    asked,
    records: {
      ...records,
      get: async (name) => {
        asked.push(`get ${name.replace(/^.*:/, '')}`)
        return await records.get(name)
      },
      put: async (name, value, ttlMs) => {
        asked.push(`put ${name.replace(/^.*:/, '')}`)
        return await records.put(name, value, ttlMs)
      },
    },
  }
}

describe('the text of a token', () => {
  test('has a beginning that scanners know, an id, and a checksum', () => {
    const id = mintId()
    const text = mintText(id)
    expect(text).toMatch(/^vst_[a-z2-7]{16}_[A-Za-z0-9]{49}$/)
    expect(idOfText(text)).toBe(id)
    expect(mintText(id)).not.toBe(text)
  })

  test('with any one character changed, lost, doubled or moved is none', () => {
    const text = mintText(mintId())
    for (let at = 0; at < text.length; at += 1) {
      const here = text[at] ?? ''
      const other = here === 'b' ? 'c' : 'b'
      expect(idOfText(text.slice(0, at) + other + text.slice(at + 1))).toBeUndefined()
      expect(idOfText(text.slice(0, at) + text.slice(at + 1))).toBeUndefined()
      expect(idOfText(text.slice(0, at) + here + text.slice(at))).toBeUndefined()
      const next = text[at + 1] ?? here
      if (next !== here) {
        expect(idOfText(text.slice(0, at) + next + here + text.slice(at + 2))).toBeUndefined()
      }
    }
  })
})

describe.each(['memory', 'redis'])('tokens in %s', (kind) => {
  let redis: Redis | undefined
  let records: RecordStore
  let other: RecordStore
  let store: ServiceTokens

  beforeAll(async () => {
    redis = kind === 'redis' ? await startRedis() : undefined
    const open = async (): Promise<RecordStore> =>
      await proven(await connected(redisRecords(redis?.url ?? '')))
    records = redis === undefined ? memoryRecords(() => nowMs) : await open()
    other = redis === undefined ? records : await open()
  })
  beforeEach(() => {
    store = storeOver(records)
  })
  afterAll(async () => {
    await records.close()
    await other.close()
    await redis?.stop()
  })

  test('let their holder in on their hosts, and are listed without their text', async () => {
    const { text, token } = await made(store)
    expect(await outcomeOf(store, text)).toBe(`token/${token.id}`)
    expect(await outcomeOf(store, text, 'two.test')).toBe('wrong_host')
    expect(await outcomeOf(store, mintText(token.id))).toBe('invalid')
    expect(await outcomeOf(store, mintText(mintId()))).toBe('invalid')
    const listed = await store.list()
    expect(listed).toMatchObject({ ok: true })
    expect(JSON.stringify(listed)).toContain(token.id)
    expect(JSON.stringify(listed)).not.toContain(text.slice(21))
  })

  test('are asked of the store once, and their use is written once a minute', async () => {
    const counted = watched(records)
    const own = storeOver(counted.records)
    const { text, token } = await made(own)
    counted.asked.length = 0
    for (let count = 0; count < 50; count += 1) await outcomeOf(own, text)
    expect(counted.asked).toEqual(['get grant', 'put used'])
    nowMs += 59_000
    await outcomeOf(own, text)
    expect(counted.asked).toHaveLength(2)
    nowMs += 2000
    await outcomeOf(own, text)
    expect(counted.asked).toEqual(['get grant', 'put used', 'put used'])
    const found = await own.find(token.id)
    expect(found).toMatchObject({ value: { lastUsedAt: nowMs / 1000 } })
  })

  test('that were refused were not used', async () => {
    const { text, token } = await made(store)
    await outcomeOf(store, text, 'two.test')
    await outcomeOf(store, mintText(token.id))
    expect(await store.find(token.id)).toMatchObject({ value: { lastUsedAt: undefined } })
  })

  test('get a new text beside the old one, on every replica, and stay who they are', async () => {
    const replica = storeOver(other)
    const { text, token } = await made(store)
    expect(await outcomeOf(replica, text)).toBe(`token/${token.id}`)
    const next = await store.rotate(token.id, { overlapSeconds: 60, expiresAt: undefined })
    const newer = next.ok ? next.value.text : ''
    await until('the new text counts', async () => (await outcomeOf(replica, newer)) !== 'invalid')
    for (const each of [store, replica]) {
      expect(await outcomeOf(each, newer)).toBe(`token/${token.id}`)
      expect(await outcomeOf(each, text)).toBe(`token/${token.id}`)
    }
    nowMs += 60_000
    for (const each of [store, replica]) {
      expect(await outcomeOf(each, newer)).toBe(`token/${token.id}`)
      expect(await outcomeOf(each, text)).toBe('expired')
    }
  })

  test('that were revoked are so everywhere, with all their texts, and for good', async () => {
    const replica = storeOver(other)
    const { text, token } = await made(store)
    const next = await store.rotate(token.id, { overlapSeconds: 600, expiresAt: undefined })
    const texts = [text, next.ok ? next.value.text : '']
    for (const each of texts) expect(await outcomeOf(replica, each)).toBe(`token/${token.id}`)
    expect(await store.end(token.id)).toEqual({ ok: true, value: undefined })
    await until('it is refused', async () => (await outcomeOf(replica, text)) === 'revoked')
    for (const each of texts) {
      expect([await outcomeOf(store, each), await outcomeOf(replica, each)]).toEqual([
        'revoked',
        'revoked',
      ])
    }
    expect(await replica.rotate(token.id, { overlapSeconds: 0, expiresAt: undefined })).toEqual({
      ok: false,
      failure: 'over',
    })
    expect(await store.end(token.id)).toMatchObject({ ok: true })
    expect(await store.end(mintId())).toMatchObject({ ok: true })
  })

  test('that are rotated while they are revoked stay revoked', async () => {
    for (let round = 0; round < 10; round += 1) {
      const replica = storeOver(other)
      const { text, token } = await made(store)
      const rotation = { overlapSeconds: 600, expiresAt: undefined }
      const [next, ended] = await Promise.all([
        replica.rotate(token.id, rotation),
        store.end(token.id),
        replica.rotate(token.id, rotation),
      ])
      expect(ended.ok).toBe(true)
      const fresh = storeOver(records)
      expect(await outcomeOf(fresh, text)).toBe('revoked')
      if (next.ok) expect(await outcomeOf(fresh, next.value.text)).toBe('revoked')
    }
  })

  test('of before a moment end together, and those of after it live', async () => {
    const before = await made(store)
    nowMs += 5000
    const after = await made(store)
    expect(await store.endUntil(nowMs - 1)).toMatchObject({ ok: true })
    await until('it is refused', async () => (await outcomeOf(store, before.text)) === 'revoked')
    expect(await outcomeOf(store, after.text)).toBe(`token/${after.token.id}`)
  })

  test('are sealed anew with the newest key when they are used or listed', async () => {
    const [oldKey] = randomKeyRing()
    const [newKey] = randomKeyRing()
    const { text } = await made(storeOver(records, () => [oldKey]))
    const unused = await made(storeOver(records, () => [oldKey]))
    const both = storeOver(records, () => [newKey, oldKey])
    expect(await outcomeOf(both, text)).toMatch(/^token/)
    expect((await both.list()).ok).toBe(true)
    const retired = (): ServiceTokens => storeOver(records, () => [newKey])
    await until('it opens with the new key', async () =>
      (await outcomeOf(retired(), text)).startsWith('token/'),
    )
    expect(await outcomeOf(retired(), unused.text)).toMatch(/^token/)
  })

  test('whose key is gone let nobody in, are listed as such, and can be revoked', async () => {
    const { text, token } = await made(storeOver(records, randomRing()))
    expect(await outcomeOf(store, text)).toBe('invalid')
    expect(await store.find(token.id)).toEqual({
      ok: true,
      value: { kind: 'unreadable', id: token.id },
    })
    expect(await store.rotate(token.id, { overlapSeconds: 0, expiresAt: undefined })).toMatchObject(
      {
        failure: 'not_found',
      },
    )
    expect(await store.end(token.id)).toMatchObject({ ok: true })
    expect(await store.find(token.id)).toEqual({ ok: true, value: undefined })
  })
})

const randomRing = (): (() => KeyRing) => {
  const ring = randomKeyRing()
  return () => ring
}

describe('a store that does not answer', () => {
  test('leaves known tokens in force for a while, and unknown ones unanswered', async () => {
    let isDown = false
    const memory = memoryRecords(() => nowMs)
    let lasted = 0
    const records: RecordStore = {
      ...memory,
      get: async (name) =>
        isDown ? { ok: false, failure: 'unreachable' } : await memory.get(name),
      coherence: {
        ...memory.coherence,
        isProven: () => !isDown,
        lastedUntil: () => lasted,
      },
    }
    const store = storeOver(records)
    const [known, unknown] = [await made(store), await made(store)]
    expect(await outcomeOf(store, known.text)).toMatch(/^token/)
    isDown = true
    lasted = performance.now()
    expect(await outcomeOf(store, known.text)).toMatch(/^token/)
    expect(await outcomeOf(store, unknown.text)).toBe('store_unreachable')
    expect(await outcomeOf(store, `${known.text}x`)).toBe('invalid')
    passedMs = 29_000
    expect(await outcomeOf(store, known.text)).toMatch(/^token/)
    passedMs = 31_000
    expect(await outcomeOf(store, known.text)).toBe('store_unreachable')
    isDown = false
    expect(await outcomeOf(store, unknown.text)).toMatch(/^token/)
  })
})
