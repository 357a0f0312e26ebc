import { z } from 'zod'
import { type EpochSeconds } from '../../core/ids.ts'
import { type KeyRing } from './key-ring.ts'
import { seal, unseal } from './sealing.ts'

export type ReturnSeal = {
  readonly seal: (url: string) => string
  /** The URL, for ten minutes; undefined for anything that was not sealed here. */
  readonly unseal: (state: string) => string | undefined
}

const LIFETIME_SECONDS = 600
const SEALED = z.object({ url: z.string(), until: z.number() })

/** Carries a return URL through the provider's sign-out as `state`, readable by us alone. */
export const createReturnSeal = (ring: () => KeyRing, now: () => EpochSeconds): ReturnSeal => ({
  seal: (url) =>
    seal(ring(), '', 'signed-out', { url, until: now() + LIFETIME_SECONDS }).toString('base64url'),
  unseal: (state) => {
    const opened = unseal(ring(), '', 'signed-out', Buffer.from(state.slice(0, 8192), 'base64url'))
    const { data } = SEALED.safeParse(opened)
    return data !== undefined && now() < data.until ? data.url : undefined
  },
})
