import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type Usage } from './compare.ts'
import { cpuSeconds } from './process-usage.ts'

export type Bare = {
  readonly url: string
  readonly usage: Usage
  readonly stop: () => void
}

/** Starts the yardstick as a process of its own. */
export const startBare = async (headers: readonly string[], status = 200): Promise<Bare> => {
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, 'bare-server.ts'), String(status), JSON.stringify(headers)],
    { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] },
  )
  const port = await new Promise<string>((resolve) => {
    if (child.stdout !== null) createInterface(child.stdout).once('line', resolve)
  })
  const { pid } = child
  if (pid === undefined) throw new Error('the bare server did not start')
  return {
    url: `http://127.0.0.1:${port}/`,
    usage: {
      cpuSeconds: () => cpuSeconds(pid),
      collectingMs: async () => {
        child.send('how long?')
        return await new Promise<number>((resolve) => {
          child.once('message', (ms) => resolve(Number(ms)))
        })
      },
    },
    stop: () => {
      child.kill()
    },
  }
}
