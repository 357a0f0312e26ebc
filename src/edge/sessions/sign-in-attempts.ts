import { createHash } from 'node:crypto'
import { ok } from '../../core/result.ts'
import { type SignInAttempts } from '../../flow/ports.ts'
import { ATTEMPT_SECONDS } from '../../flow/sign-in.ts'
import { type KeyRing } from './key-ring.ts'
import { type Records } from './record-store.ts'
import { seal, unseal } from './sealing.ts'
import { parseAttempt } from './session-record.ts'

/** Anybody can begin a sign-in: beyond so many, the oldest attempt goes. */
const FAMILY = { name: 'vestibule:sign-ins', most: 50_000 }

/** Sign-in attempts as sealed records named by the hash of their state, so any replica completes. */
export const createSignInAttempts = (records: Records, ring: () => KeyRing): SignInAttempts => ({
  keep: (attempt) =>
    records.putInFamily(
      FAMILY,
      nameOf(attempt.state),
      seal(ring(), attempt.state, 'sign-in', attempt),
      ATTEMPT_SECONDS * 1000,
    ),
  take: async (state) => {
    const found = await records.take(nameOf(state))
    if (!found.ok) return found
    return ok(
      found.value === undefined
        ? undefined
        : parseAttempt(unseal(ring(), state, 'sign-in', found.value)),
    )
  },
})

const nameOf = (state: string): string =>
  `vestibule:sign-in:${createHash('sha256').update(state).digest('base64url')}`
