import {
  type CryptoKey,
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JWK,
} from 'jose'
import { z } from 'zod'
import { fail, ok, type Result } from '../../core/result.ts'

/** A signing key with its public half; `kid` is the thumbprint (RFC 7638). */
export type AssertionKey = {
  readonly kid: string
  readonly privateKey: CryptoKey
  readonly publicJwk: JWK
}

/** Newest first: it signs; all are published, so that assertions from before a rotation verify. */
export type AssertionKeys = readonly [AssertionKey, ...AssertionKey[]]

const PRIVATE_P256 = z.object({
  kty: z.literal('EC'),
  crv: z.literal('P-256'),
  x: z.string(),
  y: z.string(),
  d: z.string(),
})
const KEY_SET = z.object({ keys: z.array(PRIVATE_P256).min(1).max(10) })

/** Reads a JWK Set of private P-256 keys, newest first. */
export const parseAssertionKeys = async (
  text: string,
): Promise<Result<AssertionKeys, { readonly problem: string; readonly remedy: string }>> => {
  const remedy = 'Write a JWK Set of EC P-256 private keys; `vestibule keys generate` makes one.'
  try {
    const { keys } = KEY_SET.parse(JSON.parse(text))
    const [first, ...rest] = await Promise.all(keys.map(assertionKeyOf))
    return first === undefined ? fail({ problem: 'holds no key', remedy }) : ok([first, ...rest])
  } catch {
    return fail({ problem: 'is no set of assertion keys', remedy })
  }
}

const assertionKeyOf = async (jwk: z.infer<typeof PRIVATE_P256>): Promise<AssertionKey> => {
  const privateKey = await importJWK(jwk, 'ES256')
  if (privateKey instanceof Uint8Array) throw new TypeError('not an EC key')
  const { kty, crv, x, y } = jwk
  const kid = await calculateJwkThumbprint({ kty, crv, x, y })
  return { kid, privateKey, publicJwk: { kty, crv, x, y, kid, alg: 'ES256', use: 'sig' } }
}

/** A private key as it stands in the file of keys. */
export const generateAssertionJwk = async (): Promise<z.infer<typeof PRIVATE_P256>> => {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  return PRIVATE_P256.parse(await exportJWK(privateKey))
}

/** Keys that live as long as the process, for when none are configured. */
export const randomAssertionKeys = async (): Promise<AssertionKeys> => [
  await assertionKeyOf(await generateAssertionJwk()),
]
