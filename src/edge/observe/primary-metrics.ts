import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { type Dependency, FAST_BUCKETS } from './metrics.ts'
import { CONTENT_TYPE, countsOf, type MetricsReport, sumReports, sumText } from './metrics-sum.ts'

const WORKER_END_REASONS = ['hung', 'refused', 'ended'] as const
type WorkerEndReason = (typeof WORKER_END_REASONS)[number]

/** What the primary measures itself, and one scrape of it and all its workers. */
export type PrimaryMetrics = {
  readonly called: (dependency: Dependency, outcome: string, seconds: number) => void
  readonly bug: () => void
  /** Its counts stay in the sum: a sum that goes down would be taken for a start from zero. */
  readonly workerEnded: (why: WorkerEndReason, last: MetricsReport | undefined) => void
  readonly text: (workers: WorkersMetrics) => Promise<string>
  readonly contentType: string
}

export type WorkersMetrics = {
  readonly ready: number
  /** Those that did not answer now, and count with what they told last. */
  readonly silent: number
  readonly policyVersions: number
  /** What those that run told last. */
  readonly reports: () => readonly MetricsReport[]
}

/** So many that ended are added up each time; more become one. */
const MOST_GONE = 10

export const createPrimaryMetrics = (workers: number): PrimaryMetrics => {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry, prefix: 'vestibule_' })
  const registers = [registry]
  const calls = new Histogram({
    name: 'vestibule_dependency_seconds',
    help: 'Calls that left the process, by outcome.',
    labelNames: ['dependency', 'outcome'],
    buckets: FAST_BUCKETS,
    registers,
  })
  const bugs = new Counter({
    name: 'vestibule_internal_errors_total',
    help: 'Errors that are bugs of Vestibule.',
    registers,
  })
  new Gauge({
    name: 'vestibule_workers',
    help: 'Processes that should answer requests.',
    registers,
  }).set(workers)
  const ready = new Gauge({
    name: 'vestibule_workers_ready',
    help: 'Processes that do.',
    registers,
  })
  const silent = new Gauge({
    name: 'vestibule_workers_silent',
    help: 'Processes that did not say in time what they measured: it counts as it was last told.',
    registers,
  })
  const versions = new Gauge({
    name: 'vestibule_workers_policy_versions',
    help: 'Versions of the policies that workers decide by; more than 1 for long: one did not take over a change.',
    registers,
  })
  const ends = new Counter({
    name: 'vestibule_worker_ends_total',
    help: 'Workers that ended without being told to, and were replaced.',
    labelNames: ['why'],
    registers,
  })
  for (const why of WORKER_END_REASONS) ends.inc({ why }, 0)
  const gone: MetricsReport[] = []
  let isFolding = false
  const fold = async (): Promise<void> => {
    if (isFolding || gone.length <= MOST_GONE) return
    isFolding = true
    const count = gone.length
    try {
      gone.splice(0, count, await sumReports(gone))
    } finally {
      isFolding = false
    }
  }
  return {
    called: (dependency, outcome, seconds) => calls.observe({ dependency, outcome }, seconds),
    bug: () => bugs.inc(),
    workerEnded: (why, last) => {
      ends.inc({ why })
      if (last !== undefined) gone.push(countsOf(last))
    },
    text: async (told) => {
      ready.set(told.ready)
      silent.set(told.silent)
      versions.set(told.policyVersions)
      await fold()
      const own: MetricsReport = await registry.getMetricsAsJSON()
      // At one moment: a worker that ends is in the one list or in the other.
      return await sumText([...told.reports(), ...gone, own])
    },
    contentType: CONTENT_TYPE,
  }
}
