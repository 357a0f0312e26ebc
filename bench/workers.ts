import { availableParallelism } from 'node:os'
import { type World } from '../demo/world.ts'
import { type Load, measure } from './load.ts'
import { cpuUse, familyOf } from './process-usage.ts'
import { signedInWorld } from './signed-in.ts'
import { median } from './statistics.ts'

export type WorkersOptions = { readonly rounds: number; readonly seconds: number }

export type WorkersCost = {
  readonly workers: number
  readonly requestsPerSecond: number
  /** Of all processes of the service, for one request. */
  readonly cpuMicros: number
  /** Of the busiest thread, for one request of the whole service. */
  readonly busiestThreadMicros: number
  readonly p99Ms: number
}

export type WorkersReport = {
  readonly cores: number
  readonly one: WorkersCost
  readonly many: WorkersCost
  /** Measured: median of the ratios of each round. The load generator takes its share of the cores. */
  readonly rateFactor: number
  /**
   * Computed from CPU times, for cores that the service has to itself: one process answers as many
   * as its busiest thread can, many answer as many as all cores can.
   */
  readonly capacityFactor: number
}

const CONNECTIONS = 64

/** A warm session, a connection for each request: one process against one worker for each core. */
export const benchWorkers = async (
  { rounds, seconds }: WorkersOptions,
  say: (line: string) => void,
): Promise<WorkersReport> => {
  const cores = Math.max(2, availableParallelism())
  const one = await startWith(1)
  try {
    const many = await startWith(cores)
    try {
      say(`${rounds} rounds of ${seconds} s each for one process and for ${cores} workers`)
      return await compare(one, many, cores, { rounds, seconds })
    } finally {
      await many.world.stop()
    }
  } finally {
    await one.world.stop()
  }
}

export const workersTable = (report: WorkersReport): string =>
  [
    `${'workers'.padEnd(9)}${'verify/s'.padStart(10)}${'CPU us'.padStart(9)}${'thread us'.padStart(11)}${'p99 ms'.padStart(9)}`,
    ...[report.one, report.many].map(
      ({ workers, requestsPerSecond, cpuMicros, busiestThreadMicros, p99Ms }) =>
        `${String(workers).padEnd(9)}${requestsPerSecond.toFixed(0).padStart(10)}${cpuMicros.toFixed(1).padStart(9)}${busiestThreadMicros.toFixed(1).padStart(11)}${p99Ms.toFixed(2).padStart(9)}`,
    ),
    `measured beside the load generator on ${report.cores} cores: ${report.rateFactor.toFixed(2)} times the requests`,
    `from CPU times, with ${report.cores} cores for the service: ${report.capacityFactor.toFixed(2)} times`,
  ].join('\n')

type Served = { readonly workers: number; readonly world: World; readonly load: Load }

const startWith = async (workers: number): Promise<Served> => {
  const { world, url, headers } = await signedInWorld({ store: 'start', overrides: { workers } })
  return {
    workers,
    world,
    load: { url, headers, reconnect: true, seconds: 1, connections: CONNECTIONS },
  }
}

const compare = async (
  one: Served,
  many: Served,
  cores: number,
  { rounds, seconds }: WorkersOptions,
): Promise<WorkersReport> => {
  await measure(one.load)
  await measure(many.load)
  const pairs: { readonly one: WorkersCost; readonly many: WorkersCost }[] = []
  for (let round = 0; round < rounds; round += 1) {
    pairs.push({ one: await costOf(one, seconds), many: await costOf(many, seconds) })
  }
  const [middleOne, middleMany] = [
    middle(pairs.map((pair) => pair.one)),
    middle(pairs.map((pair) => pair.many)),
  ]
  return {
    cores,
    one: middleOne,
    many: middleMany,
    rateFactor: median(
      pairs.map((pair) => pair.many.requestsPerSecond / pair.one.requestsPerSecond),
    ),
    capacityFactor: median(
      pairs.map((pair) => (cores * pair.one.busiestThreadMicros) / pair.many.cpuMicros),
    ),
  }
}

const costOf = async ({ workers, world, load }: Served, seconds: number): Promise<WorkersCost> => {
  const family = familyOf(world.vestibule.child.pid)
  const before = cpuUse(family)
  const measured = await measure({ ...load, seconds })
  const after = cpuUse(family)
  if (measured.errors > 0) throw new Error(`${workers} workers: ${measured.errors} errors`)
  const micros = (spent: number): number => (spent / measured.requests) * 1e6
  return {
    workers,
    requestsPerSecond: measured.requestsPerSecond,
    cpuMicros: micros(after.seconds - before.seconds),
    busiestThreadMicros: micros(after.busiestThreadSeconds - before.busiestThreadSeconds),
    p99Ms: measured.p99Ms,
  }
}

const middle = (all: readonly WorkersCost[]): WorkersCost => ({
  workers: all[0]?.workers ?? 0,
  requestsPerSecond: median(all.map((each) => each.requestsPerSecond)),
  cpuMicros: median(all.map((each) => each.cpuMicros)),
  busiestThreadMicros: median(all.map((each) => each.busiestThreadMicros)),
  p99Ms: median(all.map((each) => each.p99Ms)),
})
