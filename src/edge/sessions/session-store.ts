import { hash, randomBytes } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import {
  type EpochSeconds,
  epochSeconds,
  parseSessionId,
  parseSessionKey,
  type SessionId,
  type SessionKey,
} from '../../core/ids.ts'
import { ok } from '../../core/result.ts'
import { isLive, type Session, type SessionLimits } from '../../core/session.ts'
import { type SessionStore } from '../../flow/ports.ts'
import { type KeyRing } from './key-ring.ts'
import { type RecordStore } from './record-store.ts'
import { seal, unseal } from './sealing.ts'
import { parseSession, parseTokens } from './session-record.ts'

export type SessionStoreOptions = {
  readonly records: RecordStore
  readonly ring: KeyRing
  readonly limits: SessionLimits
  readonly now: () => EpochSeconds
}

/**
 * Sessions as sealed records: a small one that /verify reads, and apart from it the tokens. Their
 * names hold the hash of the session id, so the store never learns the id.
 */
export const createSessionStore = (options: SessionStoreOptions): SessionStore => {
  const { records, ring, limits, now } = options
  const idleMs = limits.idleSeconds * 1000
  const absoluteMs = limits.absoluteSeconds * 1000
  const open = createOpener(ring)
  return {
    keyOf: sessionKeyOf,
    create: async (session, tokens) => {
      const id = mintSessionId()
      const key = sessionKeyOf(id)
      const kept = await records.put(tokensName(key), seal(ring, id, 'tokens', tokens), absoluteMs)
      if (!kept.ok) return kept
      const stored = await records.put(
        sessionName(key),
        seal(ring, id, 'session', session),
        Math.min(idleMs, absoluteMs),
      )
      return stored.ok ? ok(id) : stored
    },
    find: async (id) => {
      const key = sessionKeyOf(id)
      const found = await records.get(sessionName(key), idleMs)
      if (!found.ok) return found
      if (found.value === undefined) return ok(undefined)
      const session = open(id, key, found.value)
      if (session === undefined || isLive(session, limits, now())) return ok(session)
      // Asking must not keep a session of old age in the store. An unreadable one is left alone:
      // its key may come back.
      await records.remove(namesOf(key))
      return ok(undefined)
    },
    findTokens: async (id) => {
      const found = await records.get(tokensName(sessionKeyOf(id)))
      if (!found.ok) return found
      return ok(
        found.value === undefined
          ? undefined
          : parseTokens(unseal(ring, id, 'tokens', found.value)),
      )
    },
    remove: (id) => records.remove(namesOf(sessionKeyOf(id))),
    update: async (id, session, tokens) => {
      const key = sessionKeyOf(id)
      const kept = await records.replace(tokensName(key), seal(ring, id, 'tokens', tokens))
      if (!kept.ok) return kept
      return await records.replace(sessionName(key), seal(ring, id, 'session', session))
    },
    lease: (id, ms) => records.claim(leaseName(sessionKeyOf(id)), ms),
    release: (id) => records.remove([leaseName(sessionKeyOf(id))]),
    retire: async (id, seconds) => {
      const key = sessionKeyOf(id)
      const found = await records.get(sessionName(key))
      if (!found.ok || found.value === undefined) return found.ok ? ok(undefined) : found
      const session = parseSession(unseal(ring, id, 'session', found.value))
      if (session === undefined) return ok(undefined)
      const createdAt = epochSeconds(
        Math.min(session.createdAt, now() + seconds - limits.absoluteSeconds),
      )
      const sealed = seal(ring, id, 'session', { ...session, createdAt })
      return await records.put(sessionName(key), sealed, seconds * 1000)
    },
  }
}

const MOST_OPENED = 20_000

/**
 * Opens sealed sessions, and remembers what was in the very bytes that the store gave last: opening
 * costs more than all the rest of a request. Whoever asks has shown the id whose hash the key is.
 */
const createOpener = (
  ring: KeyRing,
): ((id: SessionId, key: SessionKey, sealed: Buffer) => Session | undefined) => {
  const opened = new LRUCache<SessionKey, { readonly sealed: Buffer; readonly session: Session }>({
    max: MOST_OPENED,
  })
  return (id, key, sealed) => {
    const last = opened.get(key)
    if (last?.sealed.equals(sealed) === true) return last.session
    const session = parseSession(unseal(ring, id, 'session', sealed))
    if (session !== undefined) opened.set(key, { sealed, session })
    return session
  }
}

/** The braces keep both records in one slot of a Redis Cluster. */
const sessionName = (key: SessionKey): string => `vestibule:{${key}}:session`
const tokensName = (key: SessionKey): string => `vestibule:{${key}}:tokens`
const leaseName = (key: SessionKey): string => `vestibule:{${key}}:lease`
const namesOf = (key: SessionKey): readonly string[] => [sessionName(key), tokensName(key)]

const mintSessionId = (): SessionId => {
  const id = parseSessionId(randomBytes(32).toString('base64url'))
  if (id === undefined) throw new TypeError('minted a session id that is none')
  return id
}

export const sessionKeyOf = (id: SessionId): SessionKey => {
  const key = parseSessionKey(hash('sha256', id, 'base64url'))
  if (key === undefined) throw new TypeError('hashed a session id to no key')
  return key
}
