import { LRUCache } from 'lru-cache'
import { type Eventual } from '../../core/eventual.ts'
import { ok, type Result } from '../../core/result.ts'
import { type Coherence } from './coherence.ts'

export type CoherentCacheOptions<Value> = {
  readonly coherence: Coherence
  readonly monotonicMs: () => number
  /** While the store is unreachable, what was true so recently is still served. */
  readonly serveKnownForMs: number
  /** Bytes that a value occupies, more or less. */
  readonly sizeOf: (value: Value) => number
  readonly largestBytes: number
  /** `hit`: no call; `miss`: the store was asked; `stale`: it did not answer, and was not needed. */
  readonly observe: (use: CacheUse) => void
}

export type CacheUse = 'hit' | 'miss' | 'stale'

export type CoherentCache<Value extends object> = {
  /** What is so: from the cache where it is known, else from `load`. */
  readonly read: <Failure>(
    name: string,
    load: () => Eventual<Result<Value | undefined, Failure>>,
  ) => Eventual<Result<Value | undefined, Failure>>
  /** What was read so far no longer counts. */
  readonly forget: (name: string) => void
  /** Nothing of that name is kept any more, not even in an outage. */
  readonly end: (name: string) => void
  readonly size: () => number
}

type Entry<Value> = {
  readonly value: Value
  /** The value as it is answered again and again. */
  readonly answer: Result<Value, never>
  readonly era: number
  readonly readAt: number
}
/** `changed` where the record changed since it was asked for. */
type Reading = { changed: boolean }

const UNWATCHED = -1
/** Of ids that name nothing: anybody can send them, so they have no room of their own. */
const MOST_ENDED = 10_000

/**
 * Keeps what was read from a store for as long as it is true there. Knows of each value until when
 * it was certainly true, to serve it in an outage for a stated time.
 */
export const createCoherentCache = <Value extends object>(
  options: CoherentCacheOptions<Value>,
): CoherentCache<Value> => {
  const { coherence, monotonicMs, observe } = options
  const entries = new LRUCache<string, Entry<Value>>({
    maxSize: options.largestBytes,
    sizeCalculation: ({ value }, name) => options.sizeOf(value) + name.length + 200,
  })
  const ended = new LRUCache<string, true>({ max: MOST_ENDED })
  const readings = new Map<string, Set<Reading>>()
  const forget = (name: string): void => {
    entries.delete(name)
    spoil(readings, name)
  }
  coherence.onChanged((changed) => {
    if (changed === 'all') {
      entries.clear()
      for (const name of readings.keys()) spoil(readings, name)
      return
    }
    changed.forEach(forget)
  })
  const isCertain = ({ era }: Entry<Value>): boolean =>
    era === coherence.era() && coherence.isProven()
  const knownUntil = ({ era, readAt }: Entry<Value>): number =>
    era === UNWATCHED ? readAt : Math.max(readAt, coherence.lastedUntil(era))
  const inOutage = (name: string): Value | undefined => {
    const last = entries.get(name)
    if (last === undefined) return undefined
    return monotonicMs() - knownUntil(last) > options.serveKnownForMs ? undefined : last.value
  }
  const keep = <Failure>(
    name: string,
    found: Result<Value | undefined, Failure>,
    begun: Begun,
  ): void => {
    if (!found.ok || begun.reading.changed || ended.has(name)) return
    if (found.value === undefined) {
      entries.delete(name)
      return
    }
    const isSafe = begun.isWatched && coherence.isWatched(name) && begun.era === coherence.era()
    entries.set(name, {
      value: found.value,
      answer: ok(found.value),
      era: isSafe ? begun.era : UNWATCHED,
      readAt: begun.at,
    })
  }
  const ask = async <Failure>(
    name: string,
    load: () => Eventual<Result<Value | undefined, Failure>>,
  ): Promise<Result<Value | undefined, Failure>> => {
    const begun: Begun = {
      reading: begin(readings, name),
      era: coherence.era(),
      isWatched: coherence.isWatched(name),
      at: monotonicMs(),
    }
    const found = await load()
    finish(readings, name, begun.reading)
    keep(name, found, begun)
    const stale = found.ok ? undefined : inOutage(name)
    observe(stale === undefined ? 'miss' : 'stale')
    return stale === undefined ? found : ok(stale)
  }
  return {
    read: (name, load) => {
      const entry = entries.get(name)
      if (entry === undefined || !isCertain(entry)) return ask(name, load)
      observe('hit')
      return entry.answer
    },
    forget,
    end: (name) => {
      ended.set(name, true)
      forget(name)
    },
    size: () => entries.size,
  }
}

type Begun = {
  readonly reading: Reading
  readonly era: number
  readonly isWatched: boolean
  readonly at: number
}

const begin = (readings: Map<string, Set<Reading>>, name: string): Reading => {
  const reading: Reading = { changed: false }
  const others = readings.get(name)
  if (others === undefined) readings.set(name, new Set([reading]))
  else others.add(reading)
  return reading
}

const finish = (readings: Map<string, Set<Reading>>, name: string, reading: Reading): void => {
  const all = readings.get(name)
  all?.delete(reading)
  if (all?.size === 0) readings.delete(name)
}

const spoil = (readings: ReadonlyMap<string, Set<Reading>>, name: string): void => {
  for (const reading of readings.get(name) ?? []) reading.changed = true
}
