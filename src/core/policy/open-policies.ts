import { decide } from '../decide.ts'
import { type Enforced } from '../decision.ts'
import { type HostName } from '../ids.ts'
import { compilePolicies } from './compile-policies.ts'
import { type Facts, type Finding, type Matcher, type Test, type Toolbox } from './criterion.ts'
import {
  type ConditionDocument,
  type OperatorDocument,
  type PolicyDocument,
  type RequirementDocument,
} from './document.ts'
import { compileOperators } from './expression.ts'
import { entries, NEGATIVE } from './matcher.ts'
import { findPolicy, type HostPolicy, type PolicySet } from './policy.ts'

/** One positive criterion of a rule, such as `http_path starts_with /api`. */
export type Leaf = {
  /** As people read it; the same text is the same condition. */
  readonly text: string
  readonly criterion: string
  readonly matcher: Matcher
  readonly readsClientCertificate: boolean
  /** What the server would find. */
  readonly test: Test
}

/** Answers what a leaf finds where some facts are not known. */
export type Ask = (leaf: Leaf, facts: Facts) => Finding

/** A host's policy whose every criterion is asked about, so that facts can be left open. */
export type OpenPolicy = {
  /** The policy as the server has it. */
  readonly served: HostPolicy
  readonly decide: (facts: Facts) => Enforced
  /** Every criterion of its rules, for those who look for representative facts. */
  readonly leaves: readonly Leaf[]
}

export type OpenPolicies = {
  readonly served: PolicySet
  readonly find: (host: HostName) => OpenPolicy | undefined
}

/** Where rules are folded into expressions that only look a leaf up; no file can hold this. */
const MARK = '\0'

/**
 * Compiles the documents once more, with a question in place of each criterion; rules, operators
 * and `decide` are the server's own, so that the two cannot disagree.
 */
export const openPolicies = (
  documents: readonly PolicyDocument[],
  served: PolicySet,
  toolbox: Toolbox,
  ask: Ask,
): OpenPolicies => {
  const leaves: Leaf[] = []
  const byDocument = documents.map((document) => {
    const first = leaves.length
    const replace = replacer(document, toolbox, leaves)
    const rules = document.rules.map((rule) => ({
      ...rule,
      operators: rule.operators.map((operator) => replaceIn(operator, replace)),
      requirements: rule.requirements.map((each) => openRequirement(each, replace)),
    }))
    const requirements = document.requirements.map((each) => openRequirement(each, replace))
    return { document: { ...document, rules, requirements }, first }
  })
  const found = new Map<string, OpenPolicy>()
  const expressions: Toolbox = {
    ...toolbox,
    compileExpression: (source) => {
      const leaf = leaves[Number(source.slice(MARK.length))]
      return (facts) => (leaf === undefined ? 'broken' : ask(leaf, facts))
    },
  }
  for (const [index, { document, first }] of byDocument.entries()) {
    const set = compilePolicies([document], served.version, expressions)
    const own = leaves.slice(first, byDocument[index + 1]?.first ?? leaves.length)
    for (const policy of [...set.exact.values(), ...set.below.values()]) {
      const original = findLabel(served, policy.label)
      if (original !== undefined) {
        found.set(policy.label, {
          served: original,
          decide: (facts) => decide(policy, facts),
          leaves: own,
        })
      }
    }
  }
  return { served, find: (host) => found.get(findPolicy(served, host)?.label ?? '') }
}

const findLabel = (set: PolicySet, label: string): HostPolicy | undefined =>
  label.startsWith('*.') ? set.below.get(label.slice(2)) : set.exact.get(label)

type LeafOf = (criterion: string, matcher: Matcher) => Leaf

type Replacer = {
  readonly condition: (criterion: string, matcher: Matcher) => ConditionDocument
}

const replacer = (document: PolicyDocument, toolbox: Toolbox, leaves: Leaf[]): Replacer => {
  const context = { ...toolbox, pathsIgnoreCase: document.pathsIgnoreCase }
  const leafOf: LeafOf = (criterion, matcher) => {
    const one = { operator: 'and', conditions: [{ criterion, matcher }] } as const
    const [leaf] = compileOperators([one], context).parts
    if (leaf === undefined) throw new TypeError('a criterion compiles to one condition')
    const { readsClientCertificate } = document
    return { criterion, matcher, readsClientCertificate, text: leaf.text, test: leaf.test }
  }
  const asked = (criterion: string, matcher: Matcher): ConditionDocument => {
    leaves.push(leafOf(criterion, matcher))
    return { criterion: 'cel', matcher: { is: `${MARK}${leaves.length - 1}` } }
  }
  return {
    condition: (criterion, matcher) => {
      const all = entries(matcher)
      const negative = all.flatMap(([name, argument]): readonly ConditionDocument[] => {
        const twin = NEGATIVE.get(name)
        if (twin === undefined) return []
        return [{ operator: 'not', conditions: [asked(criterion, { [twin]: argument })] }]
      })
      if (negative.length === 0) return asked(criterion, matcher)
      const rest = all.filter(([name]) => !NEGATIVE.has(name))
      const positive = rest.length === 0 ? [] : [asked(criterion, Object.fromEntries(rest))]
      return { operator: 'and', conditions: [...positive, ...negative] }
    },
  }
}

const replaceIn = (
  { operator, conditions }: OperatorDocument,
  replace: Replacer,
): OperatorDocument => ({
  operator,
  conditions: conditions.map((each) =>
    'operator' in each ? replaceIn(each, replace) : replace.condition(each.criterion, each.matcher),
  ),
})

/** Where more proof is asked, and whether it is there, is asked about like any rule. */
const openRequirement = (
  { where, proof, ...rest }: RequirementDocument,
  replace: Replacer,
): RequirementDocument => ({
  ...rest,
  where: where === undefined ? undefined : replaceIn(where, replace),
  proof: proof === undefined ? undefined : replaceIn(proof, replace),
})
