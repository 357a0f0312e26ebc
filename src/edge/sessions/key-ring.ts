import { createHash, hkdfSync, randomBytes } from 'node:crypto'
import { fail, ok, type Result } from '../../core/result.ts'

/** One key of the ring, with the id by which records name it. */
export type RingKey = { readonly id: string; readonly bytes: Buffer }

/** Newest first; new records use the newest, old ones stay readable while their key is listed. */
export type KeyRing = readonly [RingKey, ...RingKey[]]

/**
 * Reads one key a line, base64url of 32 random bytes; `#` starts a comment.
 *
 * @returns the 1-based line that is no key
 */
export const parseKeyRing = (
  text: string,
): Result<KeyRing, { readonly line: number; readonly problem: string }> => {
  const keys: RingKey[] = []
  for (const [index, line] of text.split('\n').entries()) {
    const written = line.replace(/#.*$/, '').trim()
    if (written === '') continue
    const key = ringKeyOf(written)
    if (key === undefined) {
      return fail({ line: index + 1, problem: 'is not base64url of 32 bytes' })
    }
    if (keys.some(({ id }) => id === key.id)) {
      return fail({ line: index + 1, problem: 'repeats an earlier key' })
    }
    keys.push(key)
  }
  const [first, ...rest] = keys
  return first === undefined ? fail({ line: 1, problem: 'holds no key' }) : ok([first, ...rest])
}

const ringKeyOf = (text: string): RingKey | undefined => {
  if (!/^[A-Za-z0-9_-]{43}=?$/.test(text)) return undefined
  const bytes = Buffer.from(text, 'base64url')
  const isMonotonous = new Set(bytes).size < 8
  return bytes.length === 32 && !isMonotonous ? toRingKey(bytes) : undefined
}

const toRingKey = (bytes: Buffer): RingKey => ({
  id: createHash('sha256').update('vestibule key id').update(bytes).digest('base64url').slice(0, 8),
  bytes,
})

/** A ring that lives as long as the process: for the memory store. */
export const randomKeyRing = (): KeyRing => [toRingKey(randomBytes(32))]

/** The key of one record: neither the ring nor the record's secret name alone gives it. */
export const recordKey = (key: RingKey, secretName: string, purpose: string): Buffer =>
  Buffer.from(hkdfSync('sha256', key.bytes, secretName, `vestibule ${purpose}`, 32))
