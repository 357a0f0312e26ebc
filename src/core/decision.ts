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
  | { readonly effect: 'allow'; readonly reason: AllowReason; readonly rule: RuleId }
  | { readonly effect: 'challenge'; readonly reason: ChallengeReason }
  | { readonly effect: 'deny'; readonly reason: DenyReason; readonly rule?: RuleId }
  | { readonly effect: 'unavailable'; readonly reason: UnavailableReason }

export type Effect = Decision['effect']

export const deny = (reason: DenyReason): Decision => ({ effect: 'deny', reason })

export const unavailable = (reason: UnavailableReason): Decision => ({
  effect: 'unavailable',
  reason,
})
