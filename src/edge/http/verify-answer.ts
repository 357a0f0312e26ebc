import { type Decision, type Effect, type WantedProof } from '../../core/decision.ts'
import { identityHeaderValue } from '../../core/identity-headers.ts'
import { type IdentityHeaderNames } from '../../core/identity-source.ts'
import { type HostPolicy } from '../../core/policy/policy.ts'
import { type Answer } from '../../flow/ports.ts'

/** nginx lets 200 through, passes 401 and 403 on, and makes a 500 of everything else. */
export const STATUS = {
  allow: 200,
  challenge: 401,
  deny: 403,
  unavailable: 503,
} as const satisfies Record<Effect, number>

export type VerifyStatus = (typeof STATUS)[Effect]

/** Headers of every answer: no body, nothing that a cache may keep (`auth-cache-key`). */
export const commonHeaders = (id: string, reason: string): string[] => [
  'Content-Length',
  '0',
  'Cache-Control',
  'no-store',
  'X-Vestibule-Decision',
  id,
  'X-Vestibule-Reason',
  reason,
]

/** A decision → the headers that enforce it, names and values in turn. */
export const answerHeaders = (answer: Answer, names: IdentityHeaderNames): string[] => {
  const { record, identity, assertion } = answer
  const headers = commonHeaders(record.id, record.decision.reason)
  if (record.decision.effect === 'allow') {
    // All of them, always: what is missing here, some proxies leave as the client sent it.
    for (const [name, source] of headerNames(names, record.policy)) {
      headers.push(name, identityHeaderValue(source, identity, assertion))
    }
  }
  // For callers that retry, behind proxies that pass the answer on.
  if (record.decision.effect === 'unavailable') headers.push('Retry-After', '1')
  if (record.decision.effect === 'challenge' && record.policy?.credentials.has('bearer') === true) {
    headers.push('WWW-Authenticate', bearerChallenge(record.decision))
  }
  return headers
}

/** The configured headers and those of the host's preset. */
const headerNames = (
  names: IdentityHeaderNames,
  policy: HostPolicy | undefined,
): IdentityHeaderNames =>
  policy === undefined || policy.presetHeaders.length === 0
    ? names
    : [...names, ...policy.presetHeaders]

type Challenge = Extract<Decision, { readonly effect: 'challenge' }>

/** RFC 9470 section 3. */
const proofChallenge = ({ acr, maxAgeSeconds }: WantedProof): string =>
  [
    'Bearer error="insufficient_user_authentication"',
    ...(acr.length === 0 ? [] : [`acr_values="${acr.join(' ')}"`]),
    ...(maxAgeSeconds === undefined ? [] : [`max_age=${maxAgeSeconds}`]),
  ].join(', ')

/** RFC 6750 section 3: an error only where a token was sent. */
const bearerChallenge = ({ reason, proof }: Challenge): string => {
  if (proof !== undefined) return proofChallenge(proof)
  if (reason === 'invalid_token') return 'Bearer error="invalid_token"'
  if (reason === 'expired_token') {
    return 'Bearer error="invalid_token", error_description="The token has expired"'
  }
  if (reason === 'revoked_token') {
    return 'Bearer error="invalid_token", error_description="The token was revoked"'
  }
  return 'Bearer'
}
