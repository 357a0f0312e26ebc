import { LRUCache } from 'lru-cache'
import { ok } from '../../core/result.ts'
import { type FieldSets } from './record-store.ts'

type FieldSet = { readonly fields: Map<string, Buffer>; endsAt: number }

const MOST_SETS = 100_000

export const createMemoryFieldSets = (nowMs: () => number): FieldSets => {
  const sets = new LRUCache<string, FieldSet>({ max: MOST_SETS })
  const live = (name: string): FieldSet | undefined => {
    const found = sets.get(name)
    if (found === undefined || found.endsAt > nowMs()) return found
    sets.delete(name)
    return undefined
  }
  return {
    setField: (name, field, value, ttlMs) => {
      const set = live(name) ?? { fields: new Map<string, Buffer>(), endsAt: 0 }
      set.fields.set(field, value)
      set.endsAt = nowMs() + ttlMs
      sets.set(name, set)
      return Promise.resolve(ok(set.fields.size))
    },
    fields: (name) => Promise.resolve(ok(new Map(live(name)?.fields))),
    removeFields: (name, fields) => {
      const set = live(name)
      for (const field of fields) set?.fields.delete(field)
      if (set?.fields.size === 0) sets.delete(name)
      return Promise.resolve(ok(undefined))
    },
  }
}
