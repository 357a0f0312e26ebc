import { LRUCache } from 'lru-cache'
import { fail, ok } from '../../core/result.ts'
import { createLocalCoherence } from './coherence.ts'
import { createMemoryFieldSets } from './memory-field-sets.ts'
import { createMemoryLogs } from './memory-logs.ts'
import { LARGEST_RECORD, type Outcome, type RecordStore } from './record-store.ts'

type Entry = { readonly value: Buffer; readonly endsAt: number }

export type MemoryOptions = {
  readonly nowMs: () => number
  readonly monotonicMs: () => number
  /** A bound on all records; beyond it the least recently used one goes. */
  readonly largestBytes: number
}

/** Keeps records in this process: complete, for one replica; they end with the process. */
export const createMemoryRecordStore = (options: MemoryOptions): RecordStore => {
  const { nowMs } = options
  const coherence = createLocalCoherence(options.monotonicMs)
  const records = new LRUCache<string, Entry>({
    maxSize: options.largestBytes,
    sizeCalculation: (entry, name) => entry.value.length + name.length + 200,
    dispose: (_entry, name, why) => {
      if (why === 'evict') coherence.changed([name])
    },
  })
  const families = new Map<string, Set<string>>()
  const live = (name: string): Buffer | undefined => {
    const entry = records.get(name)
    if (entry === undefined) return undefined
    if (entry.endsAt > nowMs()) return entry.value
    drop(name)
    return undefined
  }
  const drop = (name: string): void => {
    records.delete(name)
    coherence.changed([name])
  }
  const put = (name: string, value: Buffer, ttlMs: number): void => {
    records.set(name, { value, endsAt: nowMs() + ttlMs })
    coherence.changed([name])
  }
  const holds = (name: string, holder: string): boolean => live(name)?.toString() === holder
  return {
    put: (name, value, ttlMs) => done(() => put(name, value, ttlMs)),
    get: (name) => {
      const value = live(name)
      const isSound = value === undefined || value.length <= LARGEST_RECORD
      return Promise.resolve(isSound ? ok(value) : fail('unreachable'))
    },
    swap: (name, value, ttlMs) => {
      const last = live(name)
      if (last !== undefined) put(name, value, ttlMs)
      return Promise.resolve(ok(last))
    },
    replace: (name, value, ttlMs) => {
      const entry = live(name) === undefined ? undefined : records.get(name)
      if (entry !== undefined) put(name, value, ttlMs ?? entry.endsAt - nowMs())
      return Promise.resolve(ok(entry !== undefined))
    },
    take: (name) => {
      const value = live(name)
      if (value !== undefined) drop(name)
      return Promise.resolve(ok(value))
    },
    remove: (names) => done(() => names.forEach(drop)),
    putInFamily: (family, name, value, ttlMs) =>
      done(() => {
        put(name, value, ttlMs)
        const names = families.get(family.name) ?? new Set<string>()
        families.set(family.name, names.add(name))
        for (const oldest of names) {
          if (names.size <= family.most) break
          names.delete(oldest)
          drop(oldest)
        }
      }),
    list: (start, end) => portions([...records.keys()].filter(hasEnds(start, end)).filter(live)),
    claim: (name, holder, ttlMs) => {
      const isFree = live(name) === undefined
      if (isFree) put(name, Buffer.from(holder), ttlMs)
      return Promise.resolve(ok(isFree))
    },
    extend: (name, holder, ttlMs) => {
      const isMine = holds(name, holder)
      if (isMine) put(name, Buffer.from(holder), ttlMs)
      return Promise.resolve(ok(isMine))
    },
    release: (name, holder) =>
      done(() => {
        if (holds(name, holder)) drop(name)
      }),
    ...createMemoryFieldSets(nowMs),
    ...createMemoryLogs(nowMs, coherence.changed),
    coherence,
    advice: () => Promise.resolve(ok([])),
    ping: () => done(() => undefined),
    close: () => Promise.resolve(),
  }
}

const hasEnds =
  (start: string, end: string) =>
  (name: string): boolean =>
    name.startsWith(start) && name.endsWith(end)

const portions = async function* (
  names: readonly string[],
): AsyncGenerator<Outcome<readonly string[]>> {
  await Promise.resolve()
  yield ok(names)
}

const done = (action: () => void): Promise<Outcome<undefined>> => {
  action()
  return Promise.resolve(ok(undefined))
}
