import { compactVerify, errors } from 'jose'
import { type Eventual } from '../../core/eventual.ts'
import { type TokenParts } from './compact-token.ts'
import { type Keys } from './key-set.ts'

/** Of the first two, other keys might help: none has that `kid`, or that one did not sign this. */
export type SignatureFailure = 'key_not_found' | 'signature_failed' | 'invalid'

/**
 * Undefined where a key of the set has signed the token by one of these algorithms. Known at once
 * where that is cheap; what is costly is left to threads of their own.
 */
export const signatureFailure = (
  token: TokenParts,
  algorithms: readonly string[],
  keys: Keys,
): Eventual<SignatureFailure | undefined> => {
  const { alg: algorithm, kid } = token.header
  if (typeof algorithm !== 'string' || !algorithms.includes(algorithm)) return 'invalid'
  const chosen = keys.choose(algorithm, kid)
  if (!chosen.ok) return chosen.failure === 'ambiguous' ? 'invalid' : 'key_not_found'
  const { signatureBytes, hasSigned } = chosen.value
  if (token.signature.length !== signatureBytes) return 'signature_failed'
  if (hasSigned === undefined) return inOtherThread(token, algorithm, keys)
  return hasSigned(signedText(token.text), token.signature) ? undefined : 'signature_failed'
}

/** Header and payload as they were sent, which is ASCII. */
const signedText = (token: string): Uint8Array =>
  Buffer.from(token.slice(0, token.lastIndexOf('.')), 'latin1')

const inOtherThread = async (
  { text }: TokenParts,
  algorithm: string,
  { find }: Keys,
): Promise<SignatureFailure | undefined> => {
  try {
    await compactVerify(text, find, { algorithms: [algorithm] })
    return undefined
  } catch (error) {
    return failureOf(error)
  }
}

/** By class, never by message; whatever else a token makes the library throw proves nothing. */
const failureOf = (error: unknown): SignatureFailure => {
  if (error instanceof errors.JWKSNoMatchingKey) return 'key_not_found'
  return error instanceof errors.JWSSignatureVerificationFailed ? 'signature_failed' : 'invalid'
}
