import { createHmac, timingSafeEqual } from 'node:crypto'

export type DpopNonces = {
  /** The nonce of this moment; the same on every replica that has the secret. */
  readonly current: () => string
  readonly isNonce: (nonce: string) => boolean
}

/** Newest first: it makes nonces; those of all are good. */
export type NonceSecrets = readonly [Uint8Array, ...Uint8Array[]]

const SLOT_MS = 60_000

/**
 * Nonces that need no store (RFC 9449 section 8): a keyed digest of the minute. Those of this minute
 * and of the last are good, so that one which was fetched a moment ago still is.
 */
export const createDpopNonces = (secrets: () => NonceSecrets, nowMs: () => number): DpopNonces => ({
  current: () => digestOf(secrets()[0], slotAt(nowMs())).toString('base64url'),
  isNonce: (nonce) => {
    const shown = Buffer.from(nonce, 'base64url')
    const slot = slotAt(nowMs())
    return secrets().some((secret) =>
      [slot, slot - 1].some((each) => sameBytes(shown, digestOf(secret, each))),
    )
  },
})

const slotAt = (ms: number): number => Math.floor(ms / SLOT_MS)

const digestOf = (secret: Uint8Array, slot: number): Buffer =>
  createHmac('sha256', secret).update(`dpop nonce ${slot}`).digest()

const sameBytes = (left: Buffer, right: Buffer): boolean =>
  left.length === right.length && timingSafeEqual(left, right)
