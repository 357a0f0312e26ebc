import { faultText } from './core/fault.ts'
import { createOpsApp } from './edge/http/ops-app.ts'
import { createDecisionLog } from './edge/observe/decision-log.ts'
import { createMetrics, type Metrics } from './edge/observe/metrics.ts'
import { type PolicyWatch, watchPolicies } from './edge/policies/policy-watch.ts'
import { type RecordStore } from './edge/sessions/record-store.ts'
import { adminOptions } from './service/admin-part.ts'
import { watchKeys } from './service/keys.ts'
import { type Listeners, listenAll } from './service/listeners.ts'
import { bugReporter, now, nowMs, type Parts, type ServiceInput } from './service/parts.ts'
import { createProvider } from './service/provider.ts'
import { createPublic } from './service/public-part.ts'
import { createRecords, createSessions } from './service/sessions.ts'
import { createVerifyPart } from './service/verify-part.ts'

export type Service = Listeners & {
  /** Stops taking connections, lets running requests finish, then lets go of everything. */
  readonly drain: () => Promise<void>
}

/** Builds every edge, hands them to the flows, and listens. Fails where an address is taken. */
export const startService = async (input: ServiceInput): Promise<Service> => {
  const { config, log } = input
  const metrics = createMetrics()
  const policies = watch(input, metrics)
  if (!config.verify.requireHost) metrics.insecure('verify.requireHost')
  const decisionLog = createDecisionLog({
    to: config.decisionLog.to,
    nowMs,
    onDropped: metrics.decisionDropped,
  })
  const keys = watchKeys(input)
  const records = createRecords(
    config,
    storeEvents(log, metrics, () => void adviseOn(records, log)),
    (outcome, seconds) => metrics.called('session_store', outcome, seconds),
  )
  const sessions = createSessions(config, records, keys.ring, metrics)
  void sessions.revocations.load()
  const identityProvider = createProvider(input, metrics)
  const parts: Parts = {
    ...input,
    ...keys,
    policies,
    metrics,
    decisionLog,
    records,
    sessions,
    identityProvider,
  }
  let isDraining = false
  const listeners = await listenAll(config.listen, {
    verify: createVerifyPart(parts),
    public: createPublic(parts),
    ops: createOpsApp({
      metrics: async () => ({ text: await metrics.text(), contentType: metrics.contentType }),
      readiness: {
        draining: () => Promise.resolve(!isDraining),
        'session-store': async () => (await records.ping()).ok,
      },
      admin: adminOptions(parts),
      onBug: bugReporter(log, metrics),
    }),
  })
  return {
    ...listeners,
    drain: async () => {
      isDraining = true
      policies.close()
      keys.close()
      await listeners.close(config.shutdown.drain)
      await decisionLog.close()
      await records.close()
    },
  }
}

const adviseOn = async (records: RecordStore, log: ServiceInput['log']): Promise<void> => {
  const advice = await records.advice()
  for (const text of advice.ok ? advice.value : []) log.warn(text)
}

const storeEvents = (
  log: ServiceInput['log'],
  metrics: Metrics,
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

const watch = ({ config, policies, log }: ServiceInput, metrics: Metrics): PolicyWatch => {
  metrics.policiesLoaded(policies, now())
  return watchPolicies({
    folder: config.policies,
    initial: policies,
    onLoaded: (loaded) => {
      metrics.policiesLoaded(loaded, now())
      log.info({ policyVersion: loaded.version }, 'policies reloaded')
    },
    onRefused: (faults) => {
      metrics.policyReloadFailed()
      log.error(
        { faults: faults.map(faultText) },
        'policies not taken over; the last good ones stay',
      )
    },
  })
}
