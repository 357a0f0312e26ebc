import { type AccessRequest } from '../core/access-request.ts'
import { decide } from '../core/decide.ts'
import { deny, type Enforced } from '../core/decision.ts'
import { type Explanation, explain } from '../core/explain.ts'
import { type EpochSeconds, epochSeconds } from '../core/ids.ts'
import { type AppliedMode, appliedMode } from '../core/mode.ts'
import { parseOriginalUrl } from '../core/original-url.ts'
import { type Facts } from '../core/policy/criterion.ts'
import { findPolicy, type HostPolicy, type PolicySet } from '../core/policy/policy.ts'
import { ANONYMOUS, type Authenticated, type Principal } from '../core/principal.ts'
import { createHeaderMeanings } from '../edge/http/nginx-headers.ts'
import { readNginxRequest } from '../edge/http/nginx-request.ts'
import { type Caller } from '../edge/policies/cases-file.ts'
import { type CaseRequest } from '../edge/policies/cases-request.ts'
import { refusalOf, trusted } from '../flow/verify.ts'

/** What the service would answer, without a service: who asks, for what, when. */
export type Rehearsal = {
  readonly caller: Caller
  readonly request: CaseRequest
  readonly now: EpochSeconds
}

export type Outcome = {
  /** As if the policy were enforced. */
  readonly decision: Enforced
  readonly mode: AppliedMode
  /** Undefined where nginx or Vestibule cannot make sense of the request. */
  readonly request: AccessRequest | undefined
  readonly policy: HostPolicy | undefined
  /** What rules were asked about; undefined where it did not come to that. */
  readonly facts: Facts | undefined
}

const MEANINGS = createHeaderMeanings(new Set())

/** Takes the same steps as `verify`, from the bytes that nginx would send on. */
export const rehearse = (policies: PolicySet, rehearsal: Rehearsal): Outcome => {
  const { caller, now } = rehearsal
  const read = readNginxRequest(...subrequestOf(rehearsal.request), {
    requireHost: true,
    readCookies: () => ({ credential: { kind: 'none' }, others: '' }),
    meanings: MEANINGS,
  })
  if (!read.ok) return { ...UNASKED, decision: deny(read.failure.reason) }
  const { request } = read.value
  const policy = findPolicy(policies, request.host)
  const refusal = policy === undefined ? 'unknown_host' : refusalOf(policy, request)
  if (policy === undefined || refusal !== undefined) {
    return { ...UNASKED, request, policy, decision: deny(refusal ?? 'unknown_host') }
  }
  const facts: Facts = {
    request: trusted(policy, request),
    principal: principalAt(policy, caller, now),
    sessionCreatedAt: sessionCreatedAt(policy, caller, now),
    bindings: counts(policy, caller) ? caller.bindings : undefined,
    now,
  }
  const mode = appliedMode(policy, facts.principal, now)
  return { decision: decide(policy, facts), mode, request, policy, facts }
}

/** Why the outcome is what it is, rule by rule; undefined where no rule was asked. */
export const explainOutcome = ({ policy, facts }: Outcome): Explanation | undefined =>
  policy === undefined || facts === undefined ? undefined : explain(policy, facts)

const UNASKED: Pick<Outcome, 'mode' | 'request' | 'policy' | 'facts'> = {
  mode: 'enforce',
  request: undefined,
  policy: undefined,
  facts: undefined,
}

/** The auth subrequest that nginx would make: its target, and its raw headers. */
const subrequestOf = (request: CaseRequest): readonly [string, readonly string[]] => {
  const { url, method, clientIp, clientCertificate, namespace, ingress, service } = request
  const original = parseOriginalUrl(url)
  const headers: readonly (readonly [string, string] | undefined)[] = [
    ['X-Original-URL', url],
    ['X-Original-Method', method],
    ['X-Auth-Request-Redirect', original?.target ?? ''],
    clientIp === undefined ? undefined : ['X-Real-IP', clientIp],
    request.isPreflight ? ['Origin', 'https://app.test'] : undefined,
    request.isPreflight ? ['Access-Control-Request-Method', 'GET'] : undefined,
    clientCertificate === undefined ? undefined : ['ssl-client-verify', 'SUCCESS'],
    clientCertificate === undefined
      ? undefined
      : ['ssl-client-cert', encodeURIComponent(clientCertificate)],
  ]
  return [
    `/verify?host=${original?.host ?? ''}&ns=${namespace}&ing=${ingress}&svc=${service}`,
    headers.flatMap((header) => header ?? []),
  ]
}

/** Where a host does not take the kind of credential, its bearer is nobody there. */
const counts = (policy: HostPolicy, { credential }: Caller): boolean =>
  credential !== 'none' && policy.credentials.has(credential)

const principalAt = (policy: HostPolicy, caller: Caller, now: EpochSeconds): Principal => {
  const { principal, authAgeSeconds } = caller
  if (principal.kind === 'anonymous' || !counts(policy, caller)) return ANONYMOUS
  if (authAgeSeconds === undefined) return principal
  const { onBehalfOf } = principal
  return onBehalfOf === undefined
    ? signedInAt(principal, now - authAgeSeconds)
    : { ...principal, onBehalfOf: signedInAt(onBehalfOf, now - authAgeSeconds) }
}

const signedInAt = (principal: Authenticated, seconds: number): Authenticated => ({
  ...principal,
  claims: { ...principal.claims, auth_time: seconds },
})

const sessionCreatedAt = (
  policy: HostPolicy,
  caller: Caller,
  now: EpochSeconds,
): EpochSeconds | undefined =>
  caller.credential === 'cookie' && counts(policy, caller)
    ? epochSeconds(now - (caller.sessionAgeSeconds ?? 0))
    : undefined
