import { type Eventual } from '../core/eventual.ts'
import { type Freshness, type FreshnessLimits, freshnessOf } from '../core/freshness.ts'
import { type EpochSeconds, type SessionId, type SessionKey } from '../core/ids.ts'
import { fail, ok, type Result } from '../core/result.ts'
import { type Session } from '../core/session.ts'
import {
  type Found,
  type IdentityProvider,
  type Revalidated,
  type RevalidationFailure,
  type SessionStore,
  type Tokens,
} from './ports.ts'
import { type RefreshLeases } from './session-ports.ts'

export type KeepFreshPorts = {
  readonly sessions: SessionStore
  readonly leases: RefreshLeases
  readonly identityProvider: Pick<IdentityProvider, 'revalidate'>
  readonly limits: FreshnessLimits
  readonly now: () => EpochSeconds
  readonly delay: (ms: number) => Promise<void>
  readonly observe: (outcome: RevalidationOutcome) => void
}

export type RevalidationOutcome = 'renewed' | 'ended' | 'unreachable' | 'elsewhere'

/** Found, gone, or too long unheard of to be served; see `Found`. */
export type KeepFresh = (id: SessionId, session: Session) => Eventual<Found<Session>>

/** How long a request waits for the provider's word, where it has to. */
const PATIENCE_MS = 1500
/** How long others wait for somebody who died while he held the lease. */
const LEASE_MS = 4000
const POLL_MS = 50
/** No call to the provider takes longer than this many renewals. */
const MOST_RENEWALS = 60

/** After a fault the provider is left alone for so long, about this session. */
const PAUSE_SECONDS = 5
const MOST_TROUBLED = 10_000

/**
 * Keeps the provider's word on sessions young: one question at a time for a session, over all
 * replicas, whose answer everybody gets. A fault of the provider ends nothing; its no does.
 */
export const createKeepFresh = (ports: KeepFreshPorts): KeepFresh => {
  const running = new Map<SessionKey, Promise<Found<Session>>>()
  const troubled = createTroubles(ports.now)
  const renew = (id: SessionId, session: Session, key: SessionKey): Promise<Found<Session>> => {
    const known = running.get(key)
    if (known !== undefined) return known
    const started = renewOnce(ports, id, session)
      .then((answer) => troubled.note(key, answer))
      .finally(() => running.delete(key))
    running.set(key, started)
    return started
  }
  const freshen = async (
    id: SessionId,
    session: Session,
    freshness: Exclude<Freshness, 'fresh'>,
  ): Promise<Found<Session>> => {
    const asItIs: Found<Session> = freshness === 'expired' ? fail('unreachable') : ok(session)
    const key = ports.sessions.keyOf(id)
    const trouble = troubled.of(key)
    if (trouble === 'recent') return asItIs
    const renewal = renew(id, session, key)
    // Nobody waits for a provider that is known to be in trouble, unless there is no way around.
    const isOptional = freshness === 'due' || (trouble === 'past' && freshness === 'overdue')
    if (isOptional) return ok(session)
    const answer = await Promise.race([renewal, ports.delay(PATIENCE_MS)])
    return answer?.ok === true ? answer : asItIs
  }
  return (id, session) => {
    const freshness = freshnessOf(session, ports.limits, ports.now())
    return freshness === 'fresh' ? ok(session) : freshen(id, session, freshness)
  }
}

type Troubles = {
  readonly of: (key: SessionKey) => 'none' | 'recent' | 'past'
  readonly note: (key: SessionKey, answer: Found<Session>) => Found<Session>
}

/** Remembers about which sessions the provider could not be asked, and when. */
const createTroubles = (now: () => EpochSeconds): Troubles => {
  const since = new Map<SessionKey, EpochSeconds>()
  return {
    of: (key) => {
      const at = since.get(key)
      if (at === undefined) return 'none'
      return now() - at < PAUSE_SECONDS ? 'recent' : 'past'
    },
    note: (key, answer) => {
      since.delete(key)
      if (!answer.ok) since.set(key, now())
      const [oldest] = since.keys()
      if (since.size > MOST_TROUBLED && oldest !== undefined) since.delete(oldest)
      return answer
    },
  }
}

/** Resolves with the session as it is now, gone, or `unreachable` where nothing was learnt. */
const renewOnce = async (
  ports: KeepFreshPorts,
  id: SessionId,
  session: Session,
): Promise<Found<Session>> => {
  const lease = await ports.leases.lease(id, LEASE_MS)
  if (!lease.ok) return lease
  if (!lease.value) return await awaitOther(ports, id, session)
  const holding = holdLease(ports, id)
  try {
    // Somebody may have asked and let go between our look and our lease.
    const found = await ports.sessions.findNow(id)
    const isDone = !found.ok || found.value === undefined || isNewer(found.value, session)
    return isDone ? found : await askProvider(ports, id, found.value)
  } finally {
    holding.stop()
    await ports.leases.release(id)
  }
}

const isNewer = (found: Session, known: Session): boolean => found.checkedAt > known.checkedAt

/** A lease ends soon after its holder dies, so a living one renews it. */
const holdLease = (ports: KeepFreshPorts, id: SessionId): { readonly stop: () => void } => {
  let isHeld = true
  const renewing = async (): Promise<void> => {
    for (let renewals = 0; renewals < MOST_RENEWALS; renewals += 1) {
      await ports.delay(LEASE_MS / 4)
      if (!isHeld) return
      await ports.leases.extendLease(id, LEASE_MS)
    }
  }
  void renewing()
  return {
    stop: () => {
      isHeld = false
    },
  }
}

const askProvider = async (
  ports: KeepFreshPorts,
  id: SessionId,
  session: Session,
): Promise<Found<Session>> => {
  const tokens = await ports.sessions.findTokens(id)
  if (!tokens.ok) return tokens
  if (tokens.value === undefined) return await end(ports, id)
  const answer = await askMarked(ports, id, session, tokens.value)
  if (!answer.ok) {
    if (answer.failure === 'ended') return await end(ports, id)
    ports.observe('unreachable')
    return fail('unreachable')
  }
  return await keep(ports, id, session, answer.value)
}

/** Keeps new tokens before all: the old ones may be spent. */
const keep = async (
  ports: KeepFreshPorts,
  id: SessionId,
  session: Session,
  { principal, tokens, isWhole }: Revalidated,
): Promise<Found<Session>> => {
  const checkedAt = isWhole ? ports.now() : session.checkedAt
  const renewed: Session = { ...session, principal, checkedAt }
  const updated = await ports.sessions.update(id, renewed, tokens)
  if (!updated.ok) return updated
  if (tokens !== undefined) await ports.leases.endRefresh(id)
  ports.observe(isWhole ? 'renewed' : 'unreachable')
  if (!isWhole) return fail('unreachable')
  // Signed out in the meantime: what was just learnt must not bring the session back.
  return ok(updated.value ? renewed : undefined)
}

/**
 * Asks, and leaves a mark while a refresh token is on its way. Providers that rotate them take the
 * second use of one for theft and end everything; a mark that nobody took away says that whoever
 * used it was cut off before he could tell.
 */
const askMarked = async (
  ports: KeepFreshPorts,
  id: SessionId,
  session: Session,
  tokens: Tokens,
): Promise<Result<Revalidated, RevalidationFailure>> => {
  const { refreshToken } = tokens
  const { revalidate } = ports.identityProvider
  if (refreshToken === undefined) return await revalidate(tokens, session.principal, false)
  const isOpen = await ports.leases.isRefreshOpen(id, refreshToken)
  if (!isOpen.ok) return isOpen
  const marked = await ports.leases.beginRefresh(id, refreshToken)
  if (!marked.ok) return marked
  const answer = await revalidate(tokens, session.principal, isOpen.value)
  if (!answer.ok && answer.failure === 'unreachable' && !isOpen.value) {
    await ports.leases.endRefresh(id)
  }
  return answer
}

/** The no counts whether or not the store could be told: else its fault would open the door. */
const end = async (ports: KeepFreshPorts, id: SessionId): Promise<Found<Session>> => {
  await ports.sessions.end(ports.sessions.keyOf(id))
  ports.observe('ended')
  return ok(undefined)
}

/** Another replica asks; its answer shows in the store. */
const awaitOther = async (
  ports: KeepFreshPorts,
  id: SessionId,
  session: Session,
): Promise<Found<Session>> => {
  for (let waited = 0; waited < PATIENCE_MS; waited += POLL_MS) {
    await ports.delay(POLL_MS)
    const found = await ports.sessions.find(id)
    if (!found.ok) return found
    if (found.value === undefined || isNewer(found.value, session)) {
      ports.observe('elsewhere')
      return found
    }
  }
  return fail('unreachable')
}
