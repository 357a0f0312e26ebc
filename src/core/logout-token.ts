import { type Claims, parseSubject } from './principal.ts'
import { fail, ok, type Result } from './result.ts'

/** What the provider says is over: a session of its own, a subject, or that session of that one. */
export type LogoutNotice = {
  readonly issuer: string
  readonly whom:
    | { readonly kind: 'session'; readonly sid: string; readonly subject: string | undefined }
    | { readonly kind: 'subject'; readonly subject: string }
  /** By the clock of the provider. */
  readonly issuedMs: number
  /** `jti`: the same notice does not count twice. */
  readonly tokenId: string
}

/** Why a logout token is none; label values of a metric, and words of the log. */
export type LogoutFault =
  | 'malformed'
  | 'issuer'
  | 'type'
  | 'signature'
  | 'audience'
  | 'time'
  | 'token_id'
  | 'whom'
  | 'events'
  | 'nonce'

export type LogoutTokenRules = {
  /** Takes tokens without `typ`, or with `JWT`, as older providers send them. */
  readonly allowUntyped: boolean
  /** Takes tokens without `exp`, which the first edition of the specification did not ask for. */
  readonly allowWithoutExpiry: boolean
}

/** Clocks may differ by so much. */
export const LOGOUT_TOLERANCE_SECONDS = 60
/** Older ones are not taken, whatever `exp` says; so long has a `jti` to be remembered. */
export const LOGOUT_OLDEST_SECONDS = 600

const EVENT = 'http://schemas.openid.net/event/backchannel-logout'

/** RFC 8725 section 3.11: one that says what it is cannot be taken for another kind of token. */
export const isLogoutType = (type: unknown, { allowUntyped }: LogoutTokenRules): boolean =>
  type === undefined
    ? allowUntyped
    : typeof type === 'string' &&
      (/^(?:application\/)?logout\+jwt$/i.test(type) || (allowUntyped && /^jwt$/i.test(type)))

/**
 * Reads claims whose signature, issuer and audience are right (Back-Channel Logout 1.0 section
 * 2.6, steps 4 to 7). Whatever else they hold is ignored, as section 2.4 says.
 */
export const readLogoutClaims = (
  claims: Claims,
  rules: LogoutTokenRules,
  nowSeconds: number,
): Result<LogoutNotice, LogoutFault> => {
  const issuer = claims['iss']
  const issuedAt = claims['iat']
  const tokenId = claims['jti']
  const whom = whomOf(claims)
  if (typeof issuer !== 'string') return fail('issuer')
  if (!isRecent(issuedAt, nowSeconds) || !isUnexpired(claims, rules, nowSeconds)) {
    return fail('time')
  }
  if (!isTokenId(tokenId)) return fail('token_id')
  if (whom === undefined) return fail('whom')
  if (!saysLogout(claims)) return fail('events')
  // An ID token has one; a logout token must not, so that neither stands for the other.
  if (Object.hasOwn(claims, 'nonce')) return fail('nonce')
  return ok({ issuer, whom, issuedMs: Math.floor(issuedAt * 1000), tokenId })
}

const isRecent = (value: unknown, nowSeconds: number): value is number =>
  typeof value === 'number' &&
  value <= nowSeconds + LOGOUT_TOLERANCE_SECONDS &&
  value >= nowSeconds - LOGOUT_OLDEST_SECONDS

const isUnexpired = (
  claims: Claims,
  { allowWithoutExpiry }: LogoutTokenRules,
  nowSeconds: number,
): boolean => {
  if (!Object.hasOwn(claims, 'exp')) return allowWithoutExpiry
  const exp = claims['exp']
  return (
    typeof exp === 'number' && Number.isFinite(exp) && exp > nowSeconds - LOGOUT_TOLERANCE_SECONDS
  )
}

const isTokenId = (value: unknown): value is string =>
  typeof value === 'string' && value !== '' && value.length <= 1024

/** A name that is given has to be one; at least one of the two is. */
const whomOf = (claims: Claims): LogoutNotice['whom'] | undefined => {
  const [hasSubject, hasSid] = [Object.hasOwn(claims, 'sub'), Object.hasOwn(claims, 'sid')]
  const subject = parseSubject(claims['sub'])
  const sid = parseSubject(claims['sid'])
  if (hasSubject && subject === undefined) return undefined
  if (hasSid) return sid === undefined ? undefined : { kind: 'session', sid, subject }
  return subject === undefined ? undefined : { kind: 'subject', subject }
}

const saysLogout = ({ events }: Claims): boolean =>
  isObject(events) && Object.hasOwn(events, EVENT) && isObject(events[EVENT])

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
