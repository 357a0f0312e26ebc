import { setTimeout as delay } from 'node:timers/promises'
import { type Metrics } from '../edge/observe/metrics.ts'
import { type RecordStore } from '../edge/sessions/record-store.ts'
import { type ServiceKeys, watchKeys } from './keys.ts'
import { monotonicMs, type ServiceInput } from './parts.ts'
import { createRecords, createSessions, type Sessions } from './sessions.ts'

/** Keys, store and sessions: what whoever answers requests or operators stands on. */
export type Foundation = Pick<ServiceKeys, 'ring' | 'assertionKeys'> & {
  readonly records: RecordStore
  readonly sessions: Sessions
  /** Resolves when the store has answered, or after so many milliseconds. */
  readonly storeAnswered: (withinMs: number) => Promise<void>
  /** Keys first, the store once nobody asks it any more. */
  readonly closeKeys: () => void
  readonly closeStore: () => Promise<void>
}

export type FoundationMetrics = Pick<
  Metrics,
  'called' | 'storeHeard' | 'sessionRead' | 'revocationLearnt'
>

const POLL_MS = 20

export const createFoundation = (
  input: Omit<ServiceInput, 'policies'>,
  metrics: FoundationMetrics,
): Foundation => {
  const { config, log } = input
  const keys = watchKeys(input)
  const records = createRecords(
    config,
    storeEvents(log, metrics, () => void adviseOn(records, log)),
    (outcome, seconds) => metrics.called('session_store', outcome, seconds),
  )
  const sessions = createSessions(config, records, keys.ring, metrics)
  void sessions.revocations.load()
  return {
    ring: keys.ring,
    assertionKeys: keys.assertionKeys,
    records,
    sessions,
    storeAnswered: async (withinMs) => {
      const deadline = monotonicMs() + withinMs
      while (!(await sessions.revocations.load()).ok && monotonicMs() < deadline) {
        await delay(POLL_MS)
      }
    },
    closeKeys: keys.close,
    closeStore: () => records.close(),
  }
}

const adviseOn = async (records: RecordStore, log: ServiceInput['log']): Promise<void> => {
  const advice = await records.advice()
  for (const text of advice.ok ? advice.value : []) log.warn(text)
}

const storeEvents = (
  log: ServiceInput['log'],
  metrics: Pick<Metrics, 'storeHeard'>,
  onFirstProven: () => void,
): Parameters<typeof createRecords>[1] => {
  let wasLost = false
  let isFirst = true
  return {
    onLost: (detail) => log.warn({ detail }, 'session store unreachable'),
    onProven: (isProven, detail) => {
      metrics.storeHeard(isProven)
      if (!isProven)
        log.warn({ detail }, 'no word of changes in the session store: asking each time')
      else if (wasLost) log.info('changes in the session store are heard of again')
      wasLost = !isProven
      if (isProven && isFirst) onFirstProven()
      isFirst &&= !isProven
    },
  }
}
