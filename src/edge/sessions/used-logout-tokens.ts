import { hash } from 'node:crypto'
import { LOGOUT_OLDEST_SECONDS, LOGOUT_TOLERANCE_SECONDS } from '../../core/logout-token.ts'
import { ok } from '../../core/result.ts'
import { type UsedLogoutTokens } from '../../flow/back-channel-logout.ts'
import { type RecordStore } from './record-store.ts'

/** Longer than any replica takes the token, whose clocks may differ. */
const KEEP_MS = (LOGOUT_OLDEST_SECONDS + 3 * LOGOUT_TOLERANCE_SECONDS) * 1000

/** Remembers logout tokens that were carried out, under digests of their `jti`. */
export const createUsedLogoutTokens = (
  records: Pick<RecordStore, 'get' | 'put'>,
): UsedLogoutTokens => ({
  has: async (issuer, tokenId) => {
    const found = await records.get(nameOf(issuer, tokenId))
    return found.ok ? ok(found.value !== undefined) : found
  },
  add: (issuer, tokenId) => records.put(nameOf(issuer, tokenId), Buffer.from('used'), KEEP_MS),
})

const nameOf = (issuer: string, tokenId: string): string =>
  `vestibule:logout-token:${hash('sha256', JSON.stringify([issuer, tokenId]), 'base64url')}`
