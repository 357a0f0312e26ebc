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
/** A server that says that it will not is asked again after so long. */
const REFUSED_PAUSE_MS = 5000
/** By the code that the protocol puts first: no right to it, or no such command. */
const REFUSED = /^(?:NOPERM|ERR unknown)/
const ERAS_REMEMBERED = 32

/** The connections on which one server tells of changes to what was read over `data`. */
type Watch = {
  readonly data: Redis
  subscriber: Redis | undefined
  /** Id of the subscriber's connection, as the server counts. */
  id: number
  provenAt: number
  isBusy: boolean
  refusedAt: number
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
  /** What was told last; nothing before the first proof or refusal. */
  let told: boolean | undefined
  let isClosed = false

  const provenUntil = (): number => {
    if (watches.size === 0) return Number.NEGATIVE_INFINITY
    let earliest = Number.POSITIVE_INFINITY
    for (const { provenAt } of watches.values()) earliest = Math.min(earliest, provenAt)
    return earliest
  }
  const isFresh = (watch: Watch | undefined): boolean =>
    watch !== undefined && monotonicMs() - watch.provenAt <= PROOF_MS
  const isProven = (): boolean => monotonicMs() - provenUntil() <= PROOF_MS
  const tell = (detail: string): void => {
    const isNow = isProven()
    if (isNow !== told && !isClosed) onProven(isNow, detail)
    told = isNow
  }
  const tellAgain = (detail: string): void => {
    if (told !== undefined) tell(detail)
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
    tellAgain(detail)
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
    // A name may lead elsewhere by now, and every server counts its connections from one.
    const runs = await Promise.all([runOf(watch.data), runOf(subscriber)])
    if (runs[0] !== runs[1]) throw new Error('the name of the server leads to two servers')
    watch.id = await subscriber.client('ID')
    await subscriber.subscribe(CHANNEL)
    await watch.data.call('CLIENT', 'TRACKING', 'ON', 'REDIRECT', String(watch.id))
    return subscriber
  }
  const prove = async (watch: Watch): Promise<void> => {
    const subscriber = watch.subscriber ?? (await subscribe(watch))
    const askedAt = monotonicMs()
    const [info] = await Promise.all([
      watch.data.call('CLIENT', 'TRACKINGINFO'),
      subscriber.ping(),
      client.assertCounts(watch.data),
    ])
    if (!isTracking(info, watch.id)) throw new Error('the server does not track what is read')
    if (watch.subscriber === subscriber) watch.provenAt = askedAt
  }
  const beat = async (watch: Watch): Promise<void> => {
    if (watch.isBusy || isClosed || monotonicMs() - watch.refusedAt < REFUSED_PAUSE_MS) return
    watch.isBusy = true
    try {
      await within(PROOF_MS, prove(watch))
      tell('changes are heard of')
    } catch (error) {
      const detail = error instanceof Error ? error.message : 'unknown'
      if (REFUSED.test(detail)) watch.refusedAt = monotonicMs()
      drop(watch, detail)
      tell(detail)
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
      refusedAt: Number.NEGATIVE_INFINITY,
    }
    watches.set(data, made)
    tellAgain('a server was added')
    // With the connection the server forgets what was read over it.
    data.on('close', () => drop(made, 'the connection was lost'))
    data.on('ready', () => {
      made.refusedAt = Number.NEGATIVE_INFINITY
      void beat(made)
    })
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
    tellAgain('no proof came in time')
  }
  client.onNode((data) => {
    const made = watch(data)
    if (data.status === 'ready') void beat(made)
  })
  const timer = setInterval(beatAll, PROVE_EVERY_MS).unref()
  return {
    isProven,
    // All of them: while a slot moves, another server may answer than the one that has the name.
    isWatched: (name) => {
      const holder = client.nodeOf(name)
      const nodes = client.nodes()
      return (
        nodes.some((node) => node.name === holder) &&
        nodes.every(({ redis }) => isFresh(watches.get(redis)))
      )
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

/** Names one run of one server. */
const runOf = async (redis: Redis): Promise<string> => {
  const run = /^run_id:(\S+)/m.exec(await redis.info('server'))?.[1]
  if (run === undefined) throw new Error('the server does not say which one it is')
  return run
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
