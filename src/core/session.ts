import { type WantedProof } from './decision.ts'
import { type EpochSeconds, epochSeconds } from './ids.ts'
import { type Authenticated } from './principal.ts'

/** What is remembered of somebody who signed in. */
export type Session = {
  readonly principal: Authenticated
  readonly createdAt: EpochSeconds
  /** When the provider last confirmed what is remembered. */
  readonly checkedAt: EpochSeconds
  /**
   * When it began, in milliseconds, later than whatever had been revoked of its subject by then:
   * revocations are compared with it, and clocks of replicas differ.
   */
  readonly beganMs: number
  /** When the provider issued the ID token of the sign-in, by its clock. */
  readonly issuedAt: EpochSeconds | undefined
  /** What the provider was asked for beyond an ordinary sign-in. */
  readonly askedProof?: WantedProof | undefined
}

export type SessionLimits = {
  /** Seconds without a request after which a session ends; the store enforces it. */
  readonly idleSeconds: number
  /** Seconds after which a session ends, used or not. */
  readonly absoluteSeconds: number
}

/** When the session ends whatever happens. */
export const absoluteEnd = (session: Session, limits: SessionLimits): EpochSeconds =>
  epochSeconds(session.createdAt + limits.absoluteSeconds)

/** When it ends if it is not used again. */
export const idleEnd = (session: Session, limits: SessionLimits, now: EpochSeconds): EpochSeconds =>
  epochSeconds(Math.min(absoluteEnd(session, limits), now + limits.idleSeconds))

/** A clock that went back may show a session from the future; it lives, within its limits. */
export const isLive = (session: Session, limits: SessionLimits, now: EpochSeconds): boolean =>
  now < absoluteEnd(session, limits)
