import { beforeEach, describe, expect, test } from '@jest/globals'
import { parseSessionId, type SessionId } from '../../src/core/ids.ts'
import { type KeyRing, randomKeyRing } from '../../src/edge/sessions/key-ring.ts'
import { type RecordStore } from '../../src/edge/sessions/record-store.ts'
import { type SessionStore } from '../../src/flow/ports.ts'
import { NOW } from '../support/policies.ts'
import { aSession, memoryRecords, SIGNED_IN, sessionsOver } from '../support/sessions.ts'

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
/** The last moment at which it was known that all changes arrive. */
let reachedAt: number

const DOWN = { ok: false, failure: 'unreachable' } as const
const unlessDown =
  <Arguments extends readonly unknown[], Value>(
    call: (...all: Arguments) => Promise<Value>,
  ): ((...all: Arguments) => Promise<Value | typeof DOWN>) =>
  (...all) =>
    isDown ? Promise.resolve(DOWN) : call(...all)

/** Watches and, when told, cuts the way to the records. */
const watched = (inner: RecordStore): RecordStore => ({
  ...inner,
  put: (name, value, ttlMs) => {
    written.set(name, value)
    return unlessDown(inner.put)(name, value, ttlMs)
  },
  get: unlessDown(inner.get),
  swap: unlessDown(inner.swap),
  replace: unlessDown(inner.replace),
  remove: unlessDown(inner.remove),
  append: unlessDown(inner.append),
  entries: unlessDown(inner.entries),
  coherence: { ...inner.coherence, isProven: () => !isDown, lastedUntil: () => reachedAt },
})

const storeWith = (ring: KeyRing): SessionStore =>
  sessionsOver({ records, ring, limits: LIMITS, nowMs: () => nowMs }).store

const create = async (store: SessionStore): Promise<SessionId> => {
  const created = await store.create(aSession(), TOKENS, SIGNED_IN)
  if (!created.ok) throw new Error('not created')
  return created.value
}

const isFound = async (store: SessionStore, id: SessionId): Promise<boolean | 'unreachable'> => {
  const found = await store.find(id)
  return found.ok ? found.value !== undefined : 'unreachable'
}

/** The store answers no more. */
const goDown = (): void => {
  isDown = true
  reachedAt = nowMs
}

beforeEach(() => {
  nowMs = NOW * 1000
  written = new Map()
  isDown = false
  records = watched(memoryRecords(() => nowMs))
})

describe('the session store', () => {
  test('gives back the session and, apart from it, the tokens', async () => {
    const store = storeWith(randomKeyRing())
    const id = await create(store)
    const session = { ...aSession(), beganMs: nowMs }
    expect(await store.find(id)).toEqual({ ok: true, value: session })
    expect(await store.findTokens(id)).toEqual({ ok: true, value: TOKENS })
  })

  test('tells the record store neither the id nor anything of what it keeps', async () => {
    const id = await create(storeWith(randomKeyRing()))
    const dump = [...written].map(([name, value]) => name + value.toString('latin1')).join('')
    expect([...written.keys()].toSorted()).toEqual(
      ['session', 'tokens', 'used'].map((part) =>
        expect.stringMatching(new RegExp(`^vestibule:\\{[\\w-]{43}\\}:${part}$`)),
      ),
    )
    for (const secret of [id, 'CANARY', 'alice', 'example.com', 'sre']) {
      expect(dump).not.toContain(secret)
    }
  })

  test('cannot read a record with the ring alone, under another id', async () => {
    const ring = randomKeyRing()
    const id = await create(storeWith(ring))
    const other = await create(storeWith(ring))
    const nameOf = (of: SessionId): string => `vestibule:{${storeWith(ring).keyOf(of)}}:tokens`
    await records.put(nameOf(other), written.get(nameOf(id)) ?? Buffer.alloc(0), 60_000)
    expect((await storeWith(ring).findTokens(other)).ok).toBe(true)
    expect(await storeWith(ring).findTokens(other)).toEqual({ ok: true, value: undefined })
  })

  test('is the same after minutes without a request, and is not read again', async () => {
    const uses: string[] = []
    const { store } = sessionsOver({
      records,
      limits: LIMITS,
      nowMs: () => nowMs,
      observe: (use) => uses.push(use),
    })
    const [id, other] = [await create(store), await create(store)]
    const first = await store.find(id)
    for (let minute = 0; minute < 10; minute += 1) {
      nowMs += 60_000
      await store.find(other)
    }
    expect(await store.find(id)).toEqual(first)
    expect(uses.slice(-1)).toEqual(['hit'])
  })

  test('asks the records once about an id that nobody has, and writes nothing', async () => {
    const asked: string[] = []
    const store = sessionsOver({
      records: {
        ...records,
        get: (name) => {
          asked.push('get')
          return records.get(name)
        },
        swap: (...all) => {
          asked.push('swap')
          return records.swap(...all)
        },
      },
      nowMs: () => nowMs,
    }).store
    const unknown = parseSessionId('A'.repeat(43))
    if (unknown === undefined) throw new Error('no id')
    expect(await isFound(store, unknown)).toBe(false)
    expect(asked).toEqual(['get'])
    expect(await isFound(store, await create(store))).toBe(true)
    expect(asked.slice(1)).toContain('swap')
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

describe('an outage of the store', () => {
  const seenBefore = async (ring: KeyRing): Promise<readonly [SessionStore, SessionId]> => {
    const store = storeWith(ring)
    const id = await create(store)
    await store.find(id)
    return [store, id]
  }

  test('known sessions are served for the stated time, unknown ones are not refused', async () => {
    const [store, seen] = await seenBefore(randomKeyRing())
    const unseen = await create(store)
    goDown()
    expect(await isFound(store, seen)).toBe(true)
    expect(await isFound(store, unseen)).toBe('unreachable')
    nowMs += 30_001
    expect(await isFound(store, seen)).toBe('unreachable')
    isDown = false
    expect(await isFound(store, seen)).toBe(true)
    expect(await isFound(store, unseen)).toBe(true)
  })

  test('the time runs from when it was last certain, not from when it was last asked', async () => {
    const [store, seen] = await seenBefore(randomKeyRing())
    nowMs += 29_000
    goDown()
    nowMs += 29_000
    expect(await isFound(store, seen)).toBe(true)
    nowMs += 1_001
    expect(await isFound(store, seen)).toBe('unreachable')
  })

  test('what ended here or elsewhere is forgotten at once', async () => {
    const ring = randomKeyRing()
    const [store, here] = await seenBefore(ring)
    const elsewhere = await create(store)
    await store.find(elsewhere)
    await store.end(store.keyOf(here))
    await storeWith(ring).end(store.keyOf(elsewhere))
    goDown()
    expect(await isFound(store, here)).toBe('unreachable')
    expect(await isFound(store, elsewhere)).toBe('unreachable')
  })

  test('an answer under way does not make an ended session known again', async () => {
    const [store, id] = await seenBefore(randomKeyRing())
    const [found] = await Promise.all([store.findNow(id), store.end(store.keyOf(id))])
    expect(found.ok).toBe(true)
    goDown()
    expect(await isFound(store, id)).toBe('unreachable')
  })

  test('a session that ends while the store cannot be told is over here, and stays so', async () => {
    const [store, id] = await seenBefore(randomKeyRing())
    goDown()
    expect(await store.end(store.keyOf(id))).toEqual(DOWN)
    isDown = false
    expect(await isFound(store, id)).toBe(false)
  })

  test('a store that takes no writes costs nobody the session', async () => {
    const [store, id] = await seenBefore(randomKeyRing())
    const full = { ...records, swap: () => Promise.resolve(DOWN) }
    const other = sessionsOver({ records: full, limits: LIMITS, nowMs: () => nowMs })
    nowMs += 120_000
    expect(await isFound(store, id)).toBe(true)
    const created = await other.store.create(aSession(), TOKENS, SIGNED_IN)
    expect(created.ok && (await isFound(other.store, created.value))).toBe(true)
  })
})
