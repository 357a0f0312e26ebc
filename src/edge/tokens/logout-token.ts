import { errors, type JWTVerifyGetKey, jwtVerify } from 'jose'
import {
  isLogoutType,
  LOGOUT_TOLERANCE_SECONDS,
  type LogoutFault,
  type LogoutNotice,
  type LogoutTokenRules,
  readLogoutClaims,
} from '../../core/logout-token.ts'
import { type Claims } from '../../core/principal.ts'
import { fail, ok, type Result } from '../../core/result.ts'
import { readCompactToken } from './compact-token.ts'
import { type KeySet } from './key-set.ts'

export type LogoutTokenOptions = LogoutTokenRules & {
  readonly issuer: string
  /** Our name at the provider; the token has to be for us. */
  readonly clientId: string
  /** Those of ID tokens (Back-Channel Logout 1.0 section 2.6, step 3). */
  readonly algorithms: () => Promise<Result<readonly string[], 'unreachable'>>
  readonly keys: LogoutKeys
  readonly nowSeconds: () => number
}

/** The keys of the provider. */
export type LogoutKeys = Pick<KeySet, 'current' | 'changed'>

type Fault = LogoutFault | 'unreachable'

/** Proves what the provider says at the back channel; what it says is then read by the core. */
export const createLogoutTokenVerifier =
  (options: LogoutTokenOptions) =>
  async (token: string): Promise<Result<LogoutNotice, Fault>> => {
    const read = readCompactToken(token)
    if (read?.kind !== 'jwt') return fail('malformed')
    if (read.issuer !== options.issuer) return fail('issuer')
    if (!isLogoutType(read.type, options)) return fail('type')
    const claims = await verify(options, token)
    return claims.ok ? readLogoutClaims(claims.value, options, options.nowSeconds()) : claims
  }

const verify = async (
  options: LogoutTokenOptions,
  token: string,
): Promise<Result<Claims, Fault>> => {
  const algorithms = await options.algorithms()
  if (!algorithms.ok) return algorithms
  const keys = await options.keys.current()
  if (!keys.ok) return keys
  const verified = await verifyWith(options, token, algorithms.value, keys.value.find)
  if (verified !== 'key_not_found') return verified
  const fetched = await options.keys.changed(keys.value.generation)
  if (!fetched.ok) return fetched
  if (fetched.value === undefined) return fail('signature')
  const again = await verifyWith(options, token, algorithms.value, fetched.value.find)
  return again === 'key_not_found' ? fail('signature') : again
}

const verifyWith = async (
  { issuer, clientId, nowSeconds }: LogoutTokenOptions,
  token: string,
  algorithms: readonly string[],
  key: JWTVerifyGetKey,
): Promise<Result<Claims, Fault> | 'key_not_found'> => {
  try {
    const { payload } = await jwtVerify(token, key, {
      issuer,
      audience: clientId,
      algorithms: [...algorithms],
      clockTolerance: LOGOUT_TOLERANCE_SECONDS,
      currentDate: new Date(nowSeconds() * 1000),
    })
    return ok(payload)
  } catch (error) {
    return error instanceof errors.JWKSNoMatchingKey ? 'key_not_found' : fail(faultOf(error))
  }
}

/** By class and claim, never by message. */
const faultOf = (error: unknown): LogoutFault => {
  if (error instanceof errors.JWTExpired) return 'time'
  if (error instanceof errors.JWTClaimValidationFailed) {
    return error.claim === 'aud' ? 'audience' : 'time'
  }
  return 'signature'
}
