import { join } from 'node:path'
import { createOpsApp } from '../edge/http/ops-app.ts'
import { createPrimaryMetrics, type PrimaryMetrics } from '../edge/observe/primary-metrics.ts'
import {
  type BoundAddress,
  bindAddresses,
  type WorkerAddresses,
} from '../edge/workers/bound-address.ts'
import { createWorkers, type WorkerEnd, type Workers } from '../edge/workers/workers.ts'
import { adminOptions } from './admin-part.ts'
import { DOORS } from './doors.ts'
import { createFoundation, type Foundation, type FoundationMetrics } from './foundation.ts'
import { type ListenerName, listenAll } from './listeners.ts'
import { madeUpKeys } from './made-up-keys.ts'
import { bugReporter, monotonicMs, type ServiceInput } from './parts.ts'

export type PrimaryInput = Omit<ServiceInput, 'policies'> & {
  readonly count: number
  /** The configuration file and what stood in it. */
  readonly configFile: string
  readonly configText: string
}

export type Primary = {
  readonly addresses: Readonly<Record<ListenerName, string>>
  /** Resolves when all workers take connections. */
  readonly allReady: Promise<void>
  /** Resolves, with the reason, when workers end faster than they may be replaced. */
  readonly failed: Promise<string>
  readonly drain: () => Promise<void>
}

const PROGRAM = join(import.meta.dirname, '../worker.ts')

/** A scrape waits so long for a worker that hangs; kubelets wait a second in all. */
const METRICS_MS = 1000
const HEALTH_MS = 500

/** What a worker needs besides to write its last decisions down. */
const LAST_LINES_MS = 3000

/** Takes the addresses, has workers answer there, and answers operators itself. */
export const startPrimary = async (input: PrimaryInput): Promise<Primary> => {
  const { config, log } = input
  const sockets = await bindAddresses(config.listen, DOORS)
  const metrics = createPrimaryMetrics(input.count)
  const foundation = createFoundation(input, foundationMetrics(metrics))
  const workers = createWorkers({
    count: input.count,
    program: PROGRAM,
    sockets,
    order: {
      configFile: input.configFile,
      configText: input.configText,
      madeUpKeys: await madeUpKeys(config),
    },
    monotonicMs,
    onReady: ({ number, pid }) => log.info({ worker: number, pid }, 'worker is ready'),
    onEnded: (end) => tellEnd(log, metrics, end),
  })
  let isDraining = false
  const letGo = async (): Promise<void> => {
    isDraining = true
    foundation.closeKeys()
    // The queues last as long as one of the workers listens.
    closeBoth(sockets)
    await workers.drain(config.shutdown.drain + LAST_LINES_MS)
  }
  const handler = createOpsApp({
    metrics: async () => ({
      text: await scrape(workers, metrics),
      contentType: metrics.contentType,
    }),
    readiness: {
      draining: () => Promise.resolve(!isDraining),
      ...readiness(input, workers, foundation),
    },
    admin: adminOptions({ config, log, sessions: foundation.sessions }),
    onBug: bugReporter(log, metrics),
  })
  try {
    const ops = await listenAll([{ name: 'ops', place: config.listen.ops, handler }])
    workers.start()
    return {
      addresses: {
        verify: sockets.verify.address,
        public: sockets.public.address,
        ops: ops.addressOf('ops'),
      },
      allReady: workers.allReady,
      failed: workers.failed,
      drain: async () => {
        await letGo()
        await ops.close(config.shutdown.drain)
        await foundation.closeStore()
      },
    }
  } catch (error) {
    await letGo()
    await foundation.closeStore()
    throw error
  }
}

const closeBoth = (sockets: WorkerAddresses<BoundAddress>): void => {
  for (const { close } of Object.values(sockets)) close()
}

/** What workers measure is theirs to count: here it would count twice. */
const foundationMetrics = ({ called }: PrimaryMetrics): FoundationMetrics => ({
  called,
  storeHeard: () => undefined,
  sessionRead: () => undefined,
  revocationLearnt: () => undefined,
})

const tellEnd = (
  log: PrimaryInput['log'],
  metrics: PrimaryMetrics,
  { number, pid, how, why, metrics: last }: WorkerEnd,
): void => {
  metrics.workerEnded(why, last)
  log.error({ worker: number, pid, how }, END_TEXTS[why])
}

const END_TEXTS: Readonly<Record<WorkerEnd['why'], string>> = {
  hung: 'worker gave no sign of life and was killed',
  refused: 'worker cannot start; it is tried again',
  ended: 'worker ended',
}

const scrape = async (workers: Workers, metrics: PrimaryMetrics): Promise<string> => {
  const words = await workers.ask('metrics', METRICS_MS)
  return await metrics.text({
    ready: workers.ready(),
    policyVersions: new Set(words.flatMap(({ word }) => word?.policyVersion ?? [])).size,
    silent: words.filter(({ word }) => word === undefined).length,
    reports: workers.lastMetrics,
  })
}

/** All workers take connections and answer, and what they depend on is fine for all. */
const readiness = (
  { config, count }: PrimaryInput,
  workers: Workers,
  { records }: Foundation,
): Readonly<Record<string, () => Promise<boolean | string>>> => {
  let asking: ReturnType<Workers['ask']> | undefined
  // Checks of one probe share one question.
  const ask = async (): ReturnType<Workers['ask']> => {
    asking ??= workers.ask('health', Math.max(HEALTH_MS, config.session.storeTimeout * 2))
    const words = await asking
    asking = undefined
    return words
  }
  return {
    workers: async () => {
      const answered = (await ask()).filter(({ word }) => word !== undefined).length
      return answered === count || `${answered} of ${count} answer`
    },
    'session-store': async () => {
      const words = await ask()
      const failing = words.some(({ word }) => word?.failing?.includes('session-store') === true)
      return !failing && (await records.ping()).ok
    },
  }
}
