import { type AccessRequest } from '../core/access-request.ts'
import { type Binding } from '../core/confirmation.ts'
import { type Credential, type CredentialKind } from '../core/credential.ts'
import { type Eventual, thenAt } from '../core/eventual.ts'
import { type SessionId, type SessionKey } from '../core/ids.ts'
import { ANONYMOUS, type Authenticated, type Principal } from '../core/principal.ts'
import { type ChallengeReason, type UnavailableReason } from '../core/reason.ts'
import { type Session } from '../core/session.ts'
import { type ConfirmFailure, confirmToken, type Presented } from './confirm-token.ts'
import { type Found, type TokenFailure, type VerifyPorts } from './ports.ts'
import { type Standing } from './session-ports.ts'

/** Who a credential proves. Whatever fails, the principal is nobody. */
export type Authentication = {
  readonly principal: Principal
  readonly credential: CredentialKind | 'none'
  /** How the token is bound to its sender; undefined where it was no token. */
  readonly bindings?: readonly Binding[] | undefined
  /** The scheme with which a token was sent, good or bad. */
  readonly tokenScheme?: 'bearer' | 'dpop' | undefined
  readonly sessionKey: SessionKey | undefined
  readonly session: Session | undefined
  readonly failure: AuthenticationFailure | undefined
}

export type AuthenticationFailure =
  | { readonly kind: 'challenge'; readonly reason: ChallengeReason }
  | { readonly kind: 'unavailable'; readonly reason: UnavailableReason }

export const authenticate = (
  ports: VerifyPorts,
  credential: Credential,
  request: AccessRequest,
): Eventual<Authentication> => {
  switch (credential.kind) {
    case 'none':
      return NOT_ATTEMPTED
    case 'malformed_bearer':
      return failed('bearer', challenge('invalid_token'))
    case 'malformed_cookie':
      return failed('cookie', challenge('unknown_session'))
    case 'duplicate_cookie':
      return failed('cookie', challenge('duplicate_cookie'))
    case 'bearer':
    case 'dpop':
      return byToken(ports, credential, request)
    case 'cookie':
      return bySession(ports, credential.sessionId)
  }
}

const bySession = (ports: VerifyPorts, id: SessionId): Eventual<Authentication> => {
  const sessionKey = ports.sessions.keyOf(id)
  return thenAt(ports.sessions.findInTurn(id), (found) => {
    if (!found.ok) return { ...failed('cookie', FIND_FAILURES[found.failure]), sessionKey }
    if (found.value === undefined) {
      return { ...failed('cookie', challenge('unknown_session')), sessionKey }
    }
    return thenAt(ports.keepFresh(id, found.value), (current) => ofSession(current, sessionKey))
  })
}

const ofSession = (current: Found<Session>, sessionKey: SessionKey): Authentication => {
  if (!current.ok) return { ...failed('cookie', PROVIDER_UNREACHABLE), sessionKey }
  const session = current.value
  if (session === undefined) {
    return { ...failed('cookie', challenge('unknown_session')), sessionKey }
  }
  const { principal } = session
  return { principal, credential: 'cookie', sessionKey, session, failure: undefined }
}

const byToken = (
  ports: VerifyPorts,
  presented: Presented,
  request: AccessRequest,
): Eventual<Authentication> => {
  const refused = (failure: AuthenticationFailure): Authentication => ({
    ...failed('bearer', failure),
    tokenScheme: presented.kind,
  })
  return thenAt(ports.verifyToken(presented.token, request.host), (verified) => {
    if (!verified.ok) return refused(TOKEN_FAILURES[verified.failure])
    const principal = verified.value
    return thenAt(ports.revocations.standingOf(ports.revocableToken(principal)), (standing) => {
      if (standing !== 'in_force') return refused(STANDING_FAILURES[standing])
      return thenAt(confirmToken(ports, presented, principal, request), (confirmed) =>
        confirmed.ok
          ? ofToken(principal, confirmed.value, presented)
          : refused(CONFIRM_FAILURES[confirmed.failure]),
      )
    })
  })
}

const ofToken = (
  principal: Authenticated,
  bindings: readonly Binding[],
  { kind }: Presented,
): Authentication => ({
  principal,
  credential: 'bearer',
  bindings,
  tokenScheme: kind,
  sessionKey: undefined,
  session: undefined,
  failure: undefined,
})

const challenge = (reason: ChallengeReason): AuthenticationFailure => ({
  kind: 'challenge',
  reason,
})

const STORE_UNREACHABLE: AuthenticationFailure = {
  kind: 'unavailable',
  reason: 'session_store_unreachable',
}

const OVERLOADED: AuthenticationFailure = { kind: 'unavailable', reason: 'overloaded' }

const FIND_FAILURES: Readonly<Record<'unreachable' | 'overloaded', AuthenticationFailure>> = {
  unreachable: STORE_UNREACHABLE,
  overloaded: OVERLOADED,
}

const STANDING_FAILURES: Readonly<Record<Exclude<Standing, 'in_force'>, AuthenticationFailure>> = {
  revoked: challenge('revoked_token'),
  unreachable: STORE_UNREACHABLE,
}

const PROVIDER_UNREACHABLE: AuthenticationFailure = {
  kind: 'unavailable',
  reason: 'identity_provider_unreachable',
}

const TOKEN_FAILURES: Readonly<Record<TokenFailure, AuthenticationFailure>> = {
  invalid: challenge('invalid_token'),
  expired: challenge('expired_token'),
  not_yet_valid: challenge('token_not_yet_valid'),
  delegation_too_deep: challenge('delegation_too_deep'),
  revoked: challenge('revoked_token'),
  wrong_host: challenge('token_not_for_host'),
  unreachable: { kind: 'unavailable', reason: 'issuer_keys_unreachable' },
  issuer_unreachable: { kind: 'unavailable', reason: 'token_issuer_unreachable' },
  store_unreachable: STORE_UNREACHABLE,
  overloaded: OVERLOADED,
}

const CONFIRM_FAILURES: Readonly<Record<ConfirmFailure, AuthenticationFailure>> = {
  not_proven: challenge('binding_not_proven'),
  invalid: challenge('invalid_dpop_proof'),
  nonce_wanted: challenge('use_dpop_nonce'),
  unreachable: { kind: 'unavailable', reason: 'replay_store_unreachable' },
}

const failed = (
  credential: Authentication['credential'],
  failure: AuthenticationFailure,
): Authentication => ({
  principal: ANONYMOUS,
  credential,
  sessionKey: undefined,
  session: undefined,
  failure,
})

const NOT_ATTEMPTED: Authentication = {
  principal: ANONYMOUS,
  credential: 'none',
  sessionKey: undefined,
  session: undefined,
  failure: undefined,
}
