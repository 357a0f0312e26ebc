import { describe, expect, test } from '@jest/globals'
import { epochSeconds } from '../../src/core/ids.ts'
import { type Session } from '../../src/core/session.ts'
import { createKeepFresh, type KeepFreshPorts } from '../../src/flow/keep-fresh.ts'
import { type Found, type SessionStore } from '../../src/flow/ports.ts'
import { NOW } from '../support/policies.ts'
import { aSession, memoryRecords, SIGNED_IN, sessionsOver } from '../support/sessions.ts'

const TOKENS = {
  idToken: 'x',
  accessToken: 'y',
  accessExpiresAt: undefined,
  refreshToken: undefined,
}
const LIMITS = { revalidateEverySeconds: 60, outageSeconds: 3600 }

type Changes = Partial<Pick<KeepFreshPorts, 'identityProvider'>> & {
  readonly store?: Partial<SessionStore>
}

/** Asks about a session that was last confirmed so many seconds ago. */
const askAfter = async (age: number, changes: Changes): Promise<Found<Session>> => {
  const { store, leases } = sessionsOver({
    records: memoryRecords(() => NOW * 1000),
    limits: { idleSeconds: 86_400, absoluteSeconds: 86_400 },
    nowMs: () => NOW * 1000,
  })
  const at = epochSeconds(NOW - age)
  const session = { ...aSession(), createdAt: at, checkedAt: at }
  const created = await store.create(session, TOKENS, SIGNED_IN)
  if (!created.ok) throw new Error('not created')
  const keepFresh = createKeepFresh({
    sessions: { ...store, ...changes.store },
    leases,
    identityProvider: changes.identityProvider ?? {
      revalidate: () => new Promise(() => undefined),
    },
    limits: LIMITS,
    now: () => NOW,
    // Patience ends at once where the provider hangs, and never where it answers.
    delay: () =>
      changes.identityProvider === undefined ? Promise.resolve() : new Promise(() => undefined),
    observe: () => undefined,
  })
  return await keepFresh(created.value, { ...session, beganMs: at * 1000 })
}

const saysNo: KeepFreshPorts['identityProvider'] = {
  revalidate: () => Promise.resolve({ ok: false, failure: 'ended' }),
}
const DOWN = { ok: false, failure: 'unreachable' } as const

describe('keepFresh', () => {
  test('serves a session while the provider hangs, within the limit, and not beyond', async () => {
    expect(await askAfter(61, {})).toMatchObject({ ok: true, value: { checkedAt: NOW - 61 } })
    expect(await askAfter(3661, {})).toEqual(DOWN)
  })

  test('a session from a clock that is ahead is fresh, not due', async () => {
    expect(await askAfter(-300, { identityProvider: saysNo })).toMatchObject({ ok: true })
  })

  test("the provider's no counts also where the store cannot be told", async () => {
    const store = { end: () => Promise.resolve(DOWN) }
    expect(await askAfter(61, { identityProvider: saysNo, store })).toEqual({
      ok: true,
      value: undefined,
    })
  })
})
