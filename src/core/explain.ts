import { decide } from './decide.ts'
import { type Enforced, type RuleId, type WantedProof } from './decision.ts'
import { type Facts, type Finding } from './policy/criterion.ts'
import { type Compiled } from './policy/expression.ts'
import { type HostPolicy, type Rule } from './policy/policy.ts'
import { proofWanted } from './proof.ts'

/** A condition and what was found, down to the single criteria. */
export type ExplainedCondition = {
  readonly text: string
  readonly finding: Finding
  readonly parts: readonly ExplainedCondition[]
}

export type ExplainedRule = {
  readonly id: RuleId
  readonly action: 'allow' | 'deny'
  /** False once the rule's `until` has passed. */
  readonly isInForce: boolean
  readonly condition: ExplainedCondition
}

export type Explanation = {
  readonly decision: Enforced
  readonly rules: readonly ExplainedRule[]
  readonly proof: WantedProof | undefined
}

/** Decides as the server does, and shows by the very same tests what held and what did not. */
export const explain = (policy: HostPolicy, facts: Facts): Explanation => {
  const decision = decide(policy, facts)
  const shown = decisive(facts, decision)
  return {
    decision,
    rules: [
      ...policy.denies.map((rule) => explainRule(rule, 'deny', shown)),
      ...policy.allows.map((rule) => explainRule(rule, 'allow', shown)),
    ],
    proof: proofWanted(policy, shown),
  }
}

/** Of an agent and the person whom it acts for, the one on whom the decision hung. */
const decisive = (facts: Facts, { reason }: Enforced): Facts => {
  const { principal } = facts
  const person = principal.kind === 'anonymous' ? undefined : principal.onBehalfOf
  return person === undefined || reason === 'agent_not_allowed'
    ? facts
    : { ...facts, principal: person }
}

const explainRule = (rule: Rule, action: ExplainedRule['action'], facts: Facts): ExplainedRule => {
  const isClosed = action === 'deny' && facts.principal.kind === 'authenticated'
  return {
    id: rule.id,
    action,
    isInForce: rule.until === undefined || facts.now < rule.until,
    condition: explainCondition(isClosed ? rule.closedCondition : rule.condition, facts),
  }
}

const explainCondition = ({ text, test, parts }: Compiled, facts: Facts): ExplainedCondition => ({
  text,
  finding: test(facts),
  parts: parts.map((part) => explainCondition(part, facts)),
})
