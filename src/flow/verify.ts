import { type AccessRequest } from '../core/access-request.ts'
import { type Credential, chooseCredential } from '../core/credential.ts'
import { decide } from '../core/decide.ts'
import { deny, type Enforced } from '../core/decision.ts'
import { type Eventual, thenAt } from '../core/eventual.ts'
import { NOBODY } from '../core/identity-headers.ts'
import { type EpochSeconds, epochSeconds } from '../core/ids.ts'
import { appliedMode, applyMode } from '../core/mode.ts'
import { findPolicy, type HostPolicy } from '../core/policy/policy.ts'
import { ANONYMOUS, type Principal } from '../core/principal.ts'
import { type DenyReason } from '../core/reason.ts'
import { idleEnd, type Session, type SessionLimits } from '../core/session.ts'
import { type Authentication, type AuthenticationFailure, authenticate } from './authenticate.ts'
import { type Answer, type DecisionRecord, type VerifyPorts } from './ports.ts'

/** An access request with whatever the client offered as proof, both kinds of it. */
export type Question = {
  readonly id: string
  readonly request: AccessRequest
  readonly bearer: Credential
  readonly cookie: Credential
}

/** Answers one access request: find the policy, authenticate, decide, and say who it is. */
export const verify = (ports: VerifyPorts, question: Question): Eventual<Answer> => {
  const { id, request } = question
  const policies = ports.policies()
  const policy = findPolicy(policies, request.host)
  const found = { id, request, policy, policyVersion: policies.version }
  const refusal = policy === undefined ? 'unknown_host' : refusalOf(policy, request)
  if (policy === undefined || refusal !== undefined) {
    return without({ ...found, ...UNASKED, decision: deny(refusal ?? 'unknown_host') })
  }
  const chosen = chooseCredential(policy.credentials, question.bearer, question.cookie)
  const seen = trusted(policy, request)
  return thenAt(authenticate(ports, chosen, seen), (authentication) =>
    decideFor(ports, policy, authentication, {
      id,
      request,
      seen,
      policyVersion: policies.version,
    }),
  )
}

type Asked = Pick<DecisionRecord, 'id' | 'policyVersion'> & {
  readonly request: AccessRequest
  /** Without what the host does not trust. */
  readonly seen: AccessRequest
}

const decideFor = (
  ports: VerifyPorts,
  policy: HostPolicy,
  who: Authentication,
  asked: Asked,
): Eventual<Answer> => {
  const { failure, session } = who
  const now = ports.now()
  const decided = decide(policy, {
    request: asked.seen,
    principal: who.principal,
    bindings: who.bindings,
    sessionCreatedAt: session?.createdAt,
    askedProof: session?.askedProof,
    now,
  })
  const mode = appliedMode(policy, who.principal, now)
  const decision = applyMode(afterFailure(decided, failure, who.credential), mode)
  const record = {
    id: asked.id,
    decision,
    request: asked.request,
    policy,
    policyVersion: asked.policyVersion,
    principal: who.principal,
    credential: who.credential,
    bindings: who.bindings,
    tokenScheme: who.tokenScheme,
    sessionKey: who.sessionKey,
    mode,
  }
  const endsAt = endOf(ports.sessionLimits, session, who.principal, now)
  return withIdentity(ports, policy, record, endsAt)
}

/** Certificate headers are the client's own text where the policy does not say otherwise. */
export const trusted = (policy: HostPolicy, request: AccessRequest): AccessRequest =>
  policy.readsClientCertificate || request.clientCertificate === undefined
    ? request
    : { ...request, clientCertificate: undefined }

/** What is refused before anybody is asked who he is. */
export const refusalOf = (policy: HostPolicy, request: AccessRequest): DenyReason | undefined => {
  if (request.method === 'TRACE' || request.method === 'CONNECT') return 'method_refused'
  if (!request.pathIsConfirmed && !policy.redirectIsOverridden) return 'path_mismatch'
  return request.pathIsAmbiguous && policy.refusesAmbiguousPaths ? 'path_ambiguous' : undefined
}

const UNASKED: Omit<Authentication, 'failure' | 'session'> & Pick<DecisionRecord, 'mode'> = {
  principal: ANONYMOUS,
  credential: 'none',
  sessionKey: undefined,
  mode: 'enforce',
}

/**
 * A stale cookie, or a store that does not answer, must not close a public page or turn a plain
 * no into a question; where the answer would hang on who this is, the failure is the answer. A
 * bearer token that is present decides everywhere.
 */
const afterFailure = (
  decided: Enforced,
  failure: AuthenticationFailure | undefined,
  credential: DecisionRecord['credential'],
): Enforced => {
  if (failure === undefined) return decided
  if (credential !== 'bearer' && decided.effect !== 'challenge') return decided
  return failure.kind === 'challenge'
    ? { effect: 'challenge', reason: failure.reason }
    : { effect: 'unavailable', reason: failure.reason }
}

/** An answer that tells the application nothing. */
const without = (record: DecisionRecord): Answer => ({
  record,
  identity: NOBODY,
  assertion: '',
  groupsCut: 0,
})

const withIdentity = (
  ports: VerifyPorts,
  policy: HostPolicy,
  record: DecisionRecord & { readonly request: AccessRequest },
  endsAt: EpochSeconds | undefined,
): Eventual<Answer> => {
  if (record.decision.effect !== 'allow') return without(record)
  const { host } = record.request
  const sized = ports.identityOf(record.principal, policy, host)
  if (sized === 'too_large') return without({ ...record, decision: deny('identity_too_large') })
  const { identity, groupsCut } = sized
  if (identity === NOBODY) return { record, identity, assertion: '', groupsCut }
  const { sessionKey, policyVersion } = record
  const about = { host, identity, sessionKey, policyVersion, endsAt }
  return thenAt(ports.signAssertion(about), (assertion) => ({
    record,
    identity,
    assertion,
    groupsCut,
  }))
}

/** When what proves the caller ends; undefined for somebody who proves nothing. */
const endOf = (
  limits: SessionLimits,
  session: Session | undefined,
  principal: Principal,
  now: EpochSeconds,
): EpochSeconds | undefined => {
  if (session !== undefined) return idleEnd(session, limits, now)
  if (principal.kind === 'anonymous') return undefined
  const { exp } = (principal.onBehalfOf ?? principal).claims
  return typeof exp === 'number' ? epochSeconds(exp) : undefined
}
