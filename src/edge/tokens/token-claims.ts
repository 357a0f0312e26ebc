import { type Actor, type Claims, claimAt, parseSubject } from '../../core/principal.ts'
import { type TokenFailure } from '../../flow/ports.ts'

export type ClaimRules = {
  readonly maxLifetimeSeconds: number
  readonly toleranceSeconds: number
  /** JWT-SVIDs need not say when they were issued. */
  readonly requiresIssuedAt: boolean
  /** Claims that every token of this issuer has. */
  readonly requires: readonly string[]
  readonly types: AcceptedTypes
  readonly acceptsIdTokens: boolean
}

/** `access`: RFC 9068 alone. `any`: those and plain JWTs. `svid`: what SPIFFE allows. */
export type AcceptedTypes = 'access' | 'any' | 'svid'

/** Who may have made a token, and for whom. */
export type Addresses = {
  /** The exact `iss`; `spiffe://<trust domain>` for JWT-SVIDs, which need not have one. */
  readonly issuer: string
  /** JWT-SVIDs are of whom their subject says; undefined for everybody else. */
  readonly trustDomain: string | undefined
  readonly audiences: readonly string[]
}

/**
 * Who made a token, for whom, and when it is good (RFC 7519 section 4.1). Undefined where all is
 * well. What is said of a token that fails in several ways depends on the order.
 */
export const registeredFailure = (
  claims: Claims,
  rules: Addresses & Pick<ClaimRules, 'toleranceSeconds'>,
  nowSeconds: number,
): TokenFailure | undefined => {
  if (!isAddressed(claims, rules)) return 'invalid'
  const { iat, nbf, exp } = claims
  if (!isNumberIfStated(iat) || !isNumberIfStated(nbf)) return 'invalid'
  if (nbf !== undefined && nbf > nowSeconds + rules.toleranceSeconds) return 'not_yet_valid'
  if (typeof exp !== 'number') return 'invalid'
  return exp <= nowSeconds - rules.toleranceSeconds ? 'expired' : undefined
}

const isAddressed = (claims: Claims, { issuer, trustDomain, audiences }: Addresses): boolean => {
  const { iss, aud } = claims
  if (!EVERYWHERE.every((name) => Object.hasOwn(claims, name))) return false
  if (trustDomain === undefined && iss !== issuer) return false
  return audiences.some((each) => (Array.isArray(aud) ? aud.includes(each) : aud === each))
}

/** Claims without which a token is none. */
const EVERYWHERE = ['exp', 'sub', 'aud']

const isNumberIfStated = (value: unknown): value is number | undefined =>
  value === undefined || typeof value === 'number'

/**
 * What else has to be right: numbers that are finite, an `iat` that is not to come, a lifetime
 * within the limit, a usable subject (RFC 7519 section 4.1; `exp: 1e999` is Infinity). Undefined
 * where all is well.
 */
export const claimsFailure = (
  claims: Claims,
  rules: ClaimRules,
  nowSeconds: number,
): TokenFailure | undefined => {
  const { exp, iat } = claims
  const begins = timesOf([iat, claims['nbf']])
  if (!isTime(exp) || begins === undefined || begins.some((time) => time >= exp)) return 'invalid'
  const since = isTime(iat) ? iat : nowSeconds
  if (exp - since > rules.maxLifetimeSeconds) return 'invalid'
  if (!isComplete(claims, rules) || !isRightKind(claims, rules)) return 'invalid'
  const latest = nowSeconds + rules.toleranceSeconds
  return begins.some((time) => time > latest) ? 'not_yet_valid' : undefined
}

/** Those that are stated; undefined where one of them is no time. */
const timesOf = (values: readonly unknown[]): readonly number[] | undefined => {
  const stated = values.filter((value) => value !== undefined)
  return stated.every(isTime) ? stated : undefined
}

export const isTime = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(Math.trunc(value)) && value > 0

const isComplete = (claims: Claims, { requires, requiresIssuedAt, types }: ClaimRules): boolean =>
  (!requiresIssuedAt || Object.hasOwn(claims, 'iat')) &&
  parseSubject(claims['sub']) !== undefined &&
  requires.every((name) => isStated(claimAt(claims, name))) &&
  (types !== 'access' || ACCESS_TOKEN_CLAIMS.every((name) => isStated(claims[name])))

const isStated = (value: unknown): boolean => value !== undefined && value !== null && value !== ''

/** RFC 9068 section 2.2, besides those that every token needs. */
const ACCESS_TOKEN_CLAIMS = ['client_id', 'jti']

/** An ID token tells a client who signed in there; it is no right to call anybody. */
const isRightKind = (claims: Claims, { acceptsIdTokens, types }: ClaimRules): boolean => {
  // It tells of an event (RFC 8417), such as a sign-out; nobody may call with it.
  if (isNamedOtherwise(claims) || Object.hasOwn(claims, 'events')) return false
  return (
    acceptsIdTokens ||
    types === 'access' ||
    !ID_TOKEN_CLAIMS.some((name) => Object.hasOwn(claims, name))
  )
}

/** OpenID Connect Core sections 2 and 3.3.2.11. */
const ID_TOKEN_CLAIMS = ['nonce', 'at_hash', 'c_hash', 's_hash']

/** Providers that say in a claim which of their tokens this is. */
export const isNamedOtherwise = (claims: Claims): boolean =>
  /^(?:id|refresh)/i.test(textOf(claims['token_use'])) ||
  /^(?:id|refresh|offline|logout)$/i.test(textOf(claims['typ']))

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

/** `typ` of the header; one that is given has to be right (RFC 8725 section 3.11). */
export const isAcceptedType = (type: unknown, accepted: AcceptedTypes): boolean => {
  if (type === undefined) return accepted !== 'access'
  return typeof type === 'string' && TYPES[accepted].test(type)
}

const TYPES: Readonly<Record<AcceptedTypes, RegExp>> = {
  access: /^(?:application\/)?at\+jwt$/i,
  any: /^(?:application\/)?(?:jwt|at\+jwt)$/i,
  svid: /^(?:JWT|JOSE)$/,
}

/**
 * A client that got a token for itself is no person, whatever `sub` it has in common with one
 * (RFC 9700 section 4.15; RFC 9068 section 5).
 */
export const actorOf = (claims: Claims, actor: Actor): Actor => {
  const isClient = [claims['client_id'], claims['azp']].includes(claims['sub'])
  return actor === 'human' && isClient ? 'workload' : actor
}
