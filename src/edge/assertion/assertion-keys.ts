import { createPrivateKey, type KeyObject } from 'node:crypto'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose'
import { z } from 'zod'
import { fail, ok, type Result } from '../../core/result.ts'

/** ES256 is short and quick; RS256 is for back ends that know nothing else. */
export const ASSERTION_ALGORITHMS = ['ES256', 'RS256'] as const
export type AssertionAlgorithm = (typeof ASSERTION_ALGORITHMS)[number]

/** Bytes of a signature, at most. */
export const SIGNATURE_BYTES: Readonly<Record<AssertionAlgorithm, number>> = {
  ES256: 64,
  RS256: 384,
}

/** A signing key with its public half; `kid` is the thumbprint (RFC 7638). */
export type AssertionKey = {
  readonly kid: string
  readonly algorithm: AssertionAlgorithm
  readonly privateKey: KeyObject
  readonly publicJwk: JWK
}

/** Newest first: it signs; all are published, so that assertions from before a rotation verify. */
export type AssertionKeys = readonly [AssertionKey, ...AssertionKey[]]

const number = z.string().regex(/^[A-Za-z0-9_-]+$/)

const PRIVATE_KEY = z.discriminatedUnion('kty', [
  z.object({ kty: z.literal('EC'), crv: z.literal('P-256'), x: number, y: number, d: number }),
  z.object({
    kty: z.literal('RSA'),
    // 2048 to 3072 bits: less is weak, more does not fit beside the other headers.
    n: number.min(342).max(512),
    e: number,
    d: number,
    p: number,
    q: number,
    dp: number,
    dq: number,
    qi: number,
  }),
])
type PrivateJwk = z.infer<typeof PRIVATE_KEY>

const KEY_SET = z.object({ keys: z.array(PRIVATE_KEY).min(1).max(10) })

type KeyFault = { readonly problem: string; readonly remedy: string }

/**
 * Reads a JWK Set of private keys, newest first.
 *
 * @param algorithm that one of them has to be for; any if undefined
 */
export const parseAssertionKeys = async (
  text: string,
  algorithm?: AssertionAlgorithm,
): Promise<Result<AssertionKeys, KeyFault>> => {
  const remedy =
    'Write a JWK Set of private keys, EC P-256 or RSA of 2048 to 3072 bits; `vestibule keys generate` makes one.'
  try {
    const { keys } = KEY_SET.parse(JSON.parse(text))
    const [first, ...rest] = await Promise.all(keys.map(assertionKeyOf))
    if (first === undefined) return fail({ problem: 'holds no key', remedy })
    const read: AssertionKeys = [first, ...rest]
    return algorithm === undefined || read.some((key) => key.algorithm === algorithm)
      ? ok(read)
      : fail({
          problem: `holds no key for ${algorithm}, which assertion.algorithm asks for`,
          remedy: `\`vestibule keys generate assertion --algorithm ${algorithm}\` makes one.`,
        })
  } catch {
    return fail({ problem: 'is no set of assertion keys', remedy })
  }
}

const assertionKeyOf = async (jwk: PrivateJwk): Promise<AssertionKey> => {
  const algorithm = jwk.kty === 'EC' ? 'ES256' : 'RS256'
  const privateKey = createPrivateKey({ key: jwk, format: 'jwk' })
  const half = publicHalf(jwk)
  const kid = await calculateJwkThumbprint(half)
  return { kid, algorithm, privateKey, publicJwk: { ...half, kid, alg: algorithm, use: 'sig' } }
}

/** Member by member, so that nothing private can slip through. */
const publicHalf = (jwk: PrivateJwk): JWK =>
  jwk.kty === 'EC'
    ? { kty: jwk.kty, crv: jwk.crv, x: jwk.x, y: jwk.y }
    : { kty: jwk.kty, n: jwk.n, e: jwk.e }

/** A private key as it stands in the file of keys. */
export const generateAssertionJwk = async (
  algorithm: AssertionAlgorithm = 'ES256',
): Promise<PrivateJwk> => {
  const { privateKey } = await generateKeyPair(algorithm, { extractable: true })
  return PRIVATE_KEY.parse(await exportJWK(privateKey))
}

/** Keys that live as long as the process, for when none are configured. */
export const randomAssertionKeys = async (
  algorithm: AssertionAlgorithm = 'ES256',
): Promise<AssertionKeys> => [await assertionKeyOf(await generateAssertionJwk(algorithm))]
