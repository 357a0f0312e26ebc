import {
  CompactSign,
  type CryptoKey,
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  type JWK,
} from 'jose'

export type SigningAlgorithm = 'ES256' | 'RS256'

export type SigningKey = {
  readonly kid: string
  readonly algorithm: SigningAlgorithm
  readonly privateKey: CryptoKey
  readonly privateJwk: JWK
}

export const createSigningKey = async (algorithm: SigningAlgorithm): Promise<SigningKey> => {
  const { privateKey } = await generateKeyPair(algorithm, { extractable: true })
  const jwk = await exportJWK(privateKey)
  const kid = await calculateJwkThumbprint(jwk)
  return {
    kid,
    algorithm,
    privateKey,
    privateJwk: { ...jwk, kid, alg: algorithm, use: 'sig' },
  }
}

export type Claims = Readonly<Record<string, unknown>>

/** Signs whatever it is given: tests need tokens that no correct issuer would make. */
export const signClaims = async (
  claims: Claims,
  { kid, algorithm, privateKey }: SigningKey,
  header: Claims = {},
): Promise<string> =>
  await new CompactSign(new TextEncoder().encode(JSON.stringify(claims)))
    .setProtectedHeader({ alg: algorithm, kid, ...header })
    .sign(privateKey)
