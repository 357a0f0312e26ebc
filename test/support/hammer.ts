import { type SessionId } from '../../src/core/ids.ts'
import { randomKeyRing } from '../../src/edge/sessions/key-ring.ts'
import { type RecordStore } from '../../src/edge/sessions/record-store.ts'
import { type Sessions } from '../../src/service/sessions.ts'
import { NOW } from './policies.ts'
import { aSession, connected, proven, redisRecords, SIGNED_IN, sessionsOver } from './sessions.ts'

const TOKENS = {
  idToken: 'id',
  accessToken: 'access',
  accessExpiresAt: undefined,
  refreshToken: undefined,
}

export type Replica = { readonly records: RecordStore; readonly sessions: Sessions }

/** How long a replica that is cut off serves what it knew, in these tests. */
export const SERVE_KNOWN_FOR_MS = 1000
/**
 * How long after its acknowledgement a revocation may still be unknown somewhere: the proof that
 * changes are heard of, and what is served in an outage. The rest is for a machine that is busy.
 */
export const BOUND_MS = 1500 + SERVE_KNOWN_FOR_MS + 1500

/** Short beside every bound that is measured here. */
const PAUSE_MS = 10

/** Replicas in this process: sessions over one store, each with connections of its own. */
export const startReplicas = async (url: string, count = 2): Promise<readonly Replica[]> => {
  const ring = randomKeyRing()
  return await Promise.all(
    Array.from({ length: count }, async () => {
      const records = await proven(await connected(redisRecords(url)))
      const sessions = sessionsOver({
        records,
        ring,
        nowMs: () => NOW * 1000 + Math.floor(performance.now()),
        monotonicMs: () => performance.now(),
        serveKnownForMs: SERVE_KNOWN_FOR_MS,
      })
      return { records, sessions }
    }),
  )
}

export const createSessionsOf = async (
  { sessions }: Replica,
  count: number,
): Promise<readonly SessionId[]> => {
  const ids: SessionId[] = []
  while (ids.length < count) {
    const made = await sessions.store.create(aSession(), TOKENS, SIGNED_IN)
    if (!made.ok) throw new Error(made.failure)
    ids.push(made.value)
  }
  return ids
}

/** 200, 401 and 503 of `/verify`. */
export type Answer = 'found' | 'gone' | 'unreachable'

export type Hammering = {
  /** How often each answer was given for one of these sessions. */
  readonly counts: (ids: readonly SessionId[]) => Readonly<Record<Answer, number>>
  /** How long after that moment a session was still found, in milliseconds; 0: never. */
  readonly foundFor: (id: SessionId, sinceMs: number) => number
  readonly stop: () => Promise<void>
}

/** Asks every replica for every session, over and over, and writes down what it says. */
export const hammer = (replicas: readonly Replica[], ids: readonly SessionId[]): Hammering => {
  const running = { isOver: false }
  const counts = new Map(ids.map((id) => [id, { found: 0, gone: 0, unreachable: 0 }]))
  const lastFound = new Map<SessionId, number>()
  const askFor = async ({ sessions }: Replica, id: SessionId): Promise<void> => {
    const askedAt = performance.now()
    const found = await sessions.store.find(id)
    const answer = found.ok ? (found.value === undefined ? 'gone' : 'found') : 'unreachable'
    const of = counts.get(id)
    if (of !== undefined) of[answer] += 1
    if (answer === 'found') lastFound.set(id, Math.max(askedAt, lastFound.get(id) ?? 0))
  }
  const loops = replicas.map(async (replica) => {
    while (!running.isOver) {
      await Promise.all(ids.map((id) => askFor(replica, id)))
      // Lets connections have their turn, and the Redis beside it the processor.
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
    }
  })
  return {
    counts: (of) => {
      const sum = { found: 0, gone: 0, unreachable: 0 }
      for (const id of of) {
        const { found = 0, gone = 0, unreachable = 0 } = counts.get(id) ?? {}
        sum.found += found
        sum.gone += gone
        sum.unreachable += unreachable
      }
      return sum
    },
    foundFor: (id, sinceMs) => Math.max(0, (lastFound.get(id) ?? 0) - sinceMs),
    stop: async () => {
      running.isOver = true
      await Promise.all(loops)
    },
  }
}

/** Whether every replica finds every session, now. */
export const allFound = async (
  replicas: readonly Replica[],
  ids: readonly SessionId[],
): Promise<boolean> => {
  const answers = await Promise.all(
    replicas.flatMap(({ sessions }) => ids.map(async (id) => await sessions.store.find(id))),
  )
  return answers.every((found) => found.ok && found.value !== undefined)
}
