import { randomBytes } from 'node:crypto'
import { Redis as Client } from 'ioredis'
import { createCleanup } from './cleanup.ts'
import { freePorts } from './free-port.ts'
import { type Redis, startRedisServer } from './redis.ts'

export type RedisPair = {
  /** `redis+sentinel://` and the Sentinels. */
  readonly url: string
  /** Both servers; which of them is the primary changes. */
  readonly servers: ReadonlyMap<number, Redis>
  /** Port of the server that the Sentinels take for the primary. */
  readonly primaryPort: () => Promise<number>
  /** Has the Sentinels make the replica the primary; resolves when they say that it is. */
  readonly failOver: () => Promise<void>
  /** Starts a server that has ended anew, empty, on its port; the Sentinels give it its role. */
  readonly restart: (port: number) => Promise<void>
  /** Resolves when one of the two is a replica of the other and has all that it has. */
  readonly settled: () => Promise<void>
  readonly stop: () => Promise<void>
}

const PRIMARY = 'main'
const SENTINELS = 3
/** So long without an answer makes Sentinels fail over; shorter ones do so on busy machines. */
const DOWN_AFTER_MS = 1000
const SETTLE_DEADLINE_MS = 30_000

/** A primary and a replica on loopback, and three Sentinels that watch over them. */
export const startRedisPair = async (): Promise<RedisPair> => {
  const cleanup = createCleanup()
  const [first = 0, second = 0, ...sentinelPorts] = await freePorts(2 + SENTINELS)
  const servers = new Map<number, Redis>()
  const serve = async (port: number, of?: number): Promise<void> => {
    const config = of === undefined ? [] : [`replicaof 127.0.0.1 ${of}`]
    servers.set(port, await startRedisServer({ port, config: [...FAST, ...config] }))
  }
  const stop = async (): Promise<void> => {
    await cleanup.run()
    await Promise.all([...servers.values()].map((server) => server.stop()))
  }
  const primaryPort = async (): Promise<number> =>
    await withAny(sentinelPorts, async (client) => {
      const address = await client.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', PRIMARY)
      return Number(Array.isArray(address) ? address[1] : 0)
    })
  const settled = async (): Promise<void> =>
    await poll('a primary with its replica', async () => {
      const at = await primaryPort()
      const other = at === first ? second : first
      return await withAny([at], async (client) => {
        const replication = await client.info('replication')
        return (
          replication.includes('role:master') &&
          replication.includes(`port=${other},state=online`) &&
          // One waits for the other to have it: the link works in both directions.
          (await client.wait(1, 1000)) === 1
        )
      })
    })
  try {
    await serve(first)
    await serve(second, first)
    const ids = sentinelPorts.map(() => randomBytes(20).toString('hex'))
    for (const [index, port] of sentinelPorts.entries()) {
      const config = sentinelConfig(first, second, sentinelPorts, ids, index)
      cleanup.add((await startRedisServer({ port, config, isSentinel: true })).stop)
    }
    await settled()
  } catch (error) {
    await stop()
    throw error
  }
  return {
    url: `redis+sentinel://${sentinelPorts.map((port) => `127.0.0.1:${port}`).join(',')}/${PRIMARY}`,
    servers,
    primaryPort,
    failOver: async () => {
      const before = await primaryPort()
      await withAny(sentinelPorts, async (client) => {
        await client.call('SENTINEL', 'FAILOVER', PRIMARY)
      })
      await poll('another primary', async () => (await primaryPort()) !== before)
    },
    restart: async (port) => {
      const at = await primaryPort()
      await servers.get(port)?.stop()
      await serve(port, at === port ? undefined : at)
    },
    settled,
    stop,
  }
}

/** Replicas connect at once, and primaries do not wait for more of them. */
const FAST = ['repl-diskless-sync yes', 'repl-diskless-sync-delay 0', 'repl-ping-replica-period 1']

/** What Sentinels find out about each other within seconds is written down for them. */
const sentinelConfig = (
  primary: number,
  replica: number,
  ports: readonly number[],
  ids: readonly string[],
  index: number,
): readonly string[] => [
  `sentinel myid ${ids[index]}`,
  `sentinel monitor ${PRIMARY} 127.0.0.1 ${primary} 2`,
  `sentinel down-after-milliseconds ${PRIMARY} ${DOWN_AFTER_MS}`,
  `sentinel failover-timeout ${PRIMARY} 3000`,
  `sentinel known-replica ${PRIMARY} 127.0.0.1 ${replica}`,
  ...ports.flatMap((port, other) =>
    other === index ? [] : [`sentinel known-sentinel ${PRIMARY} 127.0.0.1 ${port} ${ids[other]}`],
  ),
]

/** Asks the first of these servers that answers. */
const withAny = async <Value>(
  ports: readonly number[],
  ask: (client: Client) => Promise<Value>,
): Promise<Value> => {
  let problem: unknown
  for (const port of ports) {
    const client = new Client(port, '127.0.0.1', {
      lazyConnect: true,
      connectTimeout: 1000,
      commandTimeout: 2000,
      maxRetriesPerRequest: 0,
      retryStrategy: () => null,
    })
    client.on('error', () => undefined)
    try {
      await client.connect()
      return await ask(client)
    } catch (error) {
      problem = error
    } finally {
      client.disconnect()
    }
  }
  throw problem
}

const poll = async (what: string, holds: () => Promise<boolean>): Promise<void> => {
  const deadline = Date.now() + SETTLE_DEADLINE_MS
  while (!(await holds().catch(() => false))) {
    if (Date.now() > deadline) throw new Error(`waited in vain for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
