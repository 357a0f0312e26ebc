import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Child, startChild } from './child.ts'
import { findCommand } from './command-path.ts'
import { freePort } from './free-port.ts'

export type Redis = {
  readonly url: string
  readonly child: Child
  readonly stop: () => Promise<void>
}

/** A redis-server of its own on loopback, which keeps nothing on disk. */
export const startRedis = async (wantedPort = 0): Promise<Redis> => {
  const command = findCommand('redis-server')
  if (command === undefined) throw new Error('redis-server is not installed')
  const folder = mkdtempSync(join(tmpdir(), 'vestibule-redis-'))
  const port = await freePort(wantedPort)
  let isReady = false
  const child = startChild({
    name: 'redis-server',
    command,
    args: `--bind 127.0.0.1 --port ${port} --appendonly no`
      .split(' ')
      .concat(['--dir', folder, '--save', '']),
    onStdout: (line) => {
      isReady ||= line.includes('Ready to accept connections')
    },
  })
  const stop = async (): Promise<void> => {
    await child.stop()
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    await child.until(() => isReady)
  } catch (error) {
    await stop()
    throw error
  }
  return { url: `redis://127.0.0.1:${port}`, child, stop }
}
