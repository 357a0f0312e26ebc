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

/** What was in a sealed record. */
export type Unsealed =
  | { readonly kind: 'value'; readonly value: unknown; readonly text: string }
  /** Made by a later version of this program: neither good nor bad, here. */
  | { readonly kind: 'newer' }
  /** Not whole, not ours, of another record, or under a key that is not in the ring. */
  | { readonly kind: 'damaged' }

const DAMAGED: Unsealed = { kind: 'damaged' }

/** The value in a record; undefined where there is none that can be read here. */
export const unseal = (
  ring: KeyRing,
  secretName: string,
  purpose: string,
  sealed: Buffer,
): unknown => {
  const opened = openSealed(ring, secretName, purpose, sealed)
  return opened.kind === 'value' ? opened.value : undefined
}

/** Like `unseal`, and tells why there is no value. */
export const openSealed = (
  ring: KeyRing,
  secretName: string,
  purpose: string,
  sealed: Buffer,
): Unsealed => {
  if (sealed.length < NONCE_END + TAG_LENGTH) return DAMAGED
  if (sealed[0] === FORMAT + 1) return { kind: 'newer' }
  const keyId = sealed.toString('latin1', 1, KEY_ID_END)
  const key = ring.find(({ id }) => id === keyId)
  if (sealed[0] !== FORMAT || key === undefined) return DAMAGED
  return decrypt(recordKey(key, secretName, purpose), sealed)
}

const decrypt = (key: Buffer, sealed: Buffer): Unsealed => {
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(KEY_ID_END, NONCE_END), {
      authTagLength: TAG_LENGTH,
    })
    decipher.setAAD(sealed.subarray(0, KEY_ID_END))
    decipher.setAuthTag(sealed.subarray(sealed.length - TAG_LENGTH))
    const body = decipher.update(sealed.subarray(NONCE_END, sealed.length - TAG_LENGTH))
    const text = Buffer.concat([body, decipher.final()]).toString('utf8')
    const value: unknown = JSON.parse(text)
    return { kind: 'value', value, text }
  } catch {
    return DAMAGED
  }
}
