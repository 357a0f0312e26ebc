import { findCriterion } from './criteria.ts'
import { type PolicyDocument, type RuleDocument } from './document.ts'
import { type LintedPolicy, type LintFinding, type LintInput } from './lint-finding.ts'
import { formulaOf, type Term } from './lint-formula.ts'
import { implies } from './lint-implication.ts'

/**
 * A deny of everybody who is not somebody (`not: [{ groups: … }]`) keeps the anonymous out, from
 * public pages as well; that is easily overlooked.
 */
export const lintPublic = ({ files, now }: LintInput): readonly LintFinding[] =>
  files.flatMap(({ document }: LintedPolicy) =>
    document.rules
      .filter(({ isPublic, until }) => isPublic && (until === undefined || until > now))
      .flatMap((rule): readonly LintFinding[] => {
        const closing = document.rules.find(
          (deny) =>
            deny.action === 'deny' &&
            (deny.until === undefined || deny.until > now) &&
            closes(deny, rule, document),
        )
        return closing === undefined ? [] : [closed(rule, closing)]
      }),
  )

const closed = (rule: RuleDocument, deny: RuleDocument): LintFinding => ({
  id: 'closed_public_rule',
  place: rule.place,
  problem: `${rule.id} lets in nobody who is anonymous, since ${deny.id} asks who they are`,
  remedy: 'Leave the public paths out of the deny: add not: [{ http_path: … }] to it.',
})

/** Whether the deny asks who somebody is wherever the public rule holds. */
const closes = (
  deny: RuleDocument,
  rule: RuleDocument,
  { pathsIgnoreCase }: PolicyDocument,
): boolean => {
  const open = formulaOf(rule, pathsIgnoreCase) ?? []
  const asking = (formulaOf(deny, pathsIgnoreCase) ?? []).filter(asksWho)
  return open.length > 0 && open.every((term) => asking.some((other) => isAlwaysAsked(other, term)))
}

const isIdentity = (key: string): boolean => findCriterion(key)?.criterion.proves === 'identity'

/** Only negations hold for somebody of whom nothing is known. */
const asksWho = (term: Term): boolean => {
  const identities = term.filter(({ key }) => isIdentity(key))
  return identities.length > 0 && identities.every(({ isNegated }) => isNegated)
}

/** Nothing but the identity can settle the deny where the public rule holds. */
const isAlwaysAsked = (deny: Term, rule: Term): boolean =>
  deny.every((literal) => isIdentity(literal.key) || rule.some((each) => implies(each, literal)))
