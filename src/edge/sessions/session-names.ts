import { LRUCache } from 'lru-cache'
import { type SessionId, type SessionKey } from '../../core/ids.ts'
import { sessionKeyOf, sessionName } from './names.ts'

export type SessionNames = { readonly key: SessionKey; readonly name: string }

const MOST_NAMES = 20_000

/** A hash for each request would cost more than looking up the last one. */
export const createSessionNames = (): ((id: SessionId) => SessionNames) => {
  const known = new LRUCache<SessionId, SessionNames>({ max: MOST_NAMES })
  return (id) => {
    const last = known.get(id)
    if (last !== undefined) return last
    const key = sessionKeyOf(id)
    const names = { key, name: sessionName(key) }
    known.set(id, names)
    return names
  }
}
