import { type Decision, type WantedProof } from '../../core/decision.ts'
import { type ChallengeReason } from '../../core/reason.ts'

export type Challenge = Extract<Decision, { readonly effect: 'challenge' }>

export type ChallengeContext = {
  /** The scheme with which a token was sent, if one was. */
  readonly scheme: 'bearer' | 'dpop' | undefined
  /** Where the host says how to get a token (RFC 9728 section 5.1). */
  readonly resourceMetadata: string | undefined
  readonly dpopAlgorithms: readonly string[]
}

/** One challenge for callers with tokens: RFC 6750 section 3, RFC 9449 section 7.1, RFC 9470. */
export const wwwAuthenticate = (challenge: Challenge, context: ChallengeContext): string => {
  const isDpop = asksForDpop(challenge, context)
  const parameters = [
    ...errorOf(challenge),
    ...(isDpop ? [`algs="${context.dpopAlgorithms.join(' ')}"`] : []),
    ...(context.resourceMetadata === undefined
      ? []
      : [`resource_metadata="${context.resourceMetadata}"`]),
  ]
  const scheme = isDpop ? 'DPoP' : 'Bearer'
  return parameters.length === 0 ? scheme : `${scheme} ${parameters.join(', ')}`
}

const asksForDpop = ({ bindings }: Challenge, { scheme }: ChallengeContext): boolean =>
  bindings === undefined ? scheme === 'dpop' : bindings.includes('dpop')

/** RFC 6750 section 3.1: an error only where a token was sent. */
const errorOf = ({ reason, proof }: Challenge): readonly string[] => {
  if (proof !== undefined) return proofError(proof)
  const error = ERRORS[reason]
  if (error === undefined) return []
  const [code, description] = error
  return [
    `error="${code}"`,
    ...(description === undefined ? [] : [`error_description="${description}"`]),
  ]
}

/** RFC 9470 section 3. */
const proofError = ({ acr, maxAgeSeconds }: WantedProof): readonly string[] => [
  'error="insufficient_user_authentication"',
  ...(acr.length === 0 ? [] : [`acr_values="${acr.join(' ')}"`]),
  ...(maxAgeSeconds === undefined ? [] : [`max_age=${maxAgeSeconds}`]),
]

const ERRORS: Readonly<
  Partial<Record<ChallengeReason, readonly [code: string, description?: string]>>
> = {
  invalid_token: ['invalid_token'],
  expired_token: ['invalid_token', 'The token has expired'],
  revoked_token: ['invalid_token', 'The token was revoked'],
  token_not_for_host: ['invalid_token', 'The token is not for this host'],
  token_not_yet_valid: ['invalid_token', 'The token is not valid yet'],
  binding_not_proven: ['invalid_token', 'The token is bound to its sender'],
  token_not_bound: ['invalid_token', 'The token has to be bound to its sender'],
  delegation_too_deep: ['invalid_token', 'An agent may act for a person only'],
  invalid_dpop_proof: ['invalid_dpop_proof'],
  use_dpop_nonce: ['use_dpop_nonce'],
}
