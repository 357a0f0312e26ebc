import { type Redis } from 'ioredis'
import { type Changed, type Coherence } from './coherence.ts'
import { type RedisClient, renewConnection } from './redis-client.ts'

export type RedisCoherenceOptions = {
  readonly client: RedisClient
  readonly monotonicMs: () => number
  readonly onProven: (isProven: boolean, detail: string) => void
}

/** Where Redis tells a client of the older protocol which of the keys that it read were changed. */
const CHANNEL = '__redis__:invalidate'

/** How often each server is asked to show that its messages arrive. */
const PROVE_EVERY_MS = 500
/** How long a proof counts; a change is therefore never unknown for longer. */
const PROOF_MS = 1500
const ERAS_REMEMBERED = 32

/** The connections on which one server tells of changes to what was read over `data`. */
type Watch = {
  readonly data: Redis
  subscriber: Redis | undefined
  /** Id of the subscriber's connection, as the server counts. */
  id: number
  provenAt: number
  isBusy: boolean
}

/**
 * Server-assisted caching: Redis remembers what was read over a connection (`CLIENT TRACKING`) and
 * tells a second one, the subscriber, when somebody changes it. Two answers prove again and again
 * that this works: the server says that it tracks for that subscriber, and the subscriber's own
 * `PING` comes back, behind all messages that were sent before it.
 */
export const createRedisCoherence = ({
  client,
  monotonicMs,
  onProven,
}: RedisCoherenceOptions): Coherence & { readonly close: () => void } => {
  const listeners: ((changed: Changed) => void)[] = []
  const watches = new Map<Redis, Watch>()
  const ended = new Map<number, number>()
  let era = 0
  let wasProven = false
  let isClosed = false

  const provenUntil = (): number => {
    if (watches.size === 0) return Number.NEGATIVE_INFINITY
    let earliest = Number.POSITIVE_INFINITY
    for (const { provenAt } of watches.values()) earliest = Math.min(earliest, provenAt)
    return earliest
  }
  const tell = (detail: string): void => {
    const isNow = monotonicMs() - provenUntil() <= PROOF_MS
    if (isNow !== wasProven && !isClosed) onProven(isNow, detail)
    wasProven = isNow
  }
  /** What was proven so far counts up to its last proof. */
  const endEra = (): void => {
    ended.set(era, provenUntil())
    era += 1
    ended.delete(era - ERAS_REMEMBERED)
  }
  const drop = (watch: Watch, detail: string): void => {
    const { subscriber } = watch
    watch.subscriber = undefined
    subscriber?.disconnect()
    if (watch.provenAt === Number.NEGATIVE_INFINITY) return
    endEra()
    watch.provenAt = Number.NEGATIVE_INFINITY
    tell(detail)
  }
  const hear = (names: unknown): void => {
    const changed: Changed = Array.isArray(names) ? names.map(String) : 'all'
    for (const listener of listeners) listener(changed)
  }
  const subscribe = async (watch: Watch): Promise<Redis> => {
    const subscriber = watch.data.duplicate({
      lazyConnect: true,
      enableOfflineQueue: true,
      enableReadyCheck: false,
      autoResubscribe: false,
      failoverDetector: false,
      connectionName: 'vestibule-changes',
      retryStrategy: () => null,
    })
    watch.subscriber = subscriber
    subscriber.on('error', () => undefined)
    subscriber.on('close', () => {
      if (watch.subscriber === subscriber) drop(watch, 'the connection for changes was lost')
    })
    subscriber.on('messageBuffer', (_channel: unknown, names: unknown) => hear(names))
    await subscriber.connect()
    watch.id = await subscriber.client('ID')
    await subscriber.subscribe(CHANNEL)
    await watch.data.call('CLIENT', 'TRACKING', 'ON', 'REDIRECT', String(watch.id))
    return subscriber
  }
  const prove = async (watch: Watch): Promise<void> => {
    const subscriber = watch.subscriber ?? (await subscribe(watch))
    const askedAt = monotonicMs()
    const [info] = await Promise.all([watch.data.call('CLIENT', 'TRACKINGINFO'), subscriber.ping()])
    if (!isTracking(info, watch.id)) throw new Error('the server does not track what is read')
    if (watch.subscriber === subscriber) watch.provenAt = askedAt
  }
  const beat = async (watch: Watch): Promise<void> => {
    if (watch.isBusy || isClosed) return
    watch.isBusy = true
    try {
      await within(PROOF_MS, prove(watch))
      tell('changes are heard of')
    } catch (error) {
      drop(watch, error instanceof Error ? error.message : 'unknown')
      if (error === LATE) renewConnection(watch.data)
    } finally {
      watch.isBusy = false
    }
  }
  const watch = (data: Redis): Watch => {
    const known = watches.get(data)
    if (known !== undefined) return known
    // What is read from a server that is not watched yet must not be kept.
    endEra()
    const made: Watch = {
      data,
      subscriber: undefined,
      id: 0,
      provenAt: Number.NEGATIVE_INFINITY,
      isBusy: false,
    }
    watches.set(data, made)
    tell('a server was added')
    // With the connection the server forgets what was read over it.
    data.on('close', () => drop(made, 'the connection was lost'))
    data.on('ready', () => void beat(made))
    return made
  }
  /** The servers that are written to change: a replica is promoted, slots move, servers leave. */
  const beatAll = (): void => {
    const current = new Set(client.nodes().map(({ redis }) => redis))
    for (const [data, known] of watches) {
      if (current.has(data)) continue
      drop(known, 'a server left')
      watches.delete(data)
    }
    for (const data of current) void beat(watch(data))
    tell('no proof came in time')
  }
  client.onNode((data) => {
    const made = watch(data)
    if (data.status === 'ready') void beat(made)
  })
  const timer = setInterval(beatAll, PROVE_EVERY_MS).unref()
  return {
    isProven: () => monotonicMs() - provenUntil() <= PROOF_MS,
    isWatched: (name) => {
      const node = client.nodes().find((each) => each.name === client.nodeOf(name))
      const known = node === undefined ? undefined : watches.get(node.redis)
      return known !== undefined && monotonicMs() - known.provenAt <= PROOF_MS
    },
    era: () => era,
    lastedUntil: (of) => (of === era ? provenUntil() : (ended.get(of) ?? Number.NEGATIVE_INFINITY)),
    onChanged: (listener) => {
      listeners.push(listener)
    },
    close: () => {
      isClosed = true
      clearInterval(timer)
      for (const each of watches.values()) drop(each, 'closing')
    },
  }
}

/** `CLIENT TRACKINGINFO` answers names and values in turn. */
const isTracking = (info: unknown, id: number): boolean => {
  if (!Array.isArray(info)) return false
  const of = (name: string): unknown => info[info.indexOf(name) + 1]
  const flags = of('flags')
  return (
    Array.isArray(flags) &&
    flags.includes('on') &&
    !flags.includes('broken_redirect') &&
    Number(of('redirect')) === id
  )
}

const LATE = new Error('no proof came in time')

const within = async (ms: number, work: Promise<void>): Promise<void> => {
  let timer: NodeJS.Timeout | undefined
  try {
    await Promise.race([
      work,
      new Promise<never>((_resolve, reject) => {
        timer = setTimeout(() => setImmediate(() => reject(LATE)), ms)
      }),
    ])
  } finally {
    clearTimeout(timer)
  }
}
