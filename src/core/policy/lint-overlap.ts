import { type EpochSeconds } from '../ids.ts'
import { type RuleDocument } from './document.ts'
import { type LintedPolicy, type LintFinding, type LintInput } from './lint-finding.ts'
import { conflictOf, formulaOf, isWithin, type Term } from './lint-formula.ts'

/** Rules of one host that say the same, or that others make pointless. */
export const lintOverlap = ({ files, now }: LintInput): readonly LintFinding[] =>
  files.flatMap((file) => lintFile(file, now))

type Candidate = { readonly rule: RuleDocument; readonly terms: readonly Term[] }

const lintFile = ({ document }: LintedPolicy, now: EpochSeconds): readonly LintFinding[] => {
  const candidates = document.rules.flatMap((rule): readonly Candidate[] => {
    if (rule.until !== undefined && rule.until <= now) return []
    const terms = formulaOf(rule, document.pathsIgnoreCase)?.filter(
      (term) => conflictOf(term, rule.action) === undefined,
    )
    return terms === undefined || terms.length === 0 ? [] : [{ rule, terms }]
  })
  return candidates.flatMap((candidate, index) =>
    lintCandidate(candidate, candidates.slice(0, index), candidates.slice(index + 1)),
  )
}

/** One finding for each rule: the plainest. */
const lintCandidate = (
  candidate: Candidate,
  earlier: readonly Candidate[],
  later: readonly Candidate[],
): readonly LintFinding[] => {
  const twin = earlier.find((other) => covers(other, candidate) && covers(candidate, other))
  if (twin !== undefined) return [duplicate(candidate.rule, twin.rule)]
  const others = [...earlier, ...later].filter((other) => covers(other, candidate))
  const shadow = others.find(
    ({ rule }) => rule.action === 'deny' && candidate.rule.action === 'allow',
  )
  if (shadow !== undefined) return [shadowed(candidate.rule, shadow.rule)]
  const wider = others.find((other) => !covers(candidate, other))
  return wider === undefined ? [] : [redundant(candidate.rule, wider.rule)]
}

/**
 * Whether the first makes the second pointless: it holds wherever the second does, as long as the
 * second counts. A rule set is written for many hosts, so what one host adds to it is no fault.
 */
const covers = (wide: Candidate, narrow: Candidate): boolean =>
  mayBeCompared(wide.rule, narrow.rule) &&
  asksNoMore(wide.rule, narrow.rule) &&
  lastsAsLong(wide.rule, narrow.rule) &&
  isWithin(narrow.terms, wide.terms)

const mayBeCompared = (wide: RuleDocument, narrow: RuleDocument): boolean => {
  const isSame = wide.action === narrow.action && wide.isPublic === narrow.isPublic
  const isShadow = wide.action === 'deny' && narrow.action === 'allow'
  return (isSame || isShadow) && (!isShared(narrow) || isSameSet(wide, narrow))
}

/** A rule that asks for proof lets fewer people in than its conditions say. */
const asksNoMore = (wide: RuleDocument, narrow: RuleDocument): boolean =>
  wide.requirements.length === 0 ||
  JSON.stringify(wide.requirements) === JSON.stringify(narrow.requirements)

const isShared = ({ place }: RuleDocument): boolean => place.path[0] === 'ruleSets'

const isSameSet = ({ place: one }: RuleDocument, { place: other }: RuleDocument): boolean =>
  one.file === other.file && one.path[0] === 'ruleSets' && one.path[1] === other.path[1]

const lastsAsLong = (wide: RuleDocument, narrow: RuleDocument): boolean =>
  wide.until === undefined || (narrow.until !== undefined && narrow.until <= wide.until)

const duplicate = (rule: RuleDocument, twin: RuleDocument): LintFinding => ({
  id: 'duplicate_rule',
  place: rule.place,
  problem: `${rule.id} says the same as ${twin.id}`,
  remedy: 'Keep one of them.',
})

const shadowed = (rule: RuleDocument, shadow: RuleDocument): LintFinding => ({
  id: 'shadowed_allow',
  place: rule.place,
  problem: `${rule.id} never lets anybody in: whenever it holds, ${shadow.id} denies`,
  remedy: 'Narrow the deny, or remove the allow.',
})

const redundant = (rule: RuleDocument, wider: RuleDocument): LintFinding => ({
  id: 'redundant_rule',
  place: rule.place,
  problem: `${rule.id} adds nothing: whenever it holds, ${wider.id} holds as well`,
  remedy: 'Remove it, or narrow the wider one.',
})
