import { type Eventual, thenAt } from '../../core/eventual.ts'
import { type EpochSeconds, epochSeconds, type SessionId, type SessionKey } from '../../core/ids.ts'
import { subjectAtIssuer } from '../../core/principal.ts'
import { fail, ok, type Result } from '../../core/result.ts'
import { endSession, SKEW_MS } from '../../core/revocation.ts'
import { isLive, type Session, type SessionLimits } from '../../core/session.ts'
import { type Found, type SessionStore, type Turnstile } from '../../flow/ports.ts'
import { type Revocations, type Standing } from '../../flow/session-ports.ts'
import { type CacheUse, createCoherentCache } from './coherent-cache.ts'
import { createOpenings, type Kept, keptBytesOf, revocableOf } from './kept-session.ts'
import { type KeyRing } from './key-ring.ts'
import {
  mintSessionId,
  namesOf,
  sessionKeyOf,
  sessionName,
  subjectDigest,
  tokensName,
} from './names.ts'
import { type Outcome, type RecordStore } from './record-store.ts'
import { openSealed, seal, unseal } from './sealing.ts'
import { type SessionIndex } from './session-index.ts'
import { createSessionNames } from './session-names.ts'
import { parseSession, parseTokens } from './session-record.ts'
import { type SessionUse } from './session-use.ts'

export type SessionStoreOptions = {
  readonly records: RecordStore
  readonly ring: () => KeyRing
  readonly limits: SessionLimits
  readonly revocations: Revocations
  readonly index: SessionIndex
  readonly use: SessionUse
  readonly nowMs: () => number
  readonly monotonicMs: () => number
  readonly serveKnownForMs: number
  readonly observe: (use: CacheUse) => void
  /** What may be kept here of what was read, in bytes. */
  readonly keptBytes: number
  /** What has to be read for /verify waits for its turn, if there is a turnstile. */
  readonly admit?: Turnstile
}

/** Of what may be kept; the rest is for what is made of those that are in use. */
const SHARE_OF_TEXTS = 1 / 3
const USED: Outcome<boolean> = ok(true)
const NONE = ok(undefined)
const OVERLOADED = Promise.resolve(fail('overloaded' as const))
/** Use is written down at most so often: a store is not written to for every request. */
const TOUCH_EVERY_MS = 60_000
const now = (ms: number): EpochSeconds => epochSeconds(ms / 1000)

/**
 * Sessions as sealed records: a small one that /verify reads, and apart from it the tokens. Their
 * names hold the hash of the session id, so the store never learns the id. What was read is kept
 * here for as long as the store says that it is still so.
 */
export const createSessionStore = (options: SessionStoreOptions): SessionStore => {
  const { records, ring, limits, revocations, index, use, nowMs } = options
  const { admit = (work) => work() } = options
  const idleMs = limits.idleSeconds * 1000
  const absoluteMs = limits.absoluteSeconds * 1000
  const touchEveryMs = Math.min(idleMs / 20, TOUCH_EVERY_MS)
  const largestBytes = Math.ceil(options.keptBytes * SHARE_OF_TEXTS)
  const cache = createCoherentCache<Kept>({
    ...options,
    coherence: records.coherence,
    sizeOf: keptBytesOf,
    largestBytes,
  })
  const openings = createOpenings({
    monotonicMs: options.monotonicMs,
    mostBytes: options.keptBytes - largestBytes,
  })
  const end = async (key: SessionKey): Promise<Result<undefined, 'unreachable'>> => {
    cache.end(sessionName(key))
    const [marked, removed] = await Promise.all([
      revocations.add(endSession(key, { nowMs: nowMs(), lifeMs: absoluteMs })),
      records.remove(namesOf(key)),
    ])
    return removed.ok ? removed : marked
  }
  const load = async (id: SessionId, key: SessionKey): Promise<Outcome<Kept | undefined>> => {
    // One after the other: who sends ids that nobody has shall cost the store one question, not two.
    const found = await records.get(sessionName(key))
    if (!found.ok) return found
    if (found.value === undefined) return ok(undefined)
    const opened = openSealed(ring(), id, 'session', found.value)
    if (opened.kind === 'newer') return fail('unreachable')
    const session = opened.kind === 'value' ? parseSession(opened.value) : undefined
    // An unreadable one is left alone: its key may come back.
    if (opened.kind !== 'value' || session === undefined) return ok(undefined)
    const used = await use.touch(key)
    if (!used.ok) return used
    if (!used.value) {
      await records.remove(namesOf(key))
      return ok(undefined)
    }
    const kept = { text: opened.text, touchedAt: nowMs() }
    openings.add(kept, session, key)
    return ok(kept)
  }
  /** Writes down that it is used, behind the answer; before it where it may have been idle. */
  const touch = (key: SessionKey, kept: Kept): Eventual<Outcome<boolean>> => {
    const since = nowMs() - kept.touchedAt
    if (since < touchEveryMs) return USED
    const before = kept.touchedAt
    kept.touchedAt = nowMs()
    const touching = use.touch(key).then((outcome) => {
      if (!outcome.ok) kept.touchedAt = before
      else if (!outcome.value) cache.forget(sessionName(key))
      return outcome
    })
    return since < idleMs ? USED : touching
  }
  const ifInForce = (
    key: SessionKey,
    kept: Kept,
    session: Session,
    standing: Standing,
  ): Eventual<Found<Session>> => {
    if (standing === 'unreachable') return fail('unreachable')
    if (standing === 'in_force' && isLive(session, limits, now(nowMs()))) {
      return thenAt(touch(key, kept), (used) => ok(used.ok && !used.value ? undefined : session))
    }
    cache.end(sessionName(key))
    return records.remove(namesOf(key)).then(() => ok(undefined))
  }
  const names = createSessionNames()
  const ifFound = <Failure>(
    key: SessionKey,
    found: Result<Kept | undefined, Failure>,
  ): Eventual<Result<Session | undefined, Failure | 'unreachable'>> => {
    if (!found.ok) return found
    const kept = found.value
    const opened = kept === undefined ? undefined : openings.of(kept, key)
    if (kept === undefined || opened === undefined) return NONE
    return thenAt(revocations.standingOf(opened.revocable), (standing) =>
      ifInForce(key, kept, opened.session, standing),
    )
  }
  const find: SessionStore['find'] = (id) => {
    const { key, name } = names(id)
    return thenAt(
      cache.read(name, () => load(id, key)),
      (found) => ifFound(key, found),
    )
  }
  return {
    keyOf: (id) => names(id).key,
    find,
    findInTurn: (id) => {
      const { key, name } = names(id)
      const read = cache.read<'unreachable' | 'overloaded'>(
        name,
        () => admit(() => load(id, key)) ?? OVERLOADED,
      )
      return thenAt(read, (found) => ifFound(key, found))
    },
    findNow: async (id) => {
      cache.forget(sessionName(sessionKeyOf(id)))
      return await find(id)
    },
    create: async (begun, tokens, { browser, startedAt }) => {
      const { principal } = begun
      const subject = subjectDigest(principal.issuer, subjectAtIssuer(principal))
      const earliest = await revocations.notBefore(subject)
      if (!earliest.ok) return earliest
      const session: Session = { ...begun, beganMs: Math.max(nowMs(), earliest.value) }
      const id = mintSessionId()
      const key = sessionKeyOf(id)
      // Signed out everywhere, while he was signing in here.
      const isOverrun = earliest.value - 1 - SKEW_MS > startedAt * 1000 + 999
      const revocable = revocableOf(session, key)
      const standing = await revocations.standingOf(revocable)
      if (standing === 'unreachable') return fail('unreachable')
      if (isOverrun || standing === 'revoked') return fail('revoked')
      const tokensKept = await records.put(
        tokensName(key),
        seal(ring(), id, 'tokens', tokens),
        absoluteMs,
      )
      if (!tokensKept.ok) return tokensKept
      // Before the session itself: one that nobody can list must not be reachable.
      const listing = { createdAt: session.createdAt, browser, revocable }
      const indexed = await index.add(principal, key, listing)
      if (!indexed.ok) return indexed
      const used = await use.begin(key)
      if (!used.ok) return used
      const sealed = seal(ring(), id, 'session', session)
      const stored = await records.put(sessionName(key), sealed, absoluteMs)
      if (!stored.ok) return stored
      for (const surplus of indexed.value) await end(surplus)
      return ok(id)
    },
    findTokens: async (id) => {
      const found = await records.get(tokensName(sessionKeyOf(id)))
      if (!found.ok) return found
      return ok(
        found.value === undefined
          ? undefined
          : parseTokens(unseal(ring(), id, 'tokens', found.value)),
      )
    },
    end,
    update: async (id, session, tokens) => {
      const key = sessionKeyOf(id)
      if (tokens !== undefined) {
        const kept = await records.replace(tokensName(key), seal(ring(), id, 'tokens', tokens))
        if (!kept.ok) return kept
      }
      const updated = await records.replace(sessionName(key), seal(ring(), id, 'session', session))
      cache.forget(sessionName(key))
      return updated
    },
    retire: async (id, seconds) => {
      const key = sessionKeyOf(id)
      const found = await records.get(sessionName(key))
      if (!found.ok || found.value === undefined) return found.ok ? ok(undefined) : found
      const session = parseSession(unseal(ring(), id, 'session', found.value))
      if (session === undefined) return ok(undefined)
      const createdAt = epochSeconds(
        Math.min(session.createdAt, now(nowMs()) + seconds - limits.absoluteSeconds),
      )
      const sealed = seal(ring(), id, 'session', { ...session, createdAt })
      const replaced = await records.replace(sessionName(key), sealed, seconds * 1000)
      cache.forget(sessionName(key))
      return replaced.ok ? ok(undefined) : replaced
    },
  }
}
