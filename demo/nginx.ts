import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Child, startChild } from './child.ts'
import { inspectNginx } from './nginx-build.ts'

export type Nginx = {
  readonly child: Child
  /** The temporary folder that is nginx's prefix. */
  readonly prefix: string
  readonly errorLog: () => string
  /** Resolves when only workers with the new configuration accept connections. */
  readonly reload: (config: string) => Promise<void>
  readonly stop: () => Promise<void>
}

const readIfThere = (path: string): string => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

/** Each worker says this in the log when it stops accepting. */
const DEPARTURE = /gracefully shutting down/g

const countDepartures = (log: string): number => log.match(DEPARTURE)?.length ?? 0

const workersOf = (config: string): number =>
  Number(/worker_processes (\d+);/.exec(config)?.[1] ?? '1')

/**
 * Runs nginx in the foreground as a child, with everything it writes below a temporary folder.
 * The configuration must name its files relative to that folder, as `renderControllerConfig` does.
 */
export const startNginx = async (config: string): Promise<Nginx> => {
  // In the background it would go on when everything else has stopped.
  if (!config.includes('daemon off;')) throw new Error('the configuration lacks daemon off')
  const { command } = inspectNginx()
  const prefix = mkdtempSync(join(tmpdir(), 'vestibule-nginx-'))
  // Workers run as another user where the master is root, and must be able to enter.
  chmodSync(prefix, 0o755)
  const file = join(prefix, 'nginx.conf')
  const logFile = join(prefix, 'error.log')
  const args = ['-p', prefix, '-e', logFile, '-c', file]
  const errorLog = (): string => readIfThere(logFile)
  let running = config

  writeFileSync(file, config)
  const child = startChild({ name: 'nginx', command, args })
  const stop = async (): Promise<void> => {
    await child.stop()
    rmSync(prefix, { recursive: true, force: true })
  }

  const reload = async (next: string): Promise<void> => {
    writeFileSync(file, next)
    const check = spawnSync(command, [...args, '-t'], { encoding: 'utf8' })
    if (check.status !== 0) {
      writeFileSync(file, running)
      throw new Error(`nginx refuses the configuration: ${check.stderr.trim()}`)
    }
    const departures = countDepartures(errorLog()) + workersOf(running)
    running = next
    child.signal('SIGHUP')
    await child.until(() => countDepartures(errorLog()) >= departures)
  }

  try {
    // nginx writes its pid after it has opened all listening sockets.
    await child.until(() => readIfThere(join(prefix, 'nginx.pid')) !== '')
  } catch (error) {
    await stop()
    throw error
  }
  return { child, prefix, errorLog, reload, stop }
}
