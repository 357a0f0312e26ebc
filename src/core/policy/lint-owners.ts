import { type RuleDocument } from './document.ts'
import { type LintedPolicy, type LintFinding, type LintInput, rulesOnce } from './lint-finding.ts'
import { conflictOf, formulaOf, type Term } from './lint-formula.ts'
import { type Literal } from './lint-literal.ts'

/** Hosts without an owner, and wide grants that nobody answers for or that never end. */
export const lintOwners = ({ files }: LintInput): readonly LintFinding[] => [
  ...files.filter(({ document }) => document.owner === undefined).map(hostWithoutOwner),
  ...rulesOnce(files).flatMap(({ rule, file }) => lintPermissive(rule, file)),
]

const hostWithoutOwner = ({ file, document }: LintedPolicy): LintFinding => ({
  id: 'host_without_owner',
  place: { file, path: ['hosts'] },
  problem: `nobody answers for ${document.hosts.map(({ name }) => name).join(', ')}`,
  remedy: 'Write owner: with the address of a team.',
})

const lintPermissive = (rule: RuleDocument, { document }: LintedPolicy): readonly LintFinding[] => {
  const owner = rule.owner ?? document.owner
  if (rule.action === 'deny' || (owner !== undefined && rule.until !== undefined)) return []
  const terms = formulaOf(rule, document.pathsIgnoreCase) ?? []
  const wide = terms.find((term) => conflictOf(term, 'allow') === undefined && isWide(term))
  if (wide === undefined) return []
  const missing = [
    ...(owner === undefined ? ['owner'] : []),
    ...(rule.until === undefined ? ['until'] : []),
  ]
  return [
    {
      id: 'permissive_rule',
      place: rule.place,
      problem: `${rule.id} lets in ${crowdOf(wide, rule)}, without ${missing.join(' and ')}`,
      remedy: `Name groups or users, or add ${missing.join(' and ')}.`,
    },
  ]
}

/** These say what kind of caller it is, not who; nor does any that only says who it is not. */
const CROWDS: ReadonlyMap<string, string> = new Map([
  ['domain', 'everybody of a domain'],
  ['actor', 'every caller of a kind'],
  ['issuer', 'everybody that an issuer knows'],
  ['authenticated_user', 'everybody who is signed in'],
])

/** They narrow when and what, not who. */
const CIRCUMSTANCES: ReadonlySet<string> = new Set([
  'http_method',
  'http_path',
  'source_ip',
  'cors_preflight',
  'date',
  'day_of_week',
  'time_of_day',
])

const isWide = (term: Term): boolean =>
  term.every(
    (literal) =>
      literal.isNegated ||
      CROWDS.has(literal.key) ||
      CIRCUMSTANCES.has(literal.key) ||
      isWholeDomain(literal),
  )

/** `email: { ends_with: "@example.com" }` is a domain by another name. */
const isWholeDomain = ({ key, operator }: Literal): boolean =>
  (key === 'email' || key === 'user') && (operator === 'ends_with' || operator === 'contains')

const crowdOf = (term: Term, { isPublic }: RuleDocument): string => {
  if (isPublic) return 'the public'
  const kinds = term.filter(({ isNegated }) => !isNegated)
  if (kinds.some(isWholeDomain)) return 'everybody of a domain'
  const named = [...CROWDS].find(([key]) => kinds.some((literal) => literal.key === key))
  return named?.[1] ?? 'everybody but a few'
}
