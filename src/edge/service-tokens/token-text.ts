import { hash, randomBytes, randomInt } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { isServiceTokenId, SERVICE_TOKEN_START } from '../../core/service-token.ts'

/**
 * `vst_<id>_<secret><checksum>`: a beginning that scanners of leaked secrets can look for, the id
 * (80 bits), the secret (43 letters and digits, 256 bits), and six letters and digits by which a
 * mistyped or made-up token is known without asking anybody.
 */
const TEXT = /^vst_[a-z2-7]{16}_[A-Za-z0-9]{49}$/

const ID_END = SERVICE_TOKEN_START.length + 16
const CHECKSUM_LENGTH = 6
const SECRET_LENGTH = 43

const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567'
const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** Whether a text claims to be a token of ours; no issuer is asked about one that does. */
export const isServiceTokenText = (text: string): boolean => text.startsWith(SERVICE_TOKEN_START)

/** The id in a token; undefined where the text cannot be one that we made. */
export const idOfText = (text: string): string | undefined => {
  if (!TEXT.test(text)) return undefined
  const body = text.slice(0, -CHECKSUM_LENGTH)
  return text.endsWith(checksumOf(body))
    ? body.slice(SERVICE_TOKEN_START.length, ID_END)
    : undefined
}

export const mintId = (): string => {
  const id = Array.from(randomBytes(16), (byte) => BASE32[byte % 32]).join('')
  if (!isServiceTokenId(id)) throw new TypeError('minted an id that is none')
  return id
}

/** A new text of the token with that id. */
export const mintText = (id: string): string => {
  const secret = Array.from({ length: SECRET_LENGTH }, () => BASE62[randomInt(62)]).join('')
  const body = `${SERVICE_TOKEN_START}${id}_${secret}`
  return `${body}${checksumOf(body)}`
}

/** What the store knows of a text. It needs no salt: nobody guesses 256 random bits. */
export const digestOf = (text: string): string => hash('sha256', text, 'base64url')

const checksumOf = (body: string): string => {
  let rest = crc32(body)
  let digits = ''
  while (digits.length < CHECKSUM_LENGTH) {
    digits = `${BASE62[rest % 62] ?? ''}${digits}`
    rest = Math.floor(rest / 62)
  }
  return digits
}
