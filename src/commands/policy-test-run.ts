import { type Enforced } from '../core/decision.ts'
import { type ExplainedRule } from '../core/explain.ts'
import { type EpochSeconds } from '../core/ids.ts'
import { type AppliedMode } from '../core/mode.ts'
import { type PolicySet } from '../core/policy/policy.ts'
import { type DecisionCase } from '../edge/policies/cases-file.ts'
import { explainOutcome, type Outcome, rehearse } from './policy-rehearsal.ts'

/** What came out, in the words of an expectation. */
export type Got = {
  readonly effect: Enforced['effect']
  readonly reason: string
  readonly rule: string | undefined
  readonly mode: AppliedMode
}

export type Difference = {
  readonly what: 'effect' | 'reason' | 'rule' | 'mode'
  readonly expected: string
  readonly got: string
}

export type CaseResult = {
  readonly decisionCase: DecisionCase
  readonly now: EpochSeconds
  readonly got: Got
  /** Empty where all is as expected. */
  readonly differences: readonly Difference[]
  /** The rules that tell why; only where something differs. */
  readonly why: readonly ExplainedRule[]
  readonly seconds: number
}

/** Runs one case against the policies. */
export const runCase = (
  policies: PolicySet,
  decisionCase: DecisionCase,
  clock: EpochSeconds,
): CaseResult => {
  const started = performance.now()
  const now = decisionCase.at ?? clock
  const { caller, request, expected } = decisionCase
  const outcome = rehearse(policies, { caller, request, now })
  const got = gotOf(outcome)
  const differences = differencesOf(expected, got)
  return {
    decisionCase,
    now,
    got,
    differences,
    why: differences.length === 0 ? [] : whyOf(outcome, got, expected.rule),
    seconds: (performance.now() - started) / 1000,
  }
}

const gotOf = ({ decision, mode }: Outcome): Got => ({
  effect: decision.effect,
  reason: decision.reason,
  rule: 'rule' in decision ? decision.rule : undefined,
  mode,
})

const differencesOf = (
  { effect, reason, rule, mode }: DecisionCase['expected'],
  got: Got,
): readonly Difference[] => [
  ...(effect === got.effect ? [] : [difference('effect', effect, got.effect)]),
  ...(reason === undefined || reason === got.reason
    ? []
    : [difference('reason', reason, got.reason)]),
  ...(rule === undefined || isRule(rule, got.rule) ? [] : [difference('rule', rule, got.rule)]),
  ...(mode === undefined || mode === got.mode ? [] : [difference('mode', mode, got.mode)]),
]

const difference = (
  what: Difference['what'],
  expected: string,
  got: string | undefined,
): Difference => ({ what, expected, got: got ?? 'none' })

/** `grafana.yaml#sre`, or `sre` alone. */
const isRule = (expected: string, got: string | undefined): boolean =>
  got === expected || got?.endsWith(`#${expected}`) === true

/**
 * What decided, and what was expected to. Where nothing held, the allows that might have; an
 * unexpected yes is not explained by all the rules that had no part in it.
 */
const whyOf = (
  outcome: Outcome,
  got: Got,
  expectedRule: string | undefined,
): readonly ExplainedRule[] => {
  const rules = explainOutcome(outcome)?.rules ?? []
  return rules.filter(({ id, action }) => {
    if (id === got.rule || (expectedRule !== undefined && isRule(expectedRule, id))) return true
    return got.rule === undefined ? action === 'allow' : got.effect === 'allow' && action === 'deny'
  })
}
