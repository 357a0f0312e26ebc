import { type ChildProcess, spawn } from 'node:child_process'
import { type BoundAddress, type WorkerAddresses } from './bound-address.ts'
import {
  type StartOrder,
  TO_PRIMARY,
  type ToPrimary,
  type ToWorker,
  type Wants,
  type Word,
} from './message.ts'

export type WorkerProcess = {
  readonly number: number
  readonly pid: number
  readonly isReady: () => boolean
  /** Whether it ended because of a fault in what it should start from. */
  readonly hasRefused: () => boolean
  /** How often it has said anything. */
  readonly heard: () => number
  /** What it says of itself now; undefined where it does not answer in time. */
  readonly ask: (wants: Wants, withinMs: number) => Promise<Word | undefined>
  /** The metrics that it told last. */
  readonly lastMetrics: () => Word['metrics']
  readonly drain: () => void
  readonly kill: () => void
  /** Says how it ended. */
  readonly ended: Promise<string>
}

export type WorkerProcessOptions = {
  /** The program that a worker runs. */
  readonly program: string
  readonly sockets: WorkerAddresses<BoundAddress>
  readonly order: Omit<StartOrder, 'kind'>
  readonly onReady: () => void
}

/** One worker: a process with our standard streams, which takes connections from our queues. */
export const startWorkerProcess = (options: WorkerProcessOptions): WorkerProcess => {
  const child = spawnWorker(options)
  const asked = new Map<number, (word: Word) => void>()
  let lastId = 0
  let isReady = false
  let hasRefused = false
  let heard = 0
  let metrics: Word['metrics']
  const hear = (message: ToPrimary): void => {
    heard += 1
    if (message.kind === 'ready') {
      isReady = true
      options.onReady()
      return
    }
    if (message.kind === 'refused') {
      hasRefused = true
      return
    }
    metrics = message.word.metrics ?? metrics
    if (message.kind === 'answer') asked.get(message.id)?.(message.word)
  }
  child.on('message', (message: unknown) => {
    const parsed = TO_PRIMARY.safeParse(message)
    if (parsed.success) hear(parsed.data)
  })
  tell(child, { kind: 'start', ...options.order })
  return {
    number: options.order.number,
    pid: child.pid ?? 0,
    isReady: () => isReady,
    hasRefused: () => hasRefused,
    heard: () => heard,
    ask: (wants, withinMs) =>
      new Promise((resolve) => {
        lastId += 1
        const id = lastId
        const answer = (word?: Word): void => {
          clearTimeout(timer)
          asked.delete(id)
          resolve(word)
        }
        const timer = setTimeout(answer, withinMs).unref()
        asked.set(id, answer)
        tell(child, { kind: 'ask', id, wants })
      }),
    lastMetrics: () => metrics,
    drain: () => tell(child, { kind: 'drain' }),
    kill: () => {
      child.kill('SIGKILL')
    },
    ended: endOf(child),
  }
}

const spawnWorker = ({ program, sockets }: WorkerProcessOptions): ChildProcess => {
  const { public: pages, verify } = sockets
  // In the order in which `descriptorsOf` counts them.
  const inherited = [...pages.descriptors, ...verify.descriptors]
  const stdio = ['ignore', 'inherit', 'inherit', 'ipc', ...inherited] as const
  // Not JSON, which knows no NaN.
  return spawn(process.execPath, [...process.execArgv, program], {
    stdio: [...stdio],
    serialization: 'advanced',
  })
}

/** One that is gone, or going, is heard of by its end. */
const tell = (child: ChildProcess, message: ToWorker): void => {
  if (child.connected) child.send(message, () => undefined)
}

/** All that it said has been read by then. */
const endOf = (child: ChildProcess): Promise<string> =>
  new Promise((resolve) => {
    child.on('error', (error) => {
      if (child.pid === undefined) resolve(`could not run: ${error.message}`)
    })
    child.once('close', (code, signal) => {
      resolve(signal === null ? `ended with exit code ${code ?? '?'}` : `was ended by ${signal}`)
    })
  })
