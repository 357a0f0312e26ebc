import { type Binding } from './confirmation.ts'
import {
  type AllowReason,
  type ChallengeReason,
  type DenyReason,
  type UnavailableReason,
} from './reason.ts'

/** Names a rule for people: the policy file and the rule's place in it, such as `wiki.yaml#2`. */
export type RuleId = string

/**
 * The answer to one access request: `challenge` where signing in (again) could help, `deny` where
 * it could not, `unavailable` where a dependency kept the question open.
 */
export type Decision =
  | { readonly effect: 'allow'; readonly reason: 'observed'; readonly would: Enforced }
  | Enforced

/** What a decision is once it is enforced. */
export type Enforced =
  | {
      readonly effect: 'allow'
      readonly reason: Exclude<AllowReason, 'observed'>
      readonly rule: RuleId
    }
  | {
      readonly effect: 'challenge'
      readonly reason: ChallengeReason
      /** What to ask the provider for, where it is proof that is wanting. */
      readonly proof?: WantedProof
      /** How a token has to be bound, where that is wanting. */
      readonly bindings?: readonly Binding[]
    }
  | { readonly effect: 'deny'; readonly reason: DenyReason; readonly rule?: RuleId }
  | { readonly effect: 'unavailable'; readonly reason: UnavailableReason }

/** What a policy asks of a sign-in (OpenID Connect Core section 3.1.2.1, RFC 9470). */
export type WantedProof = {
  readonly acr: readonly string[]
  readonly maxAgeSeconds: number | undefined
}

export type Effect = Decision['effect']

export const deny = (reason: DenyReason): Enforced => ({ effect: 'deny', reason })

export const unavailable = (reason: UnavailableReason): Enforced => ({
  effect: 'unavailable',
  reason,
})
