import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'

export type ChildSettings = {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly onStdout?: ((line: string) => void) | undefined
  readonly onStderr?: ((line: string) => void) | undefined
}

export type Child = {
  readonly name: string
  readonly pid: number
  readonly hasEnded: () => boolean
  /** Says how it ended, once it has. */
  readonly ended: Promise<string>
  /** The last lines that it wrote, on either stream. */
  readonly lastLines: () => readonly string[]
  readonly signal: (signal: NodeJS.Signals) => void
  /** Resolves when the condition holds; rejects when the child ends before, or too late. */
  readonly until: (condition: () => boolean | Promise<boolean>) => Promise<void>
  readonly stop: () => Promise<void>
}

const KEPT_LINES = 40
const START_DEADLINE = 15_000
const STOP_DEADLINE = 3000
const POLL_INTERVAL = 5

const howItEnded = ({ exitCode, signalCode }: ChildProcess): string =>
  signalCode === null ? `ended with exit code ${exitCode ?? '?'}` : `was ended by ${signalCode}`

/** Runs a program until it is stopped, and never longer than this process. */
export const startChild = (settings: ChildSettings): Child => {
  const { name, command, args, env } = settings
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(env === undefined ? {} : { env }),
  })
  const lines: string[] = []
  const read = (stream: Readable, onLine: (line: string) => void = () => {}): void => {
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line)
      if (lines.length > KEPT_LINES) lines.shift()
      onLine(line)
    })
  }
  read(child.stdout, settings.onStdout)
  read(child.stderr, settings.onStderr)

  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null
  const ended = once(child, 'close').then(
    () => howItEnded(child),
    (error: unknown) => `could not run: ${String(error)}`,
  )
  // SIGTERM, for nginx's master to take its workers along.
  const killAtExit = (): void => {
    child.kill('SIGTERM')
  }
  process.once('exit', killAtExit)

  const until = async (condition: () => boolean | Promise<boolean>): Promise<void> => {
    const deadline = Date.now() + START_DEADLINE
    while (!(await condition())) {
      if (child.pid === undefined || hasEnded()) {
        throw new Error([`${name} ${await ended}`, ...lines].join('\n'))
      }
      if (Date.now() > deadline) {
        throw new Error([`${name} is not ready after ${START_DEADLINE} ms`, ...lines].join('\n'))
      }
      await delay(POLL_INTERVAL)
    }
  }

  const stop = async (): Promise<void> => {
    process.off('exit', killAtExit)
    child.kill('SIGTERM')
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_DEADLINE)
    await ended
    clearTimeout(timer)
  }

  return {
    name,
    pid: child.pid ?? 0,
    hasEnded,
    ended,
    lastLines: () => [...lines],
    signal: (signal) => {
      child.kill(signal)
    },
    until,
    stop,
  }
}
