import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { type KeyRing, recordKey } from './key-ring.ts'

/**
 * Layout: format (1 byte), key id (8), nonce (12), ciphertext, tag (16). AES-256-GCM; format, key
 * id and purpose are authenticated too.
 */
const FORMAT = 1
const KEY_ID_END = 9
const NONCE_END = 21
const TAG_LENGTH = 16

/** Encrypts a value under the newest key and the secret that names the record. */
export const seal = (
  ring: KeyRing,
  secretName: string,
  purpose: string,
  value: unknown,
): Buffer => {
  const [key] = ring
  const head = Buffer.concat([Buffer.of(FORMAT), Buffer.from(key.id, 'latin1')])
  const nonce = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', recordKey(key, secretName, purpose), nonce, {
    authTagLength: TAG_LENGTH,
  })
  cipher.setAAD(head)
  const body = Buffer.concat([cipher.update(JSON.stringify(value), 'utf8'), cipher.final()])
  return Buffer.concat([head, nonce, body, cipher.getAuthTag()])
}

/** Decrypts; undefined for anything that is not whole, ours, and under a key of the ring. */
export const unseal = (
  ring: KeyRing,
  secretName: string,
  purpose: string,
  sealed: Buffer,
): unknown => {
  if (sealed.length < NONCE_END + TAG_LENGTH || sealed[0] !== FORMAT) return undefined
  const keyId = sealed.toString('latin1', 1, KEY_ID_END)
  const key = ring.find(({ id }) => id === keyId)
  if (key === undefined) return undefined
  try {
    const decipher = createDecipheriv(
      'aes-256-gcm',
      recordKey(key, secretName, purpose),
      sealed.subarray(KEY_ID_END, NONCE_END),
      { authTagLength: TAG_LENGTH },
    )
    decipher.setAAD(sealed.subarray(0, KEY_ID_END))
    decipher.setAuthTag(sealed.subarray(sealed.length - TAG_LENGTH))
    const body = decipher.update(sealed.subarray(NONCE_END, sealed.length - TAG_LENGTH))
    const parsed: unknown = JSON.parse(Buffer.concat([body, decipher.final()]).toString('utf8'))
    return parsed
  } catch {
    return undefined
  }
}
