import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { epochSeconds, type SessionId } from '../../src/core/ids.ts'
import { endAllOf, endAtProvider, SKEW_MS } from '../../src/core/revocation.ts'
import { randomKeyRing } from '../../src/edge/sessions/key-ring.ts'
import { subjectDigest } from '../../src/edge/sessions/names.ts'
import { type RecordStore } from '../../src/edge/sessions/record-store.ts'
import { revoke } from '../../src/flow/revoke.ts'
import { type Sessions } from '../../src/service/sessions.ts'
import { aPerson, NOW } from '../support/policies.ts'
import { aSession, memoryRecords, sessionsOver } from '../support/sessions.ts'

/*
 * C11 S21, S24–S26, S35: whatever two things happen in whatever order, what was ended stays so. The
 * order in which the store answers is chosen by the test.
 */

const TOKENS = {
  idToken: 'i',
  accessToken: 'a',
  accessExpiresAt: undefined,
  refreshToken: 'r',
}
const { issuer, subject } = aPerson()
const SIGNED_IN = { startedAt: epochSeconds(NOW), browser: undefined }
const sessionsRing = randomKeyRing()

/** Every call waits until the scheduler lets it go. */
const scheduled = (records: RecordStore, scheduler: fc.Scheduler): RecordStore => {
  const held =
    <Arguments extends readonly unknown[], Value>(
      call: (...all: Arguments) => Promise<Value>,
    ): ((...all: Arguments) => Promise<Value>) =>
    async (...all) => {
      await scheduler.schedule(Promise.resolve(), call.name)
      return await call(...all)
    }
  return {
    ...records,
    put: held(records.put),
    get: held(records.get),
    swap: held(records.swap),
    replace: held(records.replace),
    remove: held(records.remove),
    setField: held(records.setField),
    fields: held(records.fields),
    append: held(records.append),
    entries: held(records.entries),
  }
}

const revokePortsOf = ({ store, revocations, directory, serviceTokens }: Sessions) => ({
  serviceTokens,
  sessions: store,
  revocations,
  directory,
  names: { people: issuer, tokenIssuers: [], digest: subjectDigest },
  nowMs: () => NOW * 1000,
  lifeMs: 1e9,
})

const created = async ({ store }: Sessions): Promise<SessionId> => {
  const id = await store.create(aSession(), TOKENS, SIGNED_IN)
  if (!id.ok) throw new Error('not created')
  return id.value
}

type Action = 'end' | 'revoke' | 'update' | 'find' | 'retire' | 'lookNow'

const act = async (sessions: Sessions, id: SessionId, action: Action): Promise<void> => {
  const { store } = sessions
  switch (action) {
    case 'end':
      await store.end(store.keyOf(id))
      return
    case 'revoke':
      await revoke(revokePortsOf(sessions), { kind: 'subject', subject })
      return
    case 'update':
      await store.update(id, { ...aSession(), beganMs: NOW * 1000 }, TOKENS)
      return
    case 'find':
      await store.find(id)
      return
    case 'lookNow':
      await store.findNow(id)
      return
    case 'retire':
      await store.retire(id, 60)
  }
}

const isThere = async ({ store }: Sessions, id: SessionId): Promise<boolean> => {
  const found = await store.find(id)
  return !found.ok || found.value !== undefined
}

describe('S21 S24 a session that is being ended', () => {
  test.each(['end', 'revoke'] as const)(
    'by %s stays ended, whatever was under way, on both replicas',
    async (ending) => {
      const others = fc.array(
        fc.tuple(
          fc.constantFrom<Action>('update', 'find', 'lookNow', 'retire', 'end', 'revoke'),
          fc.boolean(),
        ),
        { minLength: 1, maxLength: 5 },
      )
      await fc.assert(
        fc.asyncProperty(fc.scheduler(), others, async (scheduler, actions) => {
          const plain = memoryRecords(() => NOW * 1000)
          const records = scheduled(plain, scheduler)
          const ring = sessionsRing
          const [one, two] = [sessionsOver({ records, ring }), sessionsOver({ records, ring })]
          const before = sessionsOver({ records: plain, ring })
          const id = await created(before)
          const running = Promise.all([
            act(one, id, ending),
            ...actions.map(([action, onTwo]) => act(onTwo ? two : one, id, action)),
          ])
          await scheduler.waitFor(running)
          const after = sessionsOver({ records: plain, ring })
          expect(await isThere(after, id)).toBe(false)
          for (const replica of [one, two]) {
            expect(await scheduler.waitFor(isThere(replica, id))).toBe(false)
          }
        }),
        { numRuns: 100 },
      )
    },
  )
})

describe('S25 S26 the sessions of one subject', () => {
  const sessionsAt = (nowMs: () => number = () => NOW * 1000): Sessions =>
    sessionsOver({ records: memoryRecords(nowMs), nowMs, ring: sessionsRing })

  test('all end, also after the older one was signed out, in either order', async () => {
    for (const first of [0, 1]) {
      const sessions = sessionsAt()
      const ids = [await created(sessions), await created(sessions)]
      await sessions.store.end(sessions.store.keyOf(ids[first] ?? ids[0]!))
      expect(await isThere(sessions, ids[1 - first] ?? ids[0]!)).toBe(true)
      const revoked = await revoke(revokePortsOf(sessions), { kind: 'subject', subject })
      expect(revoked).toEqual({ ok: true, value: { sessions: 1 } })
      for (const id of ids) expect(await isThere(sessions, id)).toBe(false)
    }
  })

  test('all end where the index is gone', async () => {
    const records = memoryRecords(() => NOW * 1000)
    const sessions = sessionsOver({ records, ring: sessionsRing })
    const id = await created(sessions)
    await records.removeFields(`vestibule:sessions-of:${subjectDigest(issuer, subject)}`, [
      sessions.store.keyOf(id),
    ])
    const revoked = await revoke(revokePortsOf(sessions), { kind: 'subject', subject })
    expect(revoked).toEqual({ ok: true, value: { sessions: 0 } })
    expect(await isThere(sessions, id)).toBe(false)
  })

  test('end although there are two thousand of them, and others go on', async () => {
    const sessions = sessionsAt()
    const other = await sessions.store.create(
      { ...aSession(), principal: aPerson({ subject: 'somebody-else' }) },
      TOKENS,
      SIGNED_IN,
    )
    for (let count = 0; count < 2000; count += 1) await created(sessions)
    const revoked = await revoke(revokePortsOf(sessions), { kind: 'subject', subject })
    expect(revoked).toEqual({ ok: true, value: { sessions: 2000 } })
    expect(other.ok && (await isThere(sessions, other.value))).toBe(true)
  })

  test('beyond the allowed number the oldest ends', async () => {
    let nowMs = NOW * 1000
    const sessions = sessionsOver({
      records: memoryRecords(() => nowMs),
      nowMs: () => nowMs,
      ring: sessionsRing,
      mostPerSubject: 2,
    })
    const ids: SessionId[] = []
    for (let count = 0; count < 4; count += 1) {
      nowMs += 5000
      const session = { ...aSession(), createdAt: epochSeconds(nowMs / 1000) }
      const id = await sessions.store.create(session, TOKENS, SIGNED_IN)
      if (id.ok) ids.push(id.value)
    }
    const there = await Promise.all(ids.map((id) => isThere(sessions, id)))
    expect(there).toEqual([false, false, true, true])
  })
})

describe('clocks that differ', () => {
  test('a session that a clock ahead of ours dated is ended too, and the next one is not', async () => {
    const records = memoryRecords(() => NOW * 1000)
    const ahead = sessionsOver({
      records,
      ring: sessionsRing,
      nowMs: () => NOW * 1000 + SKEW_MS - 1,
    })
    const ours = sessionsOver({ records, ring: sessionsRing })
    const id = await created(ahead)
    await revoke(revokePortsOf(ours), { kind: 'subject', subject })
    expect(await isThere(ahead, id)).toBe(false)
    for (const replica of [ours, ahead]) {
      expect(await isThere(replica, await created(replica))).toBe(true)
    }
  })

  test('B22 a sign-in that began before a revocation does not complete after it', async () => {
    let nowMs = NOW * 1000
    const sessions = sessionsOver({
      records: memoryRecords(() => nowMs),
      ring: sessionsRing,
      nowMs: () => nowMs,
    })
    await revoke({ ...revokePortsOf(sessions), nowMs: () => nowMs }, { kind: 'subject', subject })
    nowMs += 2000
    const begunBefore = { ...SIGNED_IN, startedAt: epochSeconds(NOW - 5) }
    expect(await sessions.store.create(aSession(), TOKENS, begunBefore)).toEqual({
      ok: false,
      failure: 'revoked',
    })
    const begunAfter = { ...SIGNED_IN, startedAt: epochSeconds(NOW + 1) }
    expect(await sessions.store.create(aSession(), TOKENS, begunAfter)).toMatchObject({ ok: true })
  })

  test('B15 what the provider ended by its clock spares what it issued later', async () => {
    const sessions = sessionsOver({ records: memoryRecords(() => NOW * 1000), ring: sessionsRing })
    const issuedAt = (seconds: number) => ({ ...aSession(), issuedAt: epochSeconds(seconds) })
    const older = await sessions.store.create(issuedAt(NOW - 100), TOKENS, SIGNED_IN)
    const newer = await sessions.store.create(issuedAt(NOW - 10), TOKENS, SIGNED_IN)
    const target = { kind: 'subject', name: subjectDigest(issuer, subject) } as const
    const ordered = { nowMs: NOW * 1000, lifeMs: 1e9 }
    await sessions.revocations.add(endAtProvider(target, (NOW - 50) * 1000, ordered))
    expect(older.ok && (await isThere(sessions, older.value))).toBe(false)
    expect(newer.ok && (await isThere(sessions, newer.value))).toBe(true)
  })

  test('everything ends, of everybody, and what comes after it lives', async () => {
    const sessions = sessionsOver({ records: memoryRecords(() => NOW * 1000), ring: sessionsRing })
    const id = await created(sessions)
    await sessions.revocations.add(
      endAllOf({ kind: 'everything' }, { nowMs: NOW * 1000, lifeMs: 1e9 }),
    )
    expect(await isThere(sessions, id)).toBe(false)
    expect(await isThere(sessions, await created(sessions))).toBe(true)
  })
})

describe('S35 a lease whose holder died', () => {
  test('ends by itself within seconds, and another takes it', async () => {
    let nowMs = NOW * 1000
    const records = memoryRecords(() => nowMs)
    const [dead, alive] = [sessionsOver({ records }), sessionsOver({ records })]
    const id = await created(alive)
    expect(await dead.leases.lease(id, 4000)).toEqual({ ok: true, value: true })
    expect(await alive.leases.lease(id, 4000)).toEqual({ ok: true, value: false })
    nowMs += 4001
    expect(await alive.leases.lease(id, 4000)).toEqual({ ok: true, value: true })
    expect(await dead.leases.extendLease(id, 4000)).toEqual({ ok: true, value: false })
    await dead.leases.release(id)
    expect(await dead.leases.lease(id, 4000)).toEqual({ ok: true, value: false })
  })
})
