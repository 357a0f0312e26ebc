import { type EpochSeconds } from '../core/ids.ts'
import { type Result } from '../core/result.ts'
import { type Rotation, type ServiceToken, type ServiceTokenGrant } from '../core/service-token.ts'
import { type BearerVerifier, type Found } from './ports.ts'

/** A token as people see it: everything but its text. */
export type ListedToken =
  | {
      readonly kind: 'readable'
      readonly id: string
      readonly token: ServiceToken
      /** No more exact than a minute; undefined: never. */
      readonly lastUsedAt: EpochSeconds | undefined
    }
  /** Its key is not in the ring any more: it lets nobody in, and can only be revoked. */
  | { readonly kind: 'unreadable'; readonly id: string }

/** The one time that the text of a token is known. */
export type MintedToken = { readonly text: string; readonly token: ServiceToken }

export type ChangeFailure =
  | 'unreachable'
  | 'not_found'
  /** It was revoked, or has expired; that is final. */
  | 'over'

/** Tokens of our own, for callers that no issuer gives any. */
export type ServiceTokens = {
  readonly verify: BearerVerifier
  readonly create: (grant: ServiceTokenGrant) => Promise<Result<MintedToken, 'unreachable'>>
  /** All of them, those that are over too; newest first. */
  readonly list: () => Promise<Result<readonly ListedToken[], 'unreachable'>>
  readonly find: (id: string) => Promise<Found<ListedToken>>
  readonly rotate: (id: string, rotation: Rotation) => Promise<Result<MintedToken, ChangeFailure>>
  /** Ends one for good; ending one that is not there is no failure. */
  readonly end: (id: string) => Promise<Result<undefined, 'unreachable'>>
  /** Ends all that were created until then, in milliseconds. */
  readonly endUntil: (ms: number) => Promise<Result<undefined, 'unreachable'>>
}
