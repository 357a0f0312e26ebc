import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join, resolve } from 'node:path'

const MAIN = resolve(import.meta.dirname, '../../src/main.ts')

export type Ended = {
  /** Undefined where a signal ended it. */
  readonly code: number | undefined
  readonly output: string
  readonly errors: string
  readonly milliseconds: number
}

export type Command = {
  readonly child: ChildProcess
  readonly errors: () => string
  readonly ended: Promise<Ended>
}

/** What Node has once compiled, it need not again; nothing else of the tests' own environment. */
const OWN = { PATH: process.env['PATH'], NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] }

/** `vestibule …` as a process of its own, in that folder, with no environment but this. */
export const startCommand = (
  folder: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Command => {
  const startedAt = performance.now()
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN, ...args], {
    cwd: folder,
    env: { ...OWN, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 20_000,
    killSignal: 'SIGKILL',
  })
  const written = { output: '', errors: '' }
  child.stdout.on('data', (chunk: Buffer) => {
    written.output += chunk.toString()
  })
  child.stderr.on('data', (chunk: Buffer) => {
    written.errors += chunk.toString()
  })
  const ended = once(child, 'close').then(() => ({
    code: child.exitCode ?? undefined,
    ...written,
    milliseconds: performance.now() - startedAt,
  }))
  return { child, errors: () => written.errors, ended }
}

export const runCommand = (...given: Parameters<typeof startCommand>): Promise<Ended> =>
  startCommand(...given).ended

export const serveFrom = (
  folder: string,
  environment?: Readonly<Record<string, string>>,
  ...more: readonly string[]
): Promise<Ended> =>
  runCommand(folder, ['serve', '--config', join(folder, 'vestibule.yaml'), ...more], environment)
