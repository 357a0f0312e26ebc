import { type Claims, parseSubject } from '../../core/principal.ts'

export type ClaimLimits = {
  readonly maxLifetimeSeconds: number
  readonly toleranceSeconds: number
}

/**
 * What `jwtVerify` leaves unchecked: numbers that are finite, an `iat` that is not to come, a
 * lifetime within the limit, a usable subject (RFC 7519 section 4.1; `exp: 1e999` is Infinity).
 */
export const claimsAreSound = (
  claims: Claims,
  limits: ClaimLimits,
  nowSeconds: number,
): boolean => {
  const { exp, iat, nbf } = claims
  if (!isTime(exp) || !isTime(iat) || !(nbf === undefined || isTime(nbf))) return false
  return (
    iat <= nowSeconds + limits.toleranceSeconds &&
    iat < exp &&
    exp - iat <= limits.maxLifetimeSeconds &&
    parseSubject(claims['sub']) !== undefined
  )
}

const isTime = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(Math.trunc(value)) && value > 0

/**
 * The kinds of JWT that may stand as a bearer token: none given, `JWT`, or an access token
 * (RFC 9068 section 2.1). ID tokens cannot be told by type; their audience is the client.
 */
export const isAcceptedType = (type: unknown): boolean =>
  type === undefined ||
  (typeof type === 'string' && /^(?:application\/)?(?:jwt|at\+jwt)$/i.test(type))
