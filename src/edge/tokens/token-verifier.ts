import { errors, type JWTVerifyGetKey, type JWTVerifyOptions, jwtVerify } from 'jose'
import { bearerPrincipal, type Voucher } from '../../core/delegation.ts'
import { type Authenticated } from '../../core/principal.ts'
import { fail, type Result } from '../../core/result.ts'
import { type TokenFailure, type TokenVerifier } from '../../flow/ports.ts'
import { readCompactToken } from './compact-token.ts'
import { type KeySet } from './key-set.ts'
import { claimsAreSound, isAcceptedType } from './token-claims.ts'

export type TokenIssuer = Voucher & {
  readonly audiences: readonly string[]
  readonly algorithms: readonly string[]
  readonly maxLifetimeSeconds: number
  readonly toleranceSeconds: number
  readonly keys: KeySet
}

type Verified = Result<Authenticated, TokenFailure>

/** Proves bearer tokens (JWT) of the configured issuers; each issuer has keys of its own. */
export const createTokenVerifier = (
  issuers: readonly TokenIssuer[],
  nowSeconds: () => number,
): TokenVerifier => {
  const byIssuer = new Map(issuers.map((issuer) => [issuer.issuer, issuer]))
  return async (token) => {
    const read = readCompactToken(token)
    const issuer = read === undefined ? undefined : byIssuer.get(read.issuer)
    if (read === undefined || issuer === undefined || !isAcceptedType(read.type)) {
      return fail('invalid')
    }
    const keys = await issuer.keys.current()
    if (!keys.ok) return fail('unreachable')
    const verified = await verifyWith(token, issuer, keys.value, nowSeconds())
    if (verified !== 'key_not_found') return verified
    const refetched = await issuer.keys.refetched()
    if (refetched === undefined) return fail('invalid')
    const again = await verifyWith(token, issuer, refetched, nowSeconds())
    return again === 'key_not_found' ? fail('invalid') : again
  }
}

const verifyWith = async (
  token: string,
  issuer: TokenIssuer,
  key: JWTVerifyGetKey,
  nowSeconds: number,
): Promise<Verified | 'key_not_found'> => {
  try {
    const { payload } = await jwtVerify(token, key, verifyOptions(issuer, nowSeconds))
    if (!claimsAreSound(payload, issuer, nowSeconds)) return fail('invalid')
    return bearerPrincipal(payload, issuer)
  } catch (error) {
    return failureOf(error)
  }
}

/** Everything the library leaves optional is required here. */
const verifyOptions = (issuer: TokenIssuer, nowSeconds: number): JWTVerifyOptions => ({
  issuer: issuer.issuer,
  audience: [...issuer.audiences],
  algorithms: [...issuer.algorithms],
  requiredClaims: ['exp', 'iat', 'sub'],
  clockTolerance: issuer.toleranceSeconds,
  currentDate: new Date(nowSeconds * 1000),
})

/** By code, never by message; whatever else a token makes the library throw proves nothing. */
const failureOf = (error: unknown): Verified | 'key_not_found' => {
  if (error instanceof errors.JWKSNoMatchingKey) return 'key_not_found'
  return fail(error instanceof errors.JWTExpired ? 'expired' : 'invalid')
}
