import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Child, startChild } from './child.ts'
import { findCommand } from './command-path.ts'
import { freePort } from './free-port.ts'

export type Redis = {
  readonly url: string
  readonly port: number
  readonly child: Child
  readonly stop: () => Promise<void>
}

export type RedisServerSettings = {
  readonly port: number
  /** Lines of its configuration file, after those that say where it listens. */
  readonly config?: readonly string[]
  /** Files that stand beside the configuration file, in the folder where it runs. */
  readonly files?: Readonly<Record<string, string>>
  readonly isSentinel?: boolean
}

/** A redis-server of its own on loopback, which keeps nothing on disk. */
export const startRedis = async (wantedPort = 0, config: readonly string[] = []): Promise<Redis> =>
  await startRedisServer({ port: await freePort(wantedPort), config })

/** One server of any kind, in a folder of its own that goes with it. */
export const startRedisServer = async (settings: RedisServerSettings): Promise<Redis> => {
  const { port, config = [], files = {}, isSentinel = false } = settings
  const command = findCommand('redis-server')
  if (command === undefined) throw new Error('redis-server is not installed')
  const folder = mkdtempSync(join(tmpdir(), 'vestibule-redis-'))
  const configFile = join(folder, 'redis.conf')
  const common = ['bind 127.0.0.1', `port ${port}`, `dir ${folder}`]
  const keepsNothing = isSentinel ? [] : ['appendonly no', 'save ""']
  // A later line of a configuration file beats an earlier one.
  writeFileSync(configFile, [...common, ...keepsNothing, ...config, ''].join('\n'))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  let isReady = false
  const child = startChild({
    name: isSentinel ? 'redis-sentinel' : 'redis-server',
    command,
    args: [configFile, ...(isSentinel ? ['--sentinel'] : [])],
    onStdout: (line) => {
      isReady ||= isSentinel
        ? line.includes('Sentinel ID is')
        : line.includes('Ready to accept connections')
    },
  })
  const stop = async (): Promise<void> => {
    // One that was stopped by a signal does not hear of being asked to end.
    child.signal('SIGCONT')
    await child.stop()
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    await child.until(() => isReady)
  } catch (error) {
    await stop()
    throw error
  }
  return { url: `redis://127.0.0.1:${port}`, port, child, stop }
}
