import { faultText } from './core/fault.ts'
import { createOpsApp } from './edge/http/ops-app.ts'
import { createDecisionLog } from './edge/observe/decision-log.ts'
import { createMetrics, type Metrics } from './edge/observe/metrics.ts'
import { type PolicyWatch, watchPolicies } from './edge/policies/policy-watch.ts'
import { adminOptions } from './service/admin-part.ts'
import { DOORS, type Place } from './service/doors.ts'
import { createFoundation, type Foundation } from './service/foundation.ts'
import { type Listener, type ListenerName, type Listeners, listenAll } from './service/listeners.ts'
import { bugReporter, now, nowMs, type Parts, type ServiceInput } from './service/parts.ts'
import { createProvider } from './service/provider.ts'
import { createPublic } from './service/public-part.ts'
import { createVerifyPart } from './service/verify-part.ts'

export type Service = AnsweringService & {
  readonly addresses: Readonly<Record<ListenerName, string>>
}

/** What answers requests, whether alone or as one of several workers. */
export type AnsweringService = {
  readonly metrics: Metrics
  readonly policyVersion: () => string
  /** Names of the checks of readiness that fail. */
  readonly failing: () => Promise<readonly string[]>
  /** Stops taking connections, lets running requests finish, then lets go of everything. */
  readonly drain: () => Promise<void>
}

/** Builds every edge, hands them to the flows, and listens. Fails where an address is taken. */
export const startService = async (input: ServiceInput): Promise<Service> => {
  const { listen } = input.config
  const { parts, close } = build(input, false)
  const readiness = readinessOf(parts)
  let isDraining = false
  const ops = createOpsApp({
    metrics: async () => ({
      text: await parts.metrics.text(),
      contentType: parts.metrics.contentType,
    }),
    readiness: { draining: () => Promise.resolve(!isDraining), ...readiness },
    admin: adminOptions(parts),
    onBug: bugReporter(parts.log, parts.metrics),
  })
  const listeners = await listenOr(close, [
    ...answering(parts, listen),
    { name: 'ops', place: listen.ops, handler: ops },
  ])
  return {
    ...told(parts),
    addresses: {
      verify: listeners.addressOf('verify'),
      public: listeners.addressOf('public'),
      ops: listeners.addressOf('ops'),
    },
    drain: async () => {
      isDraining = true
      await close(listeners.close)
    },
  }
}

/** How long a worker lets others answer, rather than saying that it knows no session yet. */
const STORE_MS = 3000

/** The same without the listener for operators, where others listen at the same places. */
export const startAnswering = async (
  input: ServiceInput,
  places: Readonly<Record<'verify' | 'public', Place>>,
): Promise<AnsweringService> => {
  const { parts, storeAnswered, close } = build(input, true)
  await storeAnswered(STORE_MS)
  const listeners = await listenOr(close, answering(parts, places))
  return { ...told(parts), drain: () => close(listeners.close) }
}

/** What was begun for listeners that cannot be had would keep the process running. */
const listenOr = async (
  close: Built['close'],
  listeners: readonly Listener[],
): Promise<Listeners> => {
  try {
    return await listenAll(listeners)
  } catch (error) {
    await close(() => Promise.resolve())
    throw error
  }
}

type Built = {
  readonly parts: Parts
  readonly storeAnswered: Foundation['storeAnswered']
  readonly close: (closeListeners: (withinMs: number) => Promise<void>) => Promise<void>
}

const build = (input: ServiceInput, isOneOfMany: boolean): Built => {
  const { config } = input
  const metrics = createMetrics()
  const policies = watch(input, metrics)
  if (!config.verify.requireHost) metrics.insecure('verify.requireHost')
  const decisionLog = createDecisionLog({
    to: config.decisionLog.to,
    isShared: isOneOfMany,
    nowMs,
    onDropped: metrics.decisionDropped,
  })
  const foundation = createFoundation(input, metrics)
  const { ring, assertionKeys, records, sessions } = foundation
  return {
    parts: {
      config,
      log: input.log,
      ring,
      assertionKeys,
      policies,
      metrics,
      decisionLog,
      records,
      sessions,
      identityProvider: createProvider(input, metrics),
    },
    storeAnswered: foundation.storeAnswered,
    close: async (closeListeners) => {
      policies.close()
      foundation.closeKeys()
      await closeListeners(config.shutdown.drain)
      await decisionLog.close()
      await foundation.closeStore()
    },
  }
}

const answering = (
  parts: Parts,
  places: Readonly<Record<'verify' | 'public', Place>>,
): readonly Listener[] => [
  { name: 'verify', place: places.verify, handler: createVerifyPart(parts), doors: DOORS },
  { name: 'public', place: places.public, handler: createPublic(parts) },
]

const readinessOf = ({ records }: Parts): Readonly<Record<string, () => Promise<boolean>>> => ({
  'session-store': async () => (await records.ping()).ok,
})

const told = (parts: Parts): Omit<AnsweringService, 'drain'> => ({
  metrics: parts.metrics,
  policyVersion: () => parts.policies.current().version,
  failing: async () => {
    const checks = Object.entries(readinessOf(parts))
    const results = await Promise.all(checks.map(([, holds]) => holds()))
    return checks.flatMap(([name], index) => (results[index] === true ? [] : [name]))
  },
})

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
