import { type AccessRequest } from './access-request.ts'
import { type Decision } from './decision.ts'
import { type EpochSeconds } from './ids.ts'
import { type Facts } from './policy/criterion.ts'
import { type HostPolicy, type Rule } from './policy/policy.ts'
import { type Principal } from './principal.ts'

/**
 * (policy, request, principal, now) → decision. A deny that holds denies, else an allow that
 * holds allows, else it is denied; somebody anonymous is asked to sign in only where that could
 * change the answer.
 */
export const decide = (
  policy: HostPolicy,
  request: AccessRequest,
  principal: Principal,
  now: EpochSeconds,
): Decision => {
  const facts: Facts = { request, principal, now }
  return principal.kind === 'anonymous'
    ? decideAnonymous(policy, facts)
    : decideKnown(policy, facts)
}

const decideKnown = (policy: HostPolicy, facts: Facts): Decision => {
  const denied = policy.denies.find(
    (rule) => isInForce(rule, facts) && rule.closedTest(facts) === 'holds',
  )
  return denied === undefined
    ? (firstAllow(policy, facts) ?? refusal(policy, facts))
    : deniedBy(denied)
}

/**
 * For somebody anonymous every identity is absent, so a finding of `absent` means that signing in
 * may settle it; `fails` and `holds` were settled by the request alone.
 */
const decideAnonymous = (policy: HostPolicy, facts: Facts): Decision => {
  const denies = policy.denies.filter((rule) => isInForce(rule, facts))
  const denied = denies.find((rule) => rule.test(facts) === 'holds')
  if (denied !== undefined) return deniedBy(denied)
  const isOpen = denies.some((rule) => rule.test(facts) === 'absent')
  const allowed = isOpen ? undefined : firstAllow(policy, facts)
  if (allowed !== undefined) return allowed
  return policy.allows.some((rule) => isInForce(rule, facts) && rule.test(facts) !== 'fails')
    ? { effect: 'challenge', reason: 'not_signed_in' }
    : refusal(policy, facts)
}

/** An expired rule stops counting at the very second. */
const isInForce = (rule: Rule, { now }: Facts): boolean =>
  rule.until === undefined || now < rule.until

const deniedBy = (rule: Rule): Decision => ({
  effect: 'deny',
  reason: 'denied_by_rule',
  rule: rule.id,
})

const firstAllow = (policy: HostPolicy, facts: Facts): Decision | undefined => {
  const rule = policy.allows.find(
    (candidate) => isInForce(candidate, facts) && candidate.test(facts) === 'holds',
  )
  if (rule === undefined) return undefined
  return { effect: 'allow', reason: rule.isPublic ? 'public_rule' : 'rule_matched', rule: rule.id }
}

/** Nothing admits; if a rule would have before it expired, people should hear of it. */
const refusal = (policy: HostPolicy, facts: Facts): Decision => {
  const expired = policy.allows.find(
    (rule) => !isInForce(rule, facts) && rule.test(facts) === 'holds',
  )
  return expired === undefined
    ? { effect: 'deny', reason: 'no_rule_matched' }
    : { effect: 'deny', reason: 'grant_expired', rule: expired.id }
}
