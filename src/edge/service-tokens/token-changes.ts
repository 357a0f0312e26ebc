import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { fail, ok, type Result } from '../../core/result.ts'
import { type ServiceToken } from '../../core/service-token.ts'
import { type KeyRing } from '../sessions/key-ring.ts'
import { type RecordStore } from '../sessions/record-store.ts'
import { changeName, grantName, openToken, sealToken } from './token-record.ts'

export type TokenChangesOptions = {
  readonly records: RecordStore
  readonly ring: () => KeyRing
  readonly nowMs: () => number
  readonly monotonicMs: () => number
}

/** What becomes of a token; the failure leaves it as it is. */
export type Change = (token: ServiceToken) => Result<ServiceToken, 'over'>

export type ChangeToken = (
  id: string,
  change: Change,
) => Promise<Result<ServiceToken, 'unreachable' | 'not_found' | 'unreadable' | 'over'>>

const LEASE_MS = 5000
/** After so long the lease may be lost before a write arrives. */
const WRITE_WITHIN_MS = 2500
const PAUSE_MS = 50
/** Longer than a lease: somebody who died holds nobody up for good. */
const WAIT_MS = LEASE_MS + 1000
/** Those that are over are shown for a while, so that people see what became of them. */
const SHOWN_AFTER_MS = 7 * 86_400_000

export const lifeOf = ({ expiresAt }: ServiceToken, nowMs: number): number =>
  Math.max(0, expiresAt * 1000 - nowMs) + SHOWN_AFTER_MS

/**
 * Changes a token, alone: a rotation that began before somebody revoked must not undo it by
 * writing what it read.
 */
export const createTokenChanges = (options: TokenChangesOptions): ChangeToken => {
  const { records, ring, nowMs, monotonicMs } = options
  const claim = async (name: string, holder: string): Promise<Result<undefined, 'unreachable'>> => {
    for (const until = monotonicMs() + WAIT_MS; ; ) {
      const claimed = await records.claim(name, holder, LEASE_MS)
      if (!claimed.ok) return claimed
      if (claimed.value) return ok(undefined)
      if (monotonicMs() > until) return fail('unreachable')
      await delay(PAUSE_MS)
    }
  }
  const changeAlone: ChangeToken = async (id, change) => {
    const begunAt = monotonicMs()
    const name = grantName(id)
    const found = await records.get(name)
    if (!found.ok) return found
    if (found.value === undefined) return fail('not_found')
    const opened = openToken(ring(), id, found.value)
    if (opened.kind === 'newer') return fail('unreachable')
    if (opened.kind === 'unreadable') return fail('unreadable')
    const changed = change(opened.token)
    if (!changed.ok) return changed
    if (monotonicMs() - begunAt > WRITE_WITHIN_MS) return fail('unreachable')
    const sealed = sealToken(ring(), changed.value)
    const replaced = await records.replace(name, sealed, lifeOf(changed.value, nowMs()))
    if (!replaced.ok) return replaced
    return replaced.value ? changed : fail('not_found')
  }
  return async (id, change) => {
    const holder = randomBytes(16).toString('base64url')
    const claimed = await claim(changeName(id), holder)
    if (!claimed.ok) return claimed
    try {
      return await changeAlone(id, change)
    } finally {
      await records.release(changeName(id), holder)
    }
  }
}
