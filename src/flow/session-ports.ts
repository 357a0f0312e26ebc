import { type Eventual } from '../core/eventual.ts'
import { type EpochSeconds, type SessionId, type SessionKey } from '../core/ids.ts'
import { type Result } from '../core/result.ts'
import { type Revocable, type Revocation } from '../core/revocation.ts'

/** Who may ask the provider about a session, and whether somebody who did was cut off. */
export type RefreshLeases = {
  /** Takes the right to ask, for so many milliseconds; false where somebody has it. */
  readonly lease: (id: SessionId, ms: number) => Promise<Result<boolean, 'unreachable'>>
  /** False where it was lost. */
  readonly extendLease: (id: SessionId, ms: number) => Promise<Result<boolean, 'unreachable'>>
  readonly release: (id: SessionId) => Promise<Result<undefined, 'unreachable'>>
  /** Writes down that this refresh token is being used: it may be spent before its heir is known. */
  readonly beginRefresh: (
    id: SessionId,
    refreshToken: string,
  ) => Promise<Result<undefined, 'unreachable'>>
  readonly endRefresh: (id: SessionId) => Promise<Result<undefined, 'unreachable'>>
  /** Whether its use was begun, and nobody knows how it ended. */
  readonly isRefreshOpen: (
    id: SessionId,
    refreshToken: string,
  ) => Promise<Result<boolean, 'unreachable'>>
}

export type Standing = 'in_force' | 'revoked' | 'unreachable'

/** What was ended before its time, on any replica. */
export type Revocations = {
  /** Done once every replica will come to know it. */
  readonly add: (revocation: Revocation) => Promise<Result<undefined, 'unreachable'>>
  /** `unreachable`: it cannot be known any more. */
  readonly standingOf: (what: Revocable) => Eventual<Standing>
  /** The first moment (milliseconds, our clocks) at which a session of the subject may begin. */
  readonly notBefore: (subject: string) => Promise<Result<number, 'unreachable'>>
  /** Reads all there is; needed by nobody, but the first request is faster after it. */
  readonly load: () => Promise<Result<undefined, 'unreachable'>>
  readonly size: () => number
}

/** One session as people see it in a list. */
export type ListedSession = {
  readonly key: SessionKey
  readonly createdAt: EpochSeconds | undefined
  readonly lastUsedAt: EpochSeconds
  /** Such as `Firefox on Linux`; undefined where it is not known. */
  readonly browser: string | undefined
}

/** Who has which sessions. */
export type SessionDirectory = {
  /** The live sessions of one subject, newest first. */
  readonly of: (
    issuer: string,
    subject: string,
  ) => Promise<Result<readonly ListedSession[], 'unreachable'>>
  /** One, by its key; what it is, only its cookie tells. */
  readonly find: (key: SessionKey) => Promise<Result<ListedSession | undefined, 'unreachable'>>
  /** All live sessions whose key begins so, in portions. What they are, only their cookies tell. */
  readonly all: (keyStart: string) => AsyncIterable<Result<readonly ListedSession[], 'unreachable'>>
}
