import { type BoundAddress, type WorkerAddresses } from './bound-address.ts'
import { type StartOrder, type Wants, type Word } from './message.ts'
import { createRestartLimit } from './restart-limit.ts'
import { startWorkerProcess, type WorkerProcess } from './worker-process.ts'

/** How a worker that was not told to end did so. */
export type WorkerEnd = {
  readonly number: number
  readonly pid: number
  readonly how: string
  readonly why: 'hung' | 'refused' | 'ended'
  /** The metrics that it told last. */
  readonly metrics: Word['metrics']
}

export type WorkersOptions = {
  readonly count: number
  readonly program: string
  readonly sockets: WorkerAddresses<BoundAddress>
  readonly order: Omit<StartOrder, 'kind' | 'number'>
  readonly monotonicMs: () => number
  readonly onReady: (worker: { readonly number: number; readonly pid: number }) => void
  readonly onEnded: (end: WorkerEnd) => void
  /** How often each is asked for a sign of life. */
  readonly beatMs?: number
}

export type Workers = {
  readonly start: () => void
  /** Resolves when all have been ready at once. */
  readonly allReady: Promise<void>
  /** Resolves, with the reason, when workers end faster than they may be replaced. */
  readonly failed: Promise<string>
  /** How many take connections now. */
  readonly ready: () => number
  /** What each of those says of itself; undefined for one that does not answer in time. */
  readonly ask: (wants: Wants, withinMs: number) => Promise<readonly WorkerWord[]>
  /** The metrics that each of those that run told last. */
  readonly lastMetrics: () => readonly NonNullable<Word['metrics']>[]
  /** Lets all finish what they are at; whoever takes longer is killed. */
  readonly drain: (withinMs: number) => Promise<void>
}

export type WorkerWord = { readonly number: number; readonly word: Word | undefined }

/** Beats without an answer after which a worker hangs. Beats, not seconds: a primary that was itself
 * stopped for a while has missed none. */
const MOST_SILENT = 10
const MOST_SILENT_STARTING = 60

/** A policy that is broken just now, for example; the workers that run keep the last good ones. */
const RETRY_MS = 5000

/** So many ends in a minute are mishaps; more are a crash loop, which replacing does not mend. */
const mostEnds = (count: number): number => Math.max(5, 2 * count)
const ENDS_WITHIN_MS = 60_000

/** Keeps so many workers running, from `start` on. */
export const createWorkers = (options: WorkersOptions): Workers => {
  const { count } = options
  const allReady = Promise.withResolvers<void>()
  const failed = Promise.withResolvers<string>()
  const limit = createRestartLimit({
    most: mostEnds(count),
    withinMs: ENDS_WITHIN_MS,
    monotonicMs: options.monotonicMs,
  })
  const running = new Map<number, WorkerProcess>()
  let isStopping = false
  const readyOnes = (): readonly WorkerProcess[] =>
    [...running.values()].filter((each) => each.isReady())
  const run = (number: number): void => {
    try {
      void watch(start(number))
    } catch (error) {
      // No memory for another process, for example.
      const how = `could not run: ${error instanceof Error ? error.message : String(error)}`
      ended({ number, pid: 0, how, why: 'ended', metrics: undefined })
    }
  }
  const start = (number: number): WorkerProcess => {
    const worker = startWorkerProcess({
      program: options.program,
      sockets: options.sockets,
      order: { ...options.order, number },
      onReady: () => {
        options.onReady({ number, pid: worker.pid })
        if (readyOnes().length === count) allReady.resolve()
      },
    })
    running.set(number, worker)
    return worker
  }
  const watch = async (worker: WorkerProcess): Promise<void> => {
    const { number, pid } = worker
    const beat = watchBeat(worker, options.beatMs ?? 1000)
    const how = await worker.ended
    const isHung = beat.stop()
    const why = isHung ? 'hung' : worker.hasRefused() ? 'refused' : 'ended'
    running.delete(number)
    if (!isStopping) ended({ number, pid, how, why, metrics: worker.lastMetrics() })
  }
  const ended = (end: WorkerEnd): void => {
    options.onEnded(end)
    if (end.why === 'refused') retryLater(end.number)
    else if (limit.mayReplace()) run(end.number)
    else failed.resolve(crashLoop(count, end))
  }
  const retryLater = (number: number): void => {
    setTimeout(() => {
      if (!isStopping) run(number)
    }, RETRY_MS).unref()
  }
  return {
    start: () => {
      for (let number = 1; number <= count; number += 1) run(number)
    },
    allReady: allReady.promise,
    failed: failed.promise,
    ready: () => readyOnes().length,
    ask: (wants, withinMs) =>
      Promise.all(
        readyOnes().map(async (worker) => ({
          number: worker.number,
          word: await worker.ask(wants, withinMs),
        })),
      ),
    lastMetrics: () =>
      [...running.values()].flatMap((worker) => {
        const metrics = worker.lastMetrics()
        return metrics === undefined ? [] : [metrics]
      }),
    drain: async (withinMs) => {
      isStopping = true
      const left = [...running.values()]
      for (const worker of left) worker.drain()
      const timer = setTimeout(() => {
        for (const worker of left) worker.kill()
      }, withinMs)
      await Promise.all(left.map((worker) => worker.ended))
      clearTimeout(timer)
    },
  }
}

const crashLoop = (count: number, { number, how }: WorkerEnd): string =>
  `more than ${mostEnds(count)} workers ended within ${ENDS_WITHIN_MS / 1000} s; the last, worker ${number}, ${how}`

/** Kills a worker that gives no sign of life. `stop` says whether it did. */
const watchBeat = (worker: WorkerProcess, everyMs: number): { readonly stop: () => boolean } => {
  let silent = 0
  let heard = 0
  let isHung = false
  const timer = setInterval(() => {
    silent = worker.heard() === heard ? silent + 1 : 0
    heard = worker.heard()
    isHung = silent >= (worker.isReady() ? MOST_SILENT : MOST_SILENT_STARTING)
    if (isHung) worker.kill()
    else void worker.ask('a sign', everyMs)
  }, everyMs)
  return {
    stop: () => {
      clearInterval(timer)
      return isHung
    },
  }
}
