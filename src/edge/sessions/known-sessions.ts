import { LRUCache } from 'lru-cache'
import { type SessionKey } from '../../core/ids.ts'
import { ok } from '../../core/result.ts'
import { type Session } from '../../core/session.ts'
import { type SessionStore } from '../../flow/ports.ts'

export type KnownSessionsOptions = {
  /** How long after it was last seen in the store a session is served without the store. */
  readonly serveKnownForMs: number
  readonly nowMs: () => number
  readonly isLive: (session: Session) => boolean
  /** Called for each answer given without the store. */
  readonly onServed: () => void
}

type Known = { readonly session: Session; readonly seenAt: number }

/**
 * Remembers sessions that this process has seen, to serve them while the store is unreachable, for
 * a short and stated time. What the store said was gone is forgotten at once.
 */
export const withKnownSessions = (
  store: SessionStore,
  { serveKnownForMs, nowMs, isLive, onServed }: KnownSessionsOptions,
): SessionStore => {
  const known = new LRUCache<SessionKey, Known>({ max: 50_000 })
  /** An answer that was under way when a session ended must not make it known again. */
  const ended = new LRUCache<SessionKey, true>({ max: 10_000 })
  return {
    ...store,
    find: async (id) => {
      const key = store.keyOf(id)
      const found = await store.find(id)
      if (found.ok) {
        if (found.value === undefined) known.delete(key)
        else if (!ended.has(key)) known.set(key, { session: found.value, seenAt: nowMs() })
        return found
      }
      const last = known.get(key)
      if (last === undefined || nowMs() - last.seenAt > serveKnownForMs) return found
      if (!isLive(last.session)) return ok(undefined)
      onServed()
      return ok(last.session)
    },
    update: async (id, session, tokens) => {
      const updated = await store.update(id, session, tokens)
      const key = store.keyOf(id)
      if (updated.ok && updated.value && !ended.has(key))
        known.set(key, { session, seenAt: nowMs() })
      return updated
    },
    remove: (id) => {
      const key = store.keyOf(id)
      ended.set(key, true)
      known.delete(key)
      return store.remove(id)
    },
  }
}
