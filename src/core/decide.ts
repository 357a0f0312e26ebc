import { type Enforced } from './decision.ts'
import { type Facts, type Finding } from './policy/criterion.ts'
import { type HostPolicy, type Rule } from './policy/policy.ts'
import { type Authenticated } from './principal.ts'
import { holdToProof } from './proof.ts'

/**
 * (policy, facts) → decision. A deny that holds denies, else an allow that holds allows, else it
 * is denied; somebody anonymous is asked to sign in only where that could change the answer, and
 * somebody admitted is held to the proof that the policy asks for.
 */
export const decide = (policy: HostPolicy, facts: Facts): Enforced =>
  facts.principal.kind === 'anonymous'
    ? decideAnonymous(policy, facts)
    : decideKnown(policy, facts, facts.principal)

const decideKnown = (policy: HostPolicy, facts: Facts, principal: Authenticated): Enforced =>
  principal.onBehalfOf === undefined
    ? decideOne(policy, facts, holdToProof)
    : decideBoth(policy, facts, principal.onBehalfOf)

/**
 * An agent and the person whom it acts for: each has to be let in alone, as if it came alone. The
 * sign-in of which a token tells is the person's, so nothing of the kind is asked of the agent.
 */
const decideBoth = (policy: HostPolicy, facts: Facts, person: Authenticated): Enforced => {
  const ofAgent = decideOne(policy, facts, () => undefined)
  if (ofAgent.effect === 'deny') return { ...ofAgent, reason: 'agent_not_allowed' }
  if (ofAgent.effect !== 'allow') return ofAgent
  const ofPerson = decideOne(policy, { ...facts, principal: person }, holdToProof)
  return isRuledOut(ofPerson) ? { ...ofPerson, reason: 'person_not_allowed' } : ofPerson
}

/** What is wanting in the sign-in keeps a reason of its own. */
const isRuledOut = (decision: Enforced): decision is Extract<Enforced, { effect: 'deny' }> =>
  decision.effect === 'deny' && decision.reason !== 'proof_not_delivered'

const decideOne = (policy: HostPolicy, facts: Facts, hold: typeof holdToProof): Enforced => {
  const denied = policy.denies.find(
    (rule) => isInForce(rule, facts) && isDenied(rule.closedTest(facts)),
  )
  if (denied !== undefined) return deniedBy(denied)
  let wanting: Enforced | undefined
  for (const rule of policy.allows) {
    if (!isInForce(rule, facts) || rule.test(facts) !== 'holds') continue
    const lacks = rule.isPublic ? undefined : hold(policy, rule, facts)
    if (lacks === undefined) return allowedBy(rule)
    wanting ??= lacks
  }
  return wanting ?? refusal(policy, facts)
}

/** An expression that failed might have held. */
const isDenied = (finding: Finding): boolean => finding === 'holds' || finding === 'broken'

/**
 * For somebody anonymous every identity is absent, so a finding of `absent` means that signing in
 * may settle it; `fails` and `holds` were settled by the request alone.
 */
const decideAnonymous = (policy: HostPolicy, facts: Facts): Enforced => {
  const denies = policy.denies.filter((rule) => isInForce(rule, facts))
  const denied = denies.find((rule) => rule.test(facts) === 'holds')
  if (denied !== undefined) return deniedBy(denied)
  // A deny of certain people does not close a public page: it is open to them, too, by not saying
  // who they are. A deny of everybody who is not somebody does.
  const isOpen = denies.some((rule) => isDenied(rule.closedTest(facts)))
  const allowed = isOpen ? undefined : firstAllow(policy, facts)
  // The loader lets nothing but public rules hold for nobody; should it err, this does not.
  if (allowed?.reason === 'public_rule') return allowed
  return policy.allows.some((rule) => isInForce(rule, facts) && rule.test(facts) !== 'fails')
    ? { effect: 'challenge', reason: 'not_signed_in' }
    : refusal(policy, facts)
}

/** An expired rule stops counting at the very second. */
const isInForce = (rule: Rule, { now }: Facts): boolean =>
  rule.until === undefined || now < rule.until

const deniedBy = (rule: Rule): Enforced => ({
  effect: 'deny',
  reason: 'denied_by_rule',
  rule: rule.id,
})

const firstAllow = (policy: HostPolicy, facts: Facts): Enforced | undefined => {
  const rule = policy.allows.find(
    (candidate) => isInForce(candidate, facts) && candidate.test(facts) === 'holds',
  )
  return rule === undefined ? undefined : allowedBy(rule)
}

const allowedBy = (rule: Rule): Enforced => ({
  effect: 'allow',
  reason: rule.isPublic ? 'public_rule' : 'rule_matched',
  rule: rule.id,
})

/** Nothing admits; if a rule would have before it expired, people should hear of it. */
const refusal = (policy: HostPolicy, facts: Facts): Enforced => {
  const expired = policy.allows.find(
    (rule) => !isInForce(rule, facts) && rule.test(facts) === 'holds',
  )
  return expired === undefined
    ? { effect: 'deny', reason: 'no_rule_matched' }
    : { effect: 'deny', reason: 'grant_expired', rule: expired.id }
}
