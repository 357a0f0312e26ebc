import { type Claims, parseSubject } from '../../core/principal.ts'

/** Claims that concern the token, not the person; a session need not remember them. */
const ABOUT_THE_TOKEN: ReadonlySet<string> = new Set([
  'aud',
  'azp',
  'at_hash',
  'c_hash',
  's_hash',
  'nonce',
  'iat',
  'exp',
  'nbf',
  'jti',
  'iss',
  'sub',
])

/** How old an ID token fresh from the token endpoint may be, clocks differing. */
const OLDEST_SECONDS = 600
const CLOCK_TOLERANCE_SECONDS = 60

export type IdTokenFault = 'subject' | 'issued_at' | 'session' | 'type'

/**
 * What openid-client leaves unchecked: a usable subject and `sid`, a recent `iat`, and that the token
 * is no other kind of JWT (RFC 8725 section 3.11).
 */
export const idTokenFault = (
  claims: Claims,
  type: unknown,
  nowSeconds: number,
): IdTokenFault | undefined => {
  if (parseSubject(claims['sub']) === undefined) return 'subject'
  const issuedAt = claims['iat']
  const isRecent =
    typeof issuedAt === 'number' &&
    issuedAt <= nowSeconds + CLOCK_TOLERANCE_SECONDS &&
    issuedAt >= nowSeconds - OLDEST_SECONDS
  if (!isRecent) return 'issued_at'
  // A sign-out at the provider names the session by it, so it has to be a name.
  if (claims['sid'] !== undefined && typeof claims['sid'] !== 'string') return 'session'
  const isIdToken = type === undefined || (typeof type === 'string' && type.toUpperCase() === 'JWT')
  return isIdToken ? undefined : 'type'
}

export const personalClaims = (claims: Claims): Claims =>
  Object.fromEntries(Object.entries(claims).filter(([name]) => !ABOUT_THE_TOKEN.has(name)))
