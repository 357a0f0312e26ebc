import { type SessionKey } from '../../core/ids.ts'
import { ok } from '../../core/result.ts'
import { usedName } from './names.ts'
import { type Outcome, type RecordStore } from './record-store.ts'

/** When a session was last used, as a record of its own that lives for the idle time. */
export type SessionUse = {
  readonly begin: (key: SessionKey) => Promise<Outcome<undefined>>
  /** Lets the idle time begin anew; false where it has run out. */
  readonly touch: (key: SessionKey) => Promise<Outcome<boolean>>
  /** Milliseconds since 1970, no more exact than touches are frequent. */
  readonly lastUse: (key: SessionKey) => Promise<Outcome<number | undefined>>
  /** Lets it run out after so long, used or not. */
  readonly limit: (key: SessionKey, ms: number) => Promise<Outcome<boolean>>
}

export const createSessionUse = (
  records: Pick<RecordStore, 'put' | 'get' | 'swap' | 'replace'>,
  idleMs: number,
  nowMs: () => number,
): SessionUse => {
  const stamp = (): Buffer => Buffer.from(String(nowMs()))
  return {
    begin: (key) => records.put(usedName(key), stamp(), idleMs),
    touch: async (key) => {
      const last = await records.swap(usedName(key), stamp(), idleMs)
      if (last.ok) return ok(last.value !== undefined)
      // A store that takes no writes, being full, can still be asked.
      const found = await records.get(usedName(key))
      return found.ok ? ok(found.value !== undefined) : found
    },
    lastUse: async (key) => {
      const found = await records.get(usedName(key))
      if (!found.ok || found.value === undefined) return found.ok ? ok(undefined) : found
      const ms = Number(found.value.toString('latin1'))
      return ok(Number.isSafeInteger(ms) ? ms : 0)
    },
    limit: (key, ms) => records.replace(usedName(key), stamp(), ms),
  }
}
