import { randomBytes } from 'node:crypto'
import { Redis as Client } from 'ioredis'
import { freePorts } from './free-port.ts'
import { type Redis, startRedisServer } from './redis.ts'

export type ClusterNode = {
  /** As the Cluster names it. */
  readonly id: string
  readonly server: Redis
  readonly client: Client
}

export type RedisCluster = {
  /** `redis+cluster://` and its first masters. */
  readonly url: string
  /** First three masters, a third of the slots each; then a replica of each of them. */
  readonly nodes: readonly ClusterNode[]
  /** Moves a slot with all that is in it from one master to another, as operators do. */
  readonly moveSlot: (slot: number, from: ClusterNode, to: ClusterNode) => Promise<void>
  readonly stop: () => Promise<void>
}

export type ClusterSettings = {
  readonly withReplicas?: boolean
  /** One more master, which has no slots yet. */
  readonly withEmptyMaster?: boolean
}

const RANGES = ['0-5460', '5461-10922', '10923-16383'] as const
const READY_DEADLINE_MS = 30_000

type Planned = {
  readonly id: string
  readonly port: number
  readonly busPort: number
  readonly slots: string
  /** Id of its master, or `-`. */
  readonly master: string
}

/** A Redis Cluster on loopback. Every node starts knowing all others, so it is up at once. */
export const startRedisCluster = async (settings: ClusterSettings = {}): Promise<RedisCluster> => {
  const plan = await planned(settings)
  const nodes: ClusterNode[] = []
  const stop = async (): Promise<void> => {
    for (const { client } of nodes) client.disconnect()
    await Promise.all(nodes.map(({ server }) => server.stop()))
  }
  try {
    for (const { id, port, busPort } of plan) {
      const server = await startRedisServer({
        port,
        config: clusterConfig(busPort),
        files: { 'nodes.conf': nodesFile(plan, id) },
      })
      const client = new Client(port, '127.0.0.1', { retryStrategy: () => 100 })
      client.on('error', () => undefined)
      nodes.push({ id, server, client })
    }
    await until('the Cluster to be whole', async () => {
      const all = await Promise.all(nodes.map(({ client }) => isWhole(client, settings)))
      return all.every(Boolean)
    })
  } catch (error) {
    await stop()
    throw error
  }
  const masters = nodes.slice(0, RANGES.length)
  return {
    url: `redis+cluster://${masters.map(({ server }) => `127.0.0.1:${server.port}`).join(',')}`,
    nodes,
    moveSlot: async (slot, from, to) => await moveSlot({ slot, from, to }, nodes),
    stop,
  }
}

const planned = async (settings: ClusterSettings): Promise<readonly Planned[]> => {
  const id = (): string => randomBytes(20).toString('hex')
  const masters = RANGES.map((slots) => ({ id: id(), slots, master: '-' }))
  const replicas = masters.map((each) => ({ id: id(), slots: '', master: each.id }))
  const all = [
    ...masters,
    ...(settings.withReplicas === true ? replicas : []),
    ...(settings.withEmptyMaster === true ? [{ id: id(), slots: '', master: '-' }] : []),
  ]
  const ports = await freePorts(all.length * 2)
  return all.map((node, index) => ({
    ...node,
    port: ports[index * 2] ?? 0,
    busPort: ports[index * 2 + 1] ?? 0,
  }))
}

const clusterConfig = (busPort: number): readonly string[] => [
  'cluster-enabled yes',
  'cluster-config-file nodes.conf',
  `cluster-port ${busPort}`,
  // Shorter ones take a busy machine for a dead node.
  'cluster-node-timeout 1500',
  'cluster-replica-validity-factor 0',
  // A master whose last slot goes stays one.
  'cluster-allow-replica-migration no',
  'repl-diskless-sync-delay 0',
]

/** What a node would write down once it has met the others. */
const nodesFile = (plan: readonly Planned[], me: string): string =>
  [
    ...plan.map(({ id, port, busPort, slots, master }, index) => {
      const role = master === '-' ? 'master' : 'slave'
      const flags = id === me ? `myself,${role}` : role
      const epoch = plan.findIndex((each) => each.id === master) + 1 || index + 1
      return `${id} 127.0.0.1:${port}@${busPort} ${flags} ${master} 0 0 ${epoch} connected ${slots}`.trimEnd()
    }),
    `vars currentEpoch ${plan.length} lastVoteEpoch 0`,
    '',
  ].join('\n')

const isWhole = async (client: Client, settings: ClusterSettings): Promise<boolean> => {
  const [cluster, replication] = await Promise.all([
    client.cluster('INFO'),
    client.info('replication'),
  ])
  const hasPartner =
    settings.withReplicas !== true ||
    /master_link_status:up|slave0:.*state=online/.test(replication) ||
    settings.withEmptyMaster === true
  return cluster.includes('cluster_state:ok') && hasPartner
}

type Move = { readonly slot: number; readonly from: ClusterNode; readonly to: ClusterNode }

const moveSlot = async ({ slot, from, to }: Move, nodes: readonly ClusterNode[]): Promise<void> => {
  await to.client.cluster('SETSLOT', slot, 'IMPORTING', from.id)
  await from.client.cluster('SETSLOT', slot, 'MIGRATING', to.id)
  for (;;) {
    const keys = await from.client.cluster('GETKEYSINSLOT', slot, 10)
    if (keys.length === 0) break
    await from.client.migrate('127.0.0.1', to.server.port, '', 0, 5000, 'KEYS', ...keys)
  }
  // The new owner first: the other way, nobody would own it for a moment.
  for (const { client } of [to, from, ...nodes.filter((each) => each !== to && each !== from)]) {
    await client.cluster('SETSLOT', slot, 'NODE', to.id).catch(() => undefined)
  }
}

const until = async (what: string, holds: () => Promise<boolean>): Promise<void> => {
  const deadline = Date.now() + READY_DEADLINE_MS
  while (!(await holds().catch(() => false))) {
    if (Date.now() > deadline) throw new Error(`waited in vain for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
