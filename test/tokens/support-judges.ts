import { createLocalJWKSet, errors, jwtVerify } from 'jose'
import { createKeySet, LOCAL } from '../../src/edge/tokens/key-set.ts'
import { fileKeys } from '../../src/edge/tokens/key-sources.ts'
import { parsePublicKeys } from '../../src/edge/tokens/public-keys.ts'
import { claimsFailure } from '../../src/edge/tokens/token-claims.ts'
import { createTokenVerifier } from '../../src/edge/tokens/token-verifier.ts'
import { KEY_SET } from './support-signatures.ts'
import { issuerOf, NOW } from './support-tokens.ts'

export const ISSUER = 'https://a.test'
export const ALGORITHMS = [
  'RS256',
  'RS512',
  'PS256',
  'PS384',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
]

export const keys = createKeySet({
  load: fileKeys(() => Promise.resolve(KEY_SET), 'sig'),
  pace: LOCAL,
  nowMs: () => NOW * 1000,
  onFailure: (detail) => {
    throw new Error(detail)
  },
})
const issuer = issuerOf(
  ISSUER,
  { nowMs: NOW * 1000 },
  { proof: { kind: 'signature', algorithms: ALGORITHMS, keys, review: undefined } },
)
export const verify = createTokenVerifier([issuer], { nowSeconds: () => NOW })

const find = createLocalJWKSet({
  keys: [...parsePublicKeys(JSON.parse(KEY_SET), 'sig').keys],
})

/** What the library says of a token, and where it says yes, our rules about claims. */
export const byLibrary = async (token: string): Promise<string> => {
  try {
    const { payload } = await jwtVerify(token, find, {
      issuer: ISSUER,
      audience: ['vestibule'],
      algorithms: ALGORITHMS,
      requiredClaims: ['exp', 'sub'],
      clockTolerance: 30,
      currentDate: new Date(NOW * 1000),
    })
    return claimsFailure(payload, issuer, NOW) ?? 'accepted'
  } catch (error) {
    return verdictOf(error)
  }
}

const verdictOf = (error: unknown): string => {
  if (error instanceof errors.JWTExpired) return 'expired'
  const isEarly =
    error instanceof errors.JWTClaimValidationFailed &&
    error.claim === 'nbf' &&
    error.reason === 'check_failed'
  return isEarly ? 'not_yet_valid' : 'invalid'
}
