import { z } from 'zod'
import { httpUrl, isLoopbackUrl } from './url.ts'

/** Asymmetric only: a shared secret would let every verifier mint tokens (RFC 8725 section 3.2). */
export const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
] as const

export const text = z.string().min(1, 'is empty. Write a value or remove the key')

export const secretFile = text.describe(
  'Path of a mounted file; a trailing newline does not count.',
)

export const claimName = text.max(200)

export const issuerUrl = httpUrl.refine((url) => url.startsWith('https:') || isLoopbackUrl(url), {
  error: 'must be https. Plain http is accepted on loopback only, for development',
})
