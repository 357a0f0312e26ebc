import { type Claims } from '../../core/principal.ts'
import { fail } from '../../core/result.ts'
import { type TokenFailure } from '../../flow/ports.ts'
import { readParts } from './compact-token.ts'
import { principalOf, refusal } from './jwt-verification.ts'
import { isNamedOtherwise, isTime } from './token-claims.ts'
import { type Proof, type TokenIssuer } from './token-issuer.ts'
import { type Verification } from './verification-cache.ts'

type Asked = Extract<Proof, { readonly kind: 'introspection' }>

/** Proves a token by asking its issuer; whatever the answer states besides has to be right too. */
export const verifyIntrospected = async (
  token: string,
  issuer: TokenIssuer,
  proof: Asked,
  now: number,
): Promise<Verification> => {
  const answer = await proof.introspect(token)
  if (answer.kind === 'unreachable') return refusal(fail('issuer_unreachable'), now, always)
  if (answer.kind === 'inactive') return refusal(fail('invalid'), now, always)
  const { claims } = answer
  const failure = isDisowned(token, claims) ? 'invalid' : failureOf(claims, issuer, proof, now)
  if (failure !== undefined) return refusal(fail(failure), now, always)
  const principal = principalOf(claims, issuer)
  if (!principal.ok) return refusal(principal, now, always)
  const expires = endOf(claims, issuer) + issuer.toleranceSeconds
  return { outcome: principal, until: Math.min(expires, answer.until), stillHolds: always }
}

/**
 * A token that says of itself to whom it is bound, or who acts with it, while its issuer keeps
 * silent about that, would count for more than it should.
 */
const isDisowned = (token: string, claims: Claims): boolean => {
  const own = readParts(token)?.claims ?? {}
  return ['cnf', 'act'].some((name) => Object.hasOwn(own, name) && !Object.hasOwn(claims, name))
}

/**
 * When it is over. One that says only when it began ends, too: an order to end what was issued
 * before it is remembered for no longer than a token may live.
 */
const endOf = ({ exp, iat }: Claims, { maxLifetimeSeconds }: TokenIssuer): number => {
  if (isTime(exp)) return exp
  return isTime(iat) ? iat + maxLifetimeSeconds : Number.POSITIVE_INFINITY
}

const always = (): boolean => true

/** RFC 7662 section 2.2: all of it is optional, and what is there counts. */
const failureOf = (
  claims: Claims,
  issuer: TokenIssuer,
  { requiresAudience }: Asked,
  now: number,
): TokenFailure | undefined => {
  const { iss, aud } = claims
  if (iss !== undefined && iss !== issuer.issuer) return 'invalid'
  if (!isFor(aud, issuer.audiences, requiresAudience) || isNamedOtherwise(claims)) return 'invalid'
  return failureOfTimes(claims, issuer, now)
}

const failureOfTimes = (
  claims: Claims,
  issuer: TokenIssuer,
  now: number,
): TokenFailure | undefined => {
  const { exp, nbf, iat } = claims
  if (![exp, nbf, iat].every((time) => time === undefined || isTime(time))) return 'invalid'
  const { maxLifetimeSeconds, toleranceSeconds } = issuer
  if (isTime(exp) && exp - (isTime(iat) ? iat : now) > maxLifetimeSeconds) return 'invalid'
  if (endOf(claims, issuer) + toleranceSeconds <= now) return 'expired'
  return [nbf, iat].some((time) => isTime(time) && time > now + toleranceSeconds)
    ? 'not_yet_valid'
    : undefined
}

const isFor = (aud: unknown, audiences: readonly string[], isRequired: boolean): boolean => {
  if (aud === undefined) return !isRequired
  const named: readonly unknown[] = Array.isArray(aud) ? aud : [aud]
  return audiences.some((audience) => named.includes(audience))
}
