import { type EpochSeconds } from './ids.ts'
import { type Session } from './session.ts'

export type FreshnessLimits = {
  /** How old the provider's word on a session may get. */
  readonly revalidateEverySeconds: number
  /** How much older it may get while the provider is unreachable. */
  readonly outageSeconds: number
}

/**
 * `fresh`: nothing to do. `due`: ask again in the background, before anybody has to wait. `overdue`:
 * ask before answering. `expired`: so long unheard of that the session must not be served.
 */
export type Freshness = 'fresh' | 'due' | 'overdue' | 'expired'

/** Asked again after so much of the interval, so that a session in use never gets overdue. */
const DUE_AFTER = 0.75

export const freshnessOf = (
  session: Session,
  { revalidateEverySeconds, outageSeconds }: FreshnessLimits,
  now: EpochSeconds,
): Freshness => {
  const age = now - session.checkedAt
  if (age < revalidateEverySeconds * DUE_AFTER) return 'fresh'
  if (age < revalidateEverySeconds) return 'due'
  return age < revalidateEverySeconds + outageSeconds ? 'overdue' : 'expired'
}
