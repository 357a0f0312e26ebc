import { LRUCache } from 'lru-cache'
import { ok } from '../../core/result.ts'
import { type Outcome, type RecordStore } from './record-store.ts'

type Entry = { readonly value: Buffer; readonly endsAt: number }

/**
 * Keeps records in this process: complete, for one replica; they end with the process.
 *
 * @param largestBytes a bound on them all; beyond it the least recently used record goes
 */
export const createMemoryRecordStore = (nowMs: () => number, largestBytes: number): RecordStore => {
  const records = new LRUCache<string, Entry>({
    maxSize: largestBytes,
    sizeCalculation: (entry, name) => entry.value.length + name.length + 200,
  })
  const live = (name: string): Buffer | undefined => {
    const entry = records.get(name)
    if (entry === undefined) return undefined
    if (entry.endsAt > nowMs()) return entry.value
    records.delete(name)
    return undefined
  }
  const put = (name: string, value: Buffer, ttlMs: number): void => {
    records.set(name, { value, endsAt: nowMs() + ttlMs })
  }
  return {
    put: (name, value, ttlMs) => done(() => put(name, value, ttlMs)),
    get: (name, ttlMs) => {
      const value = live(name)
      if (value !== undefined && ttlMs !== undefined) put(name, value, ttlMs)
      return Promise.resolve(ok(value))
    },
    take: (name) => {
      const value = live(name)
      records.delete(name)
      return Promise.resolve(ok(value))
    },
    claim: (name, ttlMs) => {
      const isFree = live(name) === undefined
      if (isFree) put(name, Buffer.of(1), ttlMs)
      return Promise.resolve(ok(isFree))
    },
    replace: (name, value) => {
      const entry = live(name) === undefined ? undefined : records.get(name)
      if (entry !== undefined) records.set(name, { ...entry, value })
      return Promise.resolve(ok(entry !== undefined))
    },
    remove: (names) =>
      done(() => {
        for (const name of names) records.delete(name)
      }),
    ping: () => done(() => undefined),
    close: () => Promise.resolve(),
  }
}

const done = (action: () => void): Promise<Outcome<undefined>> => {
  action()
  return Promise.resolve(ok(undefined))
}
