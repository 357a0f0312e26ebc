import { type SessionId, type SessionKey } from '../core/ids.ts'
import { subjectAtIssuer } from '../core/principal.ts'
import { ok, type Result } from '../core/result.ts'
import { type Session } from '../core/session.ts'
import { type Found, type IdentityProvider, type SessionStore } from './ports.ts'
import { type RevokePorts, revoke } from './revoke.ts'
import { type ListedSession, type SessionDirectory } from './session-ports.ts'

export type OwnSessionsPorts = {
  readonly sessions: Pick<SessionStore, 'find' | 'findTokens' | 'end' | 'keyOf'>
  readonly directory: Pick<SessionDirectory, 'of'>
  readonly revoke: RevokePorts
  readonly identityProvider: Pick<IdentityProvider, 'endSessionUrl'>
  readonly nowSeconds: () => ListedSession['lastUsedAt']
}

/** What somebody who is signed in sees of himself: the session that he asks with, and the others. */
export type OwnSessions = {
  readonly session: Session
  readonly here: ListedSession
  /** Newest first. */
  readonly others: readonly ListedSession[]
}

/** Undefined for one who is not signed in. */
export const ownSessions = async (
  ports: OwnSessionsPorts,
  id: SessionId | undefined,
): Promise<Found<OwnSessions>> => {
  const found = id === undefined ? ok(undefined) : await ports.sessions.find(id)
  if (!found.ok) return found
  if (id === undefined || found.value === undefined) return ok(undefined)
  const session = found.value
  const listed = await ports.directory.of(
    session.principal.issuer,
    subjectAtIssuer(session.principal),
  )
  if (!listed.ok) return listed
  const key = ports.sessions.keyOf(id)
  const listing = listed.value.find((each) => each.key === key)
  return ok({
    session,
    here: {
      key,
      createdAt: session.createdAt,
      lastUsedAt: ports.nowSeconds(),
      browser: listing?.browser,
    },
    others: listed.value.filter((each) => each.key !== key),
  })
}

/** What he orders: all but the session that he asks with, or all, or one; as a form says it. */
export type OwnOrder = 'others' | 'all' | { readonly key: string }

/** `signed_out` says where the browser ends it at the provider, if it does. */
export type OwnEnd =
  | { readonly kind: 'still_signed_in' }
  | { readonly kind: 'signed_out'; readonly next: URL | undefined }

/** A key that is none of his own ends nothing. */
export const endOwnSessions = async (
  ports: OwnSessionsPorts,
  id: SessionId,
  own: OwnSessions,
  { order, state }: { readonly order: OwnOrder; readonly state: string },
): Promise<Result<OwnEnd, 'unreachable'>> => {
  if (order === 'all') return await signOutEverywhere(ports, id, own, state)
  const ended = [own.here, ...own.others]
    .map(({ key }) => key)
    .filter((key) => (order === 'others' ? key !== own.here.key : key === order.key))
  for (const key of ended) {
    const done = await ports.sessions.end(key)
    if (!done.ok) return done
  }
  return ok(
    ended.includes(own.here.key)
      ? { kind: 'signed_out', next: undefined }
      : { kind: 'still_signed_in' },
  )
}

const signOutEverywhere = async (
  ports: OwnSessionsPorts,
  id: SessionId,
  { session, here, others }: OwnSessions,
  state: string,
): Promise<Result<OwnEnd, 'unreachable'>> => {
  const tokens = await ports.sessions.findTokens(id)
  const { subject } = session.principal
  const revoked = await revoke(ports.revoke, { kind: 'subject', subject })
  if (!revoked.ok) return revoked
  // Of an issuer that the configuration named before, the mark may know nothing.
  for (const key of keysOf(here, others)) {
    const done = await ports.sessions.end(key)
    if (!done.ok) return done
  }
  const idToken = tokens.ok ? tokens.value?.idToken : undefined
  const next = await ports.identityProvider.endSessionUrl(idToken, state)
  return ok({ kind: 'signed_out', next })
}

const keysOf = (here: ListedSession, others: readonly ListedSession[]): readonly SessionKey[] =>
  [here, ...others].map(({ key }) => key)
