import { type SessionKey } from '../../core/ids.ts'
import { subjectAtIssuer } from '../../core/principal.ts'
import { type Revocable } from '../../core/revocation.ts'
import { type Session } from '../../core/session.ts'
import { providerSessionDigests, subjectDigest } from './names.ts'
import { createRecent, type RecentOptions } from './recent.ts'
import { parseSession } from './session-record.ts'

/** A session as it was read: text, which takes a fraction of the memory that its objects take. */
export type Kept = {
  readonly text: string
  /** When use was last written down, in milliseconds. */
  touchedAt: number
}

/** The session, and what a revocation may know it by. */
export type Opened = { readonly session: Session; readonly revocable: Revocable }

/** Sessions that are in use, as objects; the same objects for as long as they are asked for. */
export type Openings = {
  readonly of: (kept: Kept, key: SessionKey) => Opened | undefined
  readonly add: (kept: Kept, session: Session, key: SessionKey) => void
}

/** One that was not asked for in so long is text alone, within twice that. */
const OPENED_FOR_MS = 20_000

export const createOpenings = (options: Omit<RecentOptions, 'periodMs'>): Openings => {
  const recent = createRecent<Kept, Opened>({ ...options, periodMs: OPENED_FOR_MS })
  const open = (kept: Kept, session: Session, key: SessionKey): Opened => {
    const opened = { session, revocable: revocableOf(session, key) }
    recent.keep(kept, opened, bytesOf(kept.text) * OPENED_TO_TEXT + OPENED_OVERHEAD_BYTES)
    return opened
  }
  return {
    of: (kept, key) => {
      const last = recent.get(kept)
      if (last !== undefined) return last
      const session = parseSession(JSON.parse(kept.text))
      return session === undefined ? undefined : open(kept, session, key)
    },
    add: (kept, session, key) => {
      open(kept, session, key)
    },
  }
}

/** What is kept about a text; measured, like the two below. */
const KEPT_OVERHEAD_BYTES = 150
/** How much more its objects take, with what answers are made of. */
const OPENED_TO_TEXT = 3
const OPENED_OVERHEAD_BYTES = 1500

export const keptBytesOf = ({ text }: Kept): number => bytesOf(text) + KEPT_OVERHEAD_BYTES

/** One byte a character, unless there is one that does not fit into a byte. */
const bytesOf = (text: string): number =>
  /^[\0-\xff]*$/.test(text) ? text.length : text.length * 2

export const revocableOf = (
  { principal, beganMs, issuedAt }: Session,
  key: SessionKey,
): Revocable => ({
  sessionKey: key,
  subjects: [subjectDigest(principal.issuer, subjectAtIssuer(principal))],
  providerSessions: providerSessionDigests(principal),
  began: {
    kind: 'session',
    oursMs: beganMs,
    issuerMs: issuedAt === undefined ? undefined : issuedAt * 1000,
  },
})
