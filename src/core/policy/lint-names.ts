import { type ConditionDocument, type HostPattern, type RuleDocument } from './document.ts'
import { type LintedPolicy, type LintFinding, type LintInput, rulesOnce } from './lint-finding.ts'
import { asList, entries } from './matcher.ts'

/** Names that have no effect, or another than they seem to have. */
export const lintNames = ({ files, ruleSets }: LintInput): readonly LintFinding[] => [
  ...files.flatMap((file) => lintWildcards(file, files)),
  ...lintDeniedGroups(files),
  ...ruleSets
    .filter(({ isUsed }) => !isUsed)
    .map(
      ({ place, name }): LintFinding => ({
        id: 'unused_rule_set',
        place,
        problem: `no file uses the rule set ${name}`,
        remedy: `Write use: [${name}] in a policy file, or remove the set.`,
      }),
    ),
]

const lintWildcards = (
  { file, document }: LintedPolicy,
  files: readonly LintedPolicy[],
): readonly LintFinding[] =>
  document.hosts.flatMap((host, index) =>
    files
      .filter((other) => other.file !== file)
      .flatMap((other): readonly LintFinding[] => {
        const wider = other.document.hosts.find((pattern) => isBelow(host, pattern))
        if (wider === undefined) return []
        return [
          {
            id: 'wildcard_overlap',
            place: { file, path: ['hosts', index] },
            problem: `${labelOf(host)} is below ${labelOf(wider)} of ${other.file}, whose rules do not count here`,
            remedy: 'Use a rule set for rules that both should have.',
          },
        ]
      }),
  )

const isBelow = (host: HostPattern, pattern: HostPattern): boolean =>
  pattern.kind === 'below' && host.name.endsWith(`.${pattern.name}`)

const labelOf = ({ kind, name }: HostPattern): string => (kind === 'exact' ? name : `*.${name}`)

/** A group that is granted nothing anywhere is unknown, or is known for being denied. */
const lintDeniedGroups = (files: readonly LintedPolicy[]): readonly LintFinding[] => {
  const rules = rulesOnce(files).map(({ rule }) => rule)
  const known = new Set([
    ...rules.filter(({ action }) => action === 'allow').flatMap(groupsOf),
    ...files.flatMap(({ document: { sendGroups, mode } }) => [
      ...sendGroups,
      ...(mode.kind === 'canary' ? mode.groups : []),
    ]),
  ])
  const told = new Set<string>()
  return rules
    .filter(({ action }) => action === 'deny')
    .flatMap((rule) =>
      [...new Set(groupsOf(rule))].flatMap((group): readonly LintFinding[] => {
        if (known.has(group) || told.has(group)) return []
        told.add(group)
        return [
          {
            id: 'group_only_denied',
            place: rule.place,
            problem: `the group ${group} stands in denies only`,
            remedy: 'Make sure that the identity provider spells it like that.',
          },
        ]
      }),
    )
}

const groupsOf = ({ operators }: RuleDocument): readonly string[] =>
  operators.flatMap(groupsOfCondition)

const groupsOfCondition = (condition: ConditionDocument): readonly string[] => {
  if ('operator' in condition) return condition.conditions.flatMap(groupsOfCondition)
  return condition.criterion === 'groups'
    ? entries(condition.matcher).flatMap(([, names]) => asList(names))
    : []
}
