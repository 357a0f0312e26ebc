import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { stringify } from 'yaml'
import { type Child, startChild } from '../../demo/child.ts'
import { writeFiles } from '../support/files.ts'

export const ADMIN_TOKEN = 'an-admin-token-for-tests'

export type WorkersSettings = {
  readonly config: Readonly<Record<string, unknown>>
  readonly environment?: Readonly<Record<string, string>>
  readonly keys: string
}

/** `vestibule serve` with two workers, as a process of its own, on ports that it chose. */
export type ServedByWorkers = {
  readonly child: Child
  readonly verifyPort: number
  readonly publicPort: number
  readonly opsPort: number
  /** Of the workers that run now. */
  readonly pids: () => readonly number[]
  readonly notices: () => readonly Notice[]
  readonly decisions: () => readonly string[]
  readonly isReady: () => Promise<boolean>
  /** One scrape: the sum of a metric over its labels. */
  readonly scrape: () => Promise<(name: string) => number>
  readonly metric: (name: string) => Promise<number>
  readonly writePolicy: (name: string, content: string) => Promise<void>
  readonly stop: () => Promise<void>
}

export type Notice = Readonly<Record<string, unknown>> & { readonly msg: string }

const MAIN = resolve(import.meta.dirname, '../../src/main.ts')

const BASE = {
  publicUrl: 'https://auth.test',
  listen: { verify: '127.0.0.1:0', public: '127.0.0.1:0', ops: '127.0.0.1:0' },
  cookie: { domain: 'test' },
  identityProvider: { issuer: 'http://127.0.0.1:1', clientId: 'vestibule' },
  policies: './policies',
  workers: 2,
  shutdown: { drain: '2s' },
}

const POLICY = 'hosts: [app.test]\npolicy: { allow: { and: [ { authenticated_user: true } ] } }\n'

export const startWithWorkers = async (settings: WorkersSettings): Promise<ServedByWorkers> => {
  const folder = await mkdtemp(join(tmpdir(), 'vestibule-workers-'))
  await writeFiles(folder, {
    'vestibule.yaml': stringify({ ...BASE, ...settings.config }),
    'policies/app.yaml': POLICY,
  })
  const decisions: string[] = []
  const notices: Notice[] = []
  const child = startChild({
    name: 'vestibule',
    command: process.execPath,
    args: [MAIN, 'serve', '--config', join(folder, 'vestibule.yaml')],
    env: {
      PATH: process.env['PATH'],
      // What Node has once compiled, it need not again.
      NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
      VESTIBULE_SESSION_KEYS: settings.keys,
      VESTIBULE_ADMIN_TOKEN: ADMIN_TOKEN,
      ...settings.environment,
    },
    onStdout: (line) => decisions.push(line),
    onStderr: (line) => {
      if (line.startsWith('{')) notices.push(JSON.parse(line) as Notice)
    },
  })
  const started = (): Notice | undefined => notices.find(({ msg }) => msg === 'vestibule is ready')
  const stop = async (): Promise<void> => {
    await child.stop()
    await rm(folder, { recursive: true, force: true })
  }
  try {
    await child.until(() => started() !== undefined)
  } catch (error) {
    await stop()
    throw error
  }
  const portOf = (name: string): number => Number(/:(\d+)$/.exec(String(started()?.[name]))?.[1])
  const opsPort = portOf('ops')
  const ask = async (path: string): Promise<Response> =>
    await fetch(`http://127.0.0.1:${opsPort}${path}`, { headers: { connection: 'close' } })
  const scrape = async (): Promise<(name: string) => number> => {
    const lines = (await (await ask('/metrics')).text()).split('\n')
    return (name) =>
      lines
        .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
        .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
  }
  return {
    child,
    verifyPort: portOf('verify'),
    publicPort: portOf('public'),
    opsPort,
    pids: () => childrenOf(child.pid),
    notices: () => notices,
    decisions: () => decisions,
    isReady: async () => (await ask('/readyz')).ok,
    scrape,
    metric: async (name) => (await scrape())(name),
    writePolicy: (name, content) => writeFiles(folder, { [`policies/${name}`]: content }),
    stop,
  }
}

/** Every process says who its parent is. */
const childrenOf = (parent: number): readonly number[] =>
  readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return []
    try {
      const [, ppid] = /\) \S (\d+) /.exec(readFileSync(`/proc/${name}/stat`, 'utf8')) ?? []
      return Number(ppid) === parent ? [Number(name)] : []
    } catch {
      return []
    }
  })

/** What is asked meanwhile is answered by the other worker alone. */
export const withoutWorker = async <Answer>(
  pid: number,
  act: () => Promise<Answer>,
): Promise<Answer> => {
  process.kill(pid, 'SIGSTOP')
  try {
    return await act()
  } finally {
    process.kill(pid, 'SIGCONT')
  }
}

/** One that has ended counts as gone, even if nobody has asked how it ended. */
export const isRunning = (pid: number): boolean => {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}
