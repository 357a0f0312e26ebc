import { createPublicKey, type JsonWebKey } from 'node:crypto'
import { type JWK } from 'jose'
import { z } from 'zod'

export type PublicKeys = {
  readonly keys: readonly JWK[]
  /** How many others the set held that cannot be used. */
  readonly skipped: number
}

/** What the member `use` of a signature key says: `jwt-svid` in a SPIFFE trust bundle. */
export type KeyUse = 'sig' | 'jwt-svid'

const MOST_KEYS = 100
const KEY_SET = z.object({ keys: z.array(z.record(z.string(), z.unknown())).max(MOST_KEYS) })

/**
 * Reads a JWK Set; throws where it is none. Bad keys among good ones are left out: symmetric,
 * private, weak, malformed, or meant for something else.
 */
export const parsePublicKeys = (value: unknown, use: KeyUse): PublicKeys => {
  const { keys } = KEY_SET.parse(value)
  const usable = keys.flatMap((key) => usableKey(key, use) ?? [])
  return { keys: usable, skipped: keys.length - usable.length }
}

const usableKey = (key: Readonly<Record<string, unknown>>, use: KeyUse): JWK | undefined => {
  if (Object.hasOwn(key, 'd') || Object.hasOwn(key, 'k')) return undefined
  const { data } = PUBLIC_KEY.safeParse(key)
  if (data === undefined || !isMeantFor(data, use) || !isStrong(data)) return undefined
  const { kid, alg, use: _use, key_ops: _operations, ...rest } = data
  // The library takes an absent member, but not an undefined one.
  return {
    ...rest,
    ...(kid === undefined ? {} : { kid }),
    ...(alg === undefined ? {} : { alg }),
  }
}

/** In a trust bundle a key has to say that it signs JWT-SVIDs; elsewhere it may say nothing. */
const isMeantFor = (key: PublicKey, use: KeyUse): boolean => {
  if (key.key_ops?.includes('verify') === false) return false
  return key.use === use || (key.use === undefined && use === 'sig')
}

/** RSA of 2048 bits or more (RFC 7518 section 3.3) with a sound exponent; points on their curve. */
const isStrong = (key: PublicKey): boolean => {
  try {
    const { asymmetricKeyType, asymmetricKeyDetails } = createPublicKey({
      key: jsonWebKeyOf(key),
      format: 'jwk',
    })
    if (asymmetricKeyType !== 'rsa') return true
    const { modulusLength = 0, publicExponent = 0n } = asymmetricKeyDetails ?? {}
    return modulusLength >= 2048 && modulusLength <= 8192 && isSoundExponent(publicExponent)
  } catch {
    return false
  }
}

const isSoundExponent = (exponent: bigint): boolean =>
  exponent >= 65_537n && exponent < 2n ** 32n && exponent % 2n === 1n

const jsonWebKeyOf = (key: PublicKey): JsonWebKey => {
  if (key.kty === 'RSA') return { kty: key.kty, n: key.n, e: key.e }
  return key.kty === 'EC'
    ? { kty: key.kty, crv: key.crv, x: key.x, y: key.y }
    : { kty: key.kty, crv: key.crv, x: key.x }
}

const base64url = z.string().regex(/^[A-Za-z0-9_-]{1,2048}$/)
const common = {
  kid: z.string().optional(),
  alg: z
    .string()
    .regex(/^(?:[RPE]S(?:256|384|512)|EdDSA|Ed25519)$/)
    .optional(),
  use: z.string().optional(),
  key_ops: z.array(z.string()).optional(),
}
const PUBLIC_KEY = z.discriminatedUnion('kty', [
  z.object({ kty: z.literal('RSA'), n: base64url, e: base64url, ...common }),
  z.object({
    kty: z.literal('EC'),
    crv: z.enum(['P-256', 'P-384', 'P-521']),
    x: base64url,
    y: base64url,
    ...common,
  }),
  z.object({ kty: z.literal('OKP'), crv: z.literal('Ed25519'), x: base64url, ...common }),
])
type PublicKey = z.infer<typeof PUBLIC_KEY>
