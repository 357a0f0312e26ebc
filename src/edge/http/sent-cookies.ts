import { LRUCache } from 'lru-cache'
import { type Credential, cookieCredential } from '../../core/credential.ts'
import { cookieStripper } from '../../core/passing-credentials.ts'

/** What the Cookie header of a request says to us, and what of it an application may see. */
export type SentCookies = {
  readonly credential: Credential
  /** Without ours; empty where nothing is left. */
  readonly others: string
}

const NONE: SentCookies = { credential: { kind: 'none' }, others: '' }
const MOST_BYTES = 8 * 1024 * 1024
const LONGEST_KEPT = 4096

/** Reads Cookie headers. A browser sends the same one again and again, so it is read once. */
export const createCookieReader = (name: string): ((lines: readonly string[]) => SentCookies) => {
  const strip = cookieStripper(name)
  const known = new LRUCache<string, SentCookies>({
    maxSize: MOST_BYTES,
    sizeCalculation: ({ others }, line) => 2 * (line.length + others.length) + 200,
  })
  const read = (lines: readonly string[]): SentCookies => ({
    credential: cookieCredential(lines, name),
    others: strip(lines),
  })
  return (lines) => {
    const [line] = lines
    if (line === undefined) return NONE
    if (lines.length > 1 || line.length > LONGEST_KEPT) return read(lines)
    const last = known.get(line)
    if (last !== undefined) return last
    const fresh = read(lines)
    known.set(line, fresh)
    return fresh
  }
}
