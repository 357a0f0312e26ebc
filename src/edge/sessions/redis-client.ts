import slotOf from 'cluster-key-slot'
import { Cluster, Redis, type RedisOptions } from 'ioredis'
import { type StoreAddress } from '../../core/store-address.ts'

export type StoreTls = {
  /** PEM; undefined: the certificates that Node trusts. */
  readonly ca: string | undefined
  readonly certificate: string | undefined
  readonly key: string | undefined
}

export type RedisClientOptions = {
  readonly address: RemoteAddress
  /** Beats the one in the address. */
  readonly password: string | undefined
  readonly sentinelPassword: string | undefined
  readonly tls: StoreTls | undefined
  /** Deadline of connecting, in milliseconds. */
  readonly connectTimeoutMs: number
  /** Called when the connection is lost or cannot be made; at most once until it is back. */
  readonly onLost: (detail: string) => void
}

export type RemoteAddress = Exclude<StoreAddress, { readonly kind: 'memory' }>

/** A connection to one server that holds records, and a name for it. */
export type RedisNode = { readonly name: string; readonly redis: Redis }

export type RedisClient = {
  readonly commands: Redis | Cluster
  /** The servers that are written to, now. */
  readonly nodes: () => readonly RedisNode[]
  /** The name of the server that holds that record. */
  readonly nodeOf: (recordName: string) => string
  /**
   * Gives up the connection to that server and makes a new one. Redis answers in order and without
   * saying what: after a lost answer, each later one would be taken for the one before.
   */
  readonly renew: (server: string) => void
  /** Called for every connection to such a server, when it is made. */
  readonly onNode: (listener: (redis: Redis) => void) => void
  /** Rejects where what that server holds may not be what counts. */
  readonly assertCounts: (redis: Redis) => Promise<void>
  readonly close: () => void
}

/** Without the one option that changes the types of replies. */
type Plain = Omit<RedisOptions, 'replyMapping'>

/**
 * Connects for ever, in the background. A command is never queued for a connection that is not
 * there, nor sent twice: ioredis' defaults take ten seconds to fail, and never do when Redis hangs.
 */
export const createRedisClient = (options: RedisClientOptions): RedisClient => {
  switch (options.address.kind) {
    case 'standalone':
      return singleClient(options, {
        ...options.address.nodes[0],
        db: options.address.database,
      })
    case 'sentinel':
      return singleClient(options, {
        ...sentinelOptions(options, options.address),
        db: options.address.database,
      })
    case 'cluster':
      return clusterClient(options)
  }
}

const commonOptions = ({ address, password, tls, connectTimeoutMs }: RedisClientOptions): Plain => {
  const secret = password ?? address.password
  return {
    // Invalidation messages reach a subscriber in the older form only.
    protocol: 2,
    connectTimeout: connectTimeoutMs,
    // One that hangs does not hear of being closed.
    disconnectTimeout: 250,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    disableClientInfo: true,
    connectionName: 'vestibule',
    ...(address.username === undefined ? {} : { username: address.username }),
    ...(secret === undefined ? {} : { password: secret }),
    ...(address.isTls ? { tls: tlsOptions(tls) } : {}),
  }
}

const tlsOptions = (
  tls: StoreTls | undefined,
): { readonly ca?: string; readonly cert?: string; readonly key?: string } => ({
  ...(tls?.ca === undefined ? {} : { ca: tls.ca }),
  ...(tls?.certificate === undefined ? {} : { cert: tls.certificate }),
  ...(tls?.key === undefined ? {} : { key: tls.key }),
})

/** With a part by chance, so that replicas do not all come back in the same moment. */
const pauseMs = (attempt: number): number =>
  Math.min(50 * 2 ** attempt, 1000) * (0.5 + Math.random() / 2)

const sentinelOptions = (
  options: RedisClientOptions,
  address: Extract<RemoteAddress, { readonly kind: 'sentinel' }>,
): Plain => ({
  sentinels: [...address.nodes],
  name: address.primary,
  role: 'master',
  // A Sentinel tells when another server becomes the primary; the old one may still answer.
  failoverDetector: true,
  sentinelCommandTimeout: options.connectTimeoutMs,
  sentinelRetryStrategy: pauseMs,
  // The connections on which Sentinels tell it come back too.
  sentinelReconnectStrategy: pauseMs,
  ...(options.sentinelPassword === undefined ? {} : { sentinelPassword: options.sentinelPassword }),
  ...(address.isTls
    ? { enableTLSForSentinelMode: true, sentinelTLS: tlsOptions(options.tls) }
    : {}),
  // A primary that was demoted says so; what it still holds is not what counts.
  reconnectOnError: (error) => error.message.startsWith('READONLY'),
})

const singleClient = (options: RedisClientOptions, where: Plain): RedisClient => {
  const redis = new Redis({
    ...commonOptions(options),
    enableOfflineQueue: false,
    retryStrategy: pauseMs,
    ...where,
  })
  reportLosses(redis, options.onLost)
  const stop = keepConnecting(redis)
  const node = { name: 'single', redis }
  return {
    commands: redis,
    nodes: () => [node],
    nodeOf: () => node.name,
    renew: () => renewConnection(redis),
    onNode: (listener) => listener(redis),
    assertCounts: () => Promise.resolve(),
    close: () => {
      stop()
      redis.disconnect()
    },
  }
}

const clusterClient = (options: RedisClientOptions): RedisClient => {
  const cluster = new Cluster([...options.address.nodes], {
    enableOfflineQueue: false,
    clusterRetryStrategy: pauseMs,
    slotsRefreshTimeout: options.connectTimeoutMs,
    slotsRefreshInterval: 5000,
    retryDelayOnFailover: 50,
    retryDelayOnClusterDown: 50,
    retryDelayOnTryAgain: 20,
    maxRedirections: 5,
    // Replicas may be behind, and would show what was revoked.
    scaleReads: 'master',
    redisOptions: commonOptions(options),
  })
  reportLosses(cluster, options.onLost)
  const made: ((redis: Redis) => void)[] = []
  const nodes = (): readonly RedisNode[] =>
    cluster.nodes('master').map((redis) => ({ name: nameOf(redis.options), redis }))
  cluster.on('+node', (redis: Redis) => {
    catchAsking(redis)
    if (redis.options.readOnly === true) return
    for (const listener of made) listener(redis)
  })
  return {
    commands: cluster,
    nodes,
    renew: (server) => {
      for (const { name, redis } of nodes()) if (name === server) renewConnection(redis)
    },
    nodeOf: (recordName) => cluster.slots[slotOf(recordName)]?.[0] ?? 'nowhere',
    onNode: (listener) => {
      made.push(listener)
      for (const redis of cluster.nodes('master')) listener(redis)
    },
    // One that lost the others answers on, while they make another one of it.
    assertCounts: async (redis) => {
      const state = await redis.cluster('INFO')
      if (!state.includes('cluster_state:ok')) throw new Error('the Cluster is not whole')
    },
    close: () => cluster.disconnect(),
  }
}

/**
 * While a slot moves, the library says `ASKING` before a command, and forgets that saying it may
 * fail: nobody would catch that.
 */
const catchAsking = (redis: Redis): void => {
  Object.assign(redis, {
    asking: async (): Promise<unknown> => await redis.call('ASKING').catch(() => undefined),
  })
}

/**
 * The library gives up for good where a Sentinel tells of a failover while it is connecting already:
 * it takes being told for having been closed.
 *
 * @returns ends it
 */
const keepConnecting = (redis: Redis): (() => void) => {
  let timer: NodeJS.Timeout | undefined
  let isOver = false
  redis.on('end', () => {
    if (isOver) return
    timer = setTimeout(() => {
      redis.connect().catch(() => undefined)
    }, pauseMs(1))
  })
  return () => {
    isOver = true
    clearTimeout(timer)
  }
}

/** Those that are being closed; a server that hangs takes its time to let go. */
const closing = new WeakSet<Redis>()

/** One that is being made already is left alone. */
export const renewConnection = (redis: Redis): void => {
  if (redis.status !== 'ready' || closing.has(redis)) return
  closing.add(redis)
  redis.once('close', () => closing.delete(redis))
  redis.disconnect(true)
}

const nameOf = ({ host = '', port = 0 }: RedisOptions): string => `${host}:${port}`

const reportLosses = (client: Redis | Cluster, onLost: RedisClientOptions['onLost']): void => {
  let isLost = false
  const lost = (detail: string): void => {
    if (!isLost) onLost(detail)
    isLost = true
  }
  client.on('error', (error: Error) => lost(error.message))
  client.on('close', () => lost('connection closed'))
  client.on('ready', () => {
    isLost = false
  })
}
