import { isLive } from '../core/session.ts'
import { type Config } from '../edge/config/config.ts'
import { type Metrics } from '../edge/observe/metrics.ts'
import { withKnownSessions } from '../edge/sessions/known-sessions.ts'
import { createMemoryRecordStore } from '../edge/sessions/memory-record-store.ts'
import { type RecordStore } from '../edge/sessions/record-store.ts'
import { createRedisRecordStore } from '../edge/sessions/redis-record-store.ts'
import { createSessionStore } from '../edge/sessions/session-store.ts'
import { type SessionStore } from '../flow/ports.ts'
import { limitsOf, now, nowMs, type ServiceInput } from './parts.ts'

const SESSION_BYTES = 256 * 1024 * 1024
const ATTEMPT_BYTES = 32 * 1024 * 1024

/**
 * Where sign-in attempts are kept. Anybody can start one: in memory they have room of their own, so
 * that a flood of them pushes out attempts, and no session.
 */
export const createAttemptRecords = ({ session }: Config, records: RecordStore): RecordStore =>
  session.store === 'memory' ? createMemoryRecordStore(nowMs, ATTEMPT_BYTES) : records

export const createRecords = ({ config, log }: ServiceInput, metrics: Metrics): RecordStore =>
  config.session.store === 'memory'
    ? createMemoryRecordStore(nowMs, SESSION_BYTES)
    : createRedisRecordStore({
        url: config.session.store,
        timeoutMs: config.session.storeTimeout,
        observe: (outcome, seconds) => metrics.called('session_store', outcome, seconds),
        onLost: (detail) => log.warn({ detail }, 'session store unreachable'),
      })

export const createSessions = (
  { config, ring }: ServiceInput,
  records: RecordStore,
  metrics: Metrics,
): SessionStore => {
  const limits = limitsOf(config)
  return withKnownSessions(createSessionStore({ records, ring, limits, now }), {
    serveKnownForMs: config.session.storeOutage.serveKnownFor,
    nowMs,
    isLive: (session) => isLive(session, limits, now()),
    onServed: metrics.servedWithoutStore,
  })
}
