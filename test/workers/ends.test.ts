import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from '@jest/globals'
import { startChild } from '../../demo/child.ts'
import { freePort } from '../../demo/free-port.ts'
import { bindAddresses } from '../../src/edge/workers/bound-address.ts'
import { createWorkers, type WorkerEnd, type Workers } from '../../src/edge/workers/workers.ts'
import { until } from '../attacks/support-replicas.ts'
import { isRunning } from './support-workers.ts'

let workers: Workers | undefined
let release = (): void => undefined

afterEach(async () => {
  await workers?.drain(1000)
  release()
  workers = undefined
  release = () => undefined
})

/** One worker that does as told; how it ended, so far. */
const start = async (what: 'hang' | 'refuse' | 'serve'): Promise<readonly WorkerEnd[]> => {
  const ends: WorkerEnd[] = []
  const sockets = await bindAddresses({ verify: '127.0.0.1:0', public: '[::1]:0' }, 2)
  release = () => {
    sockets.verify.close()
    sockets.public.close()
  }
  workers = createWorkers({
    count: 1,
    program: join(import.meta.dirname, 'support-program.ts'),
    sockets,
    order: { configFile: '', configText: what },
    monotonicMs: () => performance.now(),
    onReady: () => undefined,
    onEnded: (end) => ends.push(end),
    beatMs: 100,
  })
  workers.start()
  return ends
}

describe('a worker', () => {
  test('that gives no sign of life is killed', async () => {
    const ends = await start('hang')
    await until(() => Promise.resolve(ends.length === 1))
    expect(ends[0]).toMatchObject({ number: 1, why: 'hung', how: 'was ended by SIGKILL' })
  })

  test('that gives signs of life is let be', async () => {
    const ends = await start('serve')
    await workers?.allReady
    // More beats than a silent one would survive.
    const until2s = performance.now() + 2000
    await until(() => Promise.resolve(performance.now() > until2s))
    expect(ends).toEqual([])
    expect(await workers?.ask('health', 1000)).toEqual([
      { number: 1, word: { policyVersion: 'v1' } },
    ])
  })

  test('does not outlive its primary', async () => {
    const told: string[] = []
    const primary = startChild({
      name: 'primary',
      command: process.execPath,
      args: [join(import.meta.dirname, 'support-primary.ts')],
      onStdout: (line) => told.push(line),
    })
    await primary.until(() => told.length === 1)
    const pid = Number(told[0])
    expect(isRunning(pid)).toBe(true)
    primary.signal('SIGKILL')
    await until(() => Promise.resolve(!isRunning(pid)))
  })

  test('that cannot start because of a fault in a file says so, and is no crash', async () => {
    const ends = await start('refuse')
    await until(() => Promise.resolve(ends.length === 1))
    expect(ends[0]).toMatchObject({ why: 'refused', how: 'ended with exit code 0' })
  })
})

describe('addresses', () => {
  test('that are taken are named, with the key that asked for them', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const taken = `127.0.0.1:${(server.address() as AddressInfo).port}`
    release = () => {
      server.close()
    }
    await expect(bindAddresses({ verify: '127.0.0.1:0', public: taken }, 2)).rejects.toThrow(
      new RegExp(`^cannot listen on ${taken} \\(listen\\.public\\): .*EADDRINUSE`),
    )
  })

  test('that are one and the same cannot be had twice', async () => {
    const free = `127.0.0.1:${await freePort()}`
    await expect(bindAddresses({ verify: free, public: free }, 2)).rejects.toThrow(
      new RegExp(`^cannot listen on ${free} \\(listen\\.public\\): .*EADDRINUSE`),
    )
  })
})
