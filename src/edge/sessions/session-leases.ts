import { createHash, randomUUID } from 'node:crypto'
import { ok } from '../../core/result.ts'
import { type RefreshLeases } from '../../flow/session-ports.ts'
import { leaseName, refreshName, sessionKeyOf } from './names.ts'
import { type RecordStore } from './record-store.ts'

/** @param longestMs no session lives longer, so no mark has to */
export const createRefreshLeases = (records: RecordStore, longestMs: number): RefreshLeases => {
  const holder = randomUUID()
  return {
    lease: (id, ms) => records.claim(leaseName(sessionKeyOf(id)), holder, ms),
    extendLease: (id, ms) => records.extend(leaseName(sessionKeyOf(id)), holder, ms),
    release: (id) => records.release(leaseName(sessionKeyOf(id)), holder),
    beginRefresh: (id, refreshToken) =>
      records.put(refreshName(sessionKeyOf(id)), digest(refreshToken), longestMs),
    endRefresh: (id) => records.remove([refreshName(sessionKeyOf(id))]),
    isRefreshOpen: async (id, refreshToken) => {
      const found = await records.get(refreshName(sessionKeyOf(id)))
      return found.ok ? ok(found.value?.equals(digest(refreshToken)) === true) : found
    },
  }
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
