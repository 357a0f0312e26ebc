import { epochSeconds } from '../../src/core/ids.ts'
import { type Session, type SessionLimits } from '../../src/core/session.ts'
import { parseStoreAddress } from '../../src/core/store-address.ts'
import { createServiceTokenStore } from '../../src/edge/service-tokens/service-token-store.ts'
import { type CacheUse } from '../../src/edge/sessions/coherent-cache.ts'
import { type KeyRing, randomKeyRing } from '../../src/edge/sessions/key-ring.ts'
import { createMemoryRecordStore } from '../../src/edge/sessions/memory-record-store.ts'
import { type RecordStore } from '../../src/edge/sessions/record-store.ts'
import {
  createRedisRecordStore,
  type RedisOptions,
} from '../../src/edge/sessions/redis-record-store.ts'
import { createRevocations } from '../../src/edge/sessions/revocations.ts'
import { createSessionDirectory } from '../../src/edge/sessions/session-directory.ts'
import { createSessionIndex } from '../../src/edge/sessions/session-index.ts'
import { createRefreshLeases } from '../../src/edge/sessions/session-leases.ts'
import { createSessionStore } from '../../src/edge/sessions/session-store.ts'
import { createSessionUse } from '../../src/edge/sessions/session-use.ts'
import { type Sessions } from '../../src/service/sessions.ts'
import { aPerson, NOW } from './policies.ts'

const KEPT_BYTES = 256 * 1024 * 1024

export const memoryRecords = (nowMs: () => number, largestBytes = 1e9): RecordStore =>
  createMemoryRecordStore({ nowMs, monotonicMs: nowMs, largestBytes })

/** Records in a Redis at that address; errors of the connection are nobody's business. */
export const redisRecords = (url: string, changes: Partial<RedisOptions> = {}): RecordStore => {
  const address = parseStoreAddress(url)
  if (address === undefined || address.kind === 'memory') throw new Error(`${url} is no Redis`)
  return createRedisRecordStore({
    address,
    password: undefined,
    sentinelPassword: undefined,
    tls: undefined,
    timeoutMs: 250,
    connectTimeoutMs: 1000,
    monotonicMs: () => performance.now(),
    observe: () => undefined,
    onLost: () => undefined,
    onProven: () => undefined,
    ...changes,
  })
}

/** Waits until the store answers; a bound, not a sleep. */
export const connected = async (store: RecordStore): Promise<RecordStore> => {
  for (let tries = 0; tries < 500; tries += 1) {
    if ((await store.ping()).ok) return store
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  throw new Error('Redis did not answer')
}

/** Waits until changes in the store are heard of. */
export const proven = async (store: RecordStore): Promise<RecordStore> => {
  for (let tries = 0; tries < 500; tries += 1) {
    if (store.coherence.isProven()) return store
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  throw new Error('changes in Redis are not heard of')
}

export type SessionsSettings = {
  readonly records: RecordStore
  readonly ring?: KeyRing
  readonly limits?: SessionLimits
  readonly nowMs?: () => number
  readonly monotonicMs?: () => number
  readonly serveKnownForMs?: number
  readonly mostPerSubject?: number
  readonly observe?: (use: CacheUse) => void
}

/** Sessions as the service makes them, over records of the test's own. */
export const sessionsOver = (settings: SessionsSettings): Sessions => {
  const { records, nowMs = () => NOW * 1000, observe = () => undefined } = settings
  const { limits = { idleSeconds: 3600, absoluteSeconds: 10_000 } } = settings
  const { monotonicMs = nowMs, serveKnownForMs = 30_000 } = settings
  const keys = settings.ring ?? randomKeyRing()
  const ring = (): KeyRing => keys
  const absoluteMs = limits.absoluteSeconds * 1000
  const use = createSessionUse(records, limits.idleSeconds * 1000, nowMs)
  const revocations = createRevocations({
    records,
    nowMs,
    monotonicMs,
    serveKnownForMs,
    longestLifeMs: absoluteMs,
    onLearnt: () => undefined,
  })
  const index = createSessionIndex({
    records,
    ring,
    use,
    revocations,
    nowMs,
    absoluteMs,
    mostPerSubject: settings.mostPerSubject,
  })
  const common = { records, ring, limits, revocations, index, use, nowMs, monotonicMs }
  return {
    store: createSessionStore({ ...common, serveKnownForMs, observe, keptBytes: KEPT_BYTES }),
    leases: createRefreshLeases(records, absoluteMs),
    revocations,
    directory: createSessionDirectory(records, index, use),
    serviceTokens: createServiceTokenStore({
      ...common,
      serveKnownForMs,
      issuer: 'https://auth.test',
    }),
  }
}

/** Signed in just now. */
export const aSession = (): Omit<Session, 'beganMs'> => ({
  principal: aPerson(),
  createdAt: epochSeconds(NOW),
  checkedAt: epochSeconds(NOW),
  issuedAt: epochSeconds(NOW),
})

export const SIGNED_IN = { startedAt: epochSeconds(NOW - 10), browser: 'Firefox on Linux' }
