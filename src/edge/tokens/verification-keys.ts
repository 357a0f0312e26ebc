import { constants, createPublicKey, type KeyObject, verify } from 'node:crypto'
import { type JWK } from 'jose'
import { fail, ok, type Result } from '../../core/result.ts'

/** A key of an issuer, bound to the one algorithm that it may be used with here. */
export type VerificationKey = {
  /** Signatures of another length are none. */
  readonly signatureBytes: number
  /** Where that is cheap: looks at the signature in the same turn of the event loop. */
  readonly hasSigned: ((text: Uint8Array, signature: Uint8Array) => boolean) | undefined
}

/**
 * The key that has to have signed a token with such a header. Where several fit it is refused:
 * whose key it was would be a guess.
 */
export type ChooseKey = (
  algorithm: string,
  kid: unknown,
) => Result<VerificationKey, 'key_not_found' | 'ambiguous'>

/**
 * Makes keys of a key set, once. Type, curve and `alg` of a key say what it is good for; a token
 * only picks among that (RFC 8725 section 3.1).
 */
export const createVerificationKeys = (jwks: readonly JWK[]): ChooseKey => {
  const keys = jwks.flatMap((jwk) => boundKeys(jwk))
  const byAlgorithm = Map.groupBy(keys, ({ algorithm }) => algorithm)
  return (algorithm, kid) => {
    const candidates = byAlgorithm.get(algorithm) ?? []
    const fitting = kid === undefined ? candidates : candidates.filter((key) => key.kid === kid)
    const [only, ...more] = fitting
    if (only === undefined) return fail('key_not_found')
    return more.length > 0 ? fail('ambiguous') : ok(only)
  }
}

type BoundKey = VerificationKey & { readonly algorithm: string; readonly kid: string | undefined }

const boundKeys = (jwk: JWK): readonly BoundKey[] => {
  const fitting = [...ALGORITHMS].filter(
    ([name, { kty, crv }]) =>
      kty === jwk.kty && crv === jwk.crv && (jwk.alg === undefined || jwk.alg === name),
  )
  const key = fitting.length === 0 ? undefined : publicKeyOf(jwk)
  if (key === undefined) return []
  return fitting.map(([algorithm, how]) => ({
    algorithm,
    kid: jwk.kid,
    signatureBytes: how.signatureBytes ?? Math.ceil(modulusLength(key) / 8),
    hasSigned: isCheap(key) ? signedBy(key, how) : undefined,
  }))
}

/** Whatever no key can be made of is none. */
const publicKeyOf = ({ kty, crv, x, y, n, e }: JWK): KeyObject | undefined => {
  const members = Object.entries({ kty, crv, x, y, n, e })
  const key = Object.fromEntries(members.filter(([, value]) => value !== undefined))
  try {
    return createPublicKey({ key, format: 'jwk' })
  } catch {
    return undefined
  }
}

type Algorithm = {
  readonly kty: 'RSA' | 'EC' | 'OKP'
  readonly crv?: string
  readonly hash: string | null
  /** Undefined where it is as long as the modulus. */
  readonly signatureBytes?: number
  readonly options: {
    readonly padding?: number
    readonly saltLength?: number
    readonly dsaEncoding?: 'ieee-p1363'
  }
}

const pkcs1 = (bits: number): Algorithm => ({
  kty: 'RSA',
  hash: `sha${bits}`,
  options: { padding: constants.RSA_PKCS1_PADDING },
})

/** The salt is as long as the hash (RFC 7518 section 3.5). */
const pss = (bits: number): Algorithm => ({
  kty: 'RSA',
  hash: `sha${bits}`,
  options: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: bits / 8 },
})

/** R and S, each as long as the order of the curve (RFC 7518 section 3.4). */
const ecdsa = (crv: string, bits: number, signatureBytes: number): Algorithm => ({
  kty: 'EC',
  crv,
  hash: `sha${bits}`,
  signatureBytes,
  options: { dsaEncoding: 'ieee-p1363' },
})

const ED25519: Algorithm = {
  kty: 'OKP',
  crv: 'Ed25519',
  hash: null,
  signatureBytes: 64,
  options: {},
}

/** What is not here does not exist: no HMAC, no `none`. */
const ALGORITHMS: ReadonlyMap<string, Algorithm> = new Map([
  ['RS256', pkcs1(256)],
  ['RS384', pkcs1(384)],
  ['RS512', pkcs1(512)],
  ['PS256', pss(256)],
  ['PS384', pss(384)],
  ['PS512', pss(512)],
  ['ES256', ecdsa('P-256', 256, 64)],
  ['ES384', ecdsa('P-384', 384, 96)],
  ['ES512', ecdsa('P-521', 512, 132)],
  ['EdDSA', ED25519],
  ['Ed25519', ED25519],
])

const modulusLength = (key: KeyObject): number => key.asymmetricKeyDetails?.modulusLength ?? 0

/**
 * One look takes 22 µs (RSA of 2048 bits), 70 (4096), 66 (P-256) or 108 (Ed25519). Those that take
 * 250 (RSA of 8192 bits), 630 (P-384) or 1,460 (P-521) would keep others waiting.
 */
const isCheap = (key: KeyObject): boolean => {
  const { namedCurve, publicExponent } = key.asymmetricKeyDetails ?? {}
  if (key.asymmetricKeyType === 'rsa') {
    return modulusLength(key) <= 4096 && publicExponent === 65_537n
  }
  return key.asymmetricKeyType === 'ed25519' || namedCurve === 'prime256v1'
}

const signedBy = (
  key: KeyObject,
  { hash, options }: Algorithm,
): NonNullable<VerificationKey['hasSigned']> => {
  const input = { key, ...options }
  return (text, signature) => {
    try {
      return verify(hash, text, input, signature)
    } catch {
      return false
    }
  }
}
