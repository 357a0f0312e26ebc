import { beforeEach, describe, expect, test } from '@jest/globals'
import { epochSeconds, parseSessionId, type SessionId } from '../../src/core/ids.ts'
import { type Session } from '../../src/core/session.ts'
import { type KeyRing, randomKeyRing } from '../../src/edge/sessions/key-ring.ts'
import { withKnownSessions } from '../../src/edge/sessions/known-sessions.ts'
import { createMemoryRecordStore } from '../../src/edge/sessions/memory-record-store.ts'
import { type RecordStore } from '../../src/edge/sessions/record-store.ts'
import { createSessionStore } from '../../src/edge/sessions/session-store.ts'
import { type SessionStore } from '../../src/flow/ports.ts'
import { aPerson } from '../support/policies.ts'

const TOKENS = {
  idToken: 'id-CANARY',
  accessToken: 'access-CANARY',
  accessExpiresAt: undefined,
  refreshToken: undefined,
}
const LIMITS = { idleSeconds: 3600, absoluteSeconds: 10_000 }

let nowMs: number
let records: RecordStore
let written: Map<string, Buffer>
let isDown: boolean

/** Watches and, when told, cuts the way to the records. */
const watched = (inner: RecordStore): RecordStore => ({
  ...inner,
  put: (name, value, ttlMs) => {
    written.set(name, value)
    return isDown ? Promise.resolve(DOWN) : inner.put(name, value, ttlMs)
  },
  get: (name, ttlMs) => (isDown ? Promise.resolve(DOWN) : inner.get(name, ttlMs)),
  replace: (name, value) => (isDown ? Promise.resolve(DOWN) : inner.replace(name, value)),
  remove: (names) => (isDown ? Promise.resolve(DOWN) : inner.remove(names)),
})
const DOWN = { ok: false, failure: 'unreachable' } as const

const now = (): ReturnType<typeof epochSeconds> => epochSeconds(nowMs / 1000)
const storeWith = (ring: KeyRing): SessionStore =>
  createSessionStore({ records, ring, limits: LIMITS, now })
const session = (): Session => ({ principal: aPerson(), createdAt: now(), checkedAt: now() })

const create = async (store: SessionStore): Promise<SessionId> => {
  const created = await store.create(session(), TOKENS)
  if (!created.ok) throw new Error('not created')
  return created.value
}

const isFound = async (store: SessionStore, id: SessionId): Promise<boolean | 'unreachable'> => {
  const found = await store.find(id)
  return found.ok ? found.value !== undefined : 'unreachable'
}

beforeEach(() => {
  nowMs = 1_800_000_000_000
  written = new Map()
  isDown = false
  records = watched(createMemoryRecordStore(() => nowMs, 1e9))
})

describe('the session store', () => {
  test('gives back the session and, apart from it, the tokens', async () => {
    const store = storeWith(randomKeyRing())
    const id = await create(store)
    expect(await store.find(id)).toEqual({ ok: true, value: session() })
    expect(await store.findTokens(id)).toEqual({ ok: true, value: TOKENS })
  })

  test('tells the record store neither the id nor anything of what it keeps', async () => {
    const id = await create(storeWith(randomKeyRing()))
    const dump = [...written].map(([name, value]) => name + value.toString('latin1')).join('')
    expect(written.size).toBe(2)
    for (const secret of [id, 'CANARY', 'alice', 'example.com', 'sre']) {
      expect(dump).not.toContain(secret)
    }
  })

  test('cannot read a record with the ring alone, under another id', async () => {
    const ring = randomKeyRing()
    const id = await create(storeWith(ring))
    const other = await create(storeWith(ring))
    const name = [...written.keys()].find((each) => each.includes(storeWith(ring).keyOf(id)))
    const otherName = [...written.keys()].find((each) =>
      each.includes(storeWith(ring).keyOf(other)),
    )
    await records.put(otherName ?? '', written.get(name ?? '') ?? Buffer.alloc(0), 60_000)
    expect((await storeWith(ring).findTokens(other)).ok).toBe(true)
    expect(await storeWith(ring).findTokens(other)).toEqual({ ok: true, value: undefined })
  })

  test('ends a session that is idle, and slides one that is used', async () => {
    const store = storeWith(randomKeyRing())
    const id = await create(store)
    nowMs += 3_000_000
    expect(await isFound(store, id)).toBe(true)
    nowMs += 3_000_000
    expect(await isFound(store, id)).toBe(true)
    nowMs += 3_600_001
    expect(await isFound(store, id)).toBe(false)
  })

  test('ends a session of old age however much it is used, and removes it', async () => {
    const store = storeWith(randomKeyRing())
    const id = await create(store)
    for (let used = 0; used < 3; used += 1) {
      nowMs += 3_000_000
      expect(await isFound(store, id)).toBe(true)
    }
    nowMs += 1_000_000
    expect(await isFound(store, id)).toBe(false)
    nowMs -= 5_000_000
    expect(await isFound(store, id)).toBe(false)
  })

  test('a retired session lives on for the time it was given, used or not', async () => {
    const store = storeWith(randomKeyRing())
    const id = await create(store)
    await store.retire(id, 60)
    nowMs += 59_000
    expect(await isFound(store, id)).toBe(true)
    nowMs += 1_000
    expect(await isFound(store, id)).toBe(false)
  })

  test('reads old sessions while their key is in the ring, and leaves the unreadable alone', async () => {
    const old = randomKeyRing()
    const id = await create(storeWith(old))
    const rotated: KeyRing = [randomKeyRing()[0], old[0]]
    expect(await isFound(storeWith(rotated), id)).toBe(true)
    expect(await isFound(storeWith(randomKeyRing()), id)).toBe(false)
    expect(await isFound(storeWith(rotated), id)).toBe(true)
  })

  test('finds nothing in a record that was altered, cut or extended at any place', async () => {
    const ring = randomKeyRing()
    const store = storeWith(ring)
    const id = await create(store)
    const name = `vestibule:{${store.keyOf(id)}}:session`
    const whole = written.get(name) ?? Buffer.alloc(0)
    const damaged = [
      ...Array.from({ length: whole.length }, (_each, index) => {
        const copy = Buffer.from(whole)
        copy[index] = (copy[index] ?? 0) ^ 1
        return copy
      }),
      ...Array.from({ length: 64 }, (_each, cut) => whole.subarray(0, whole.length - 1 - cut)),
      Buffer.concat([whole, Buffer.of(0)]),
      Buffer.alloc(0),
    ]
    for (const value of damaged) {
      await records.put(name, value, 60_000)
      expect(await isFound(store, id)).toBe(false)
    }
    await records.put(name, whole, 60_000)
    expect(await isFound(store, id)).toBe(true)
  })

  test('mints ids that are canonical and all different', async () => {
    const store = storeWith(randomKeyRing())
    const ids = await Promise.all(Array.from({ length: 500 }, () => create(store)))
    expect(new Set(ids).size).toBe(500)
    expect(ids.every((id) => parseSessionId(id) === id)).toBe(true)
  })
})

describe('known sessions', () => {
  let served: number
  const known = (ring: KeyRing): SessionStore =>
    withKnownSessions(storeWith(ring), {
      serveKnownForMs: 30_000,
      nowMs: () => nowMs,
      isLive: () => true,
      onServed: () => {
        served += 1
      },
    })

  beforeEach(() => {
    served = 0
  })

  test('are served while the store is unreachable, for the stated time', async () => {
    const store = known(randomKeyRing())
    const [seen, unseen] = [await create(store), await create(store)]
    await store.find(seen)
    isDown = true
    expect(await isFound(store, seen)).toBe(true)
    expect(await isFound(store, unseen)).toBe('unreachable')
    nowMs += 30_001
    expect(await isFound(store, seen)).toBe('unreachable')
    isDown = false
    expect(await isFound(store, seen)).toBe(true)
    expect(served).toBe(1)
  })

  test('are forgotten when they end here or turn out to have ended elsewhere', async () => {
    const ring = randomKeyRing()
    const store = known(ring)
    const [here, elsewhere] = [await create(store), await create(store)]
    await store.find(here)
    await store.find(elsewhere)
    await store.remove(here)
    await storeWith(ring).remove(elsewhere)
    await store.find(elsewhere)
    isDown = true
    expect(await isFound(store, here)).toBe('unreachable')
    expect(await isFound(store, elsewhere)).toBe('unreachable')
  })

  test('an answer under way does not make an ended session known again', async () => {
    const store = known(randomKeyRing())
    const id = await create(store)
    const [found] = await Promise.all([store.find(id), store.remove(id)])
    expect(found.ok).toBe(true)
    isDown = true
    expect(await isFound(store, id)).toBe('unreachable')
  })
})
