import { type ConditionDocument, type RuleDocument } from './document.ts'
import { type LintFinding, type LintInput, rulesOnce } from './lint-finding.ts'
import { conflictOf, formulaOf } from './lint-formula.ts'
import { methodComplaint } from './lint-method.ts'
import { asList, entries } from './matcher.ts'

/** Rules that never hold, and methods that no request has. */
export const lintReach = ({ files }: LintInput): readonly LintFinding[] =>
  rulesOnce(files).flatMap(({ rule, file }): readonly LintFinding[] => {
    const why = whyNever(rule, file.document.pathsIgnoreCase)
    return why === undefined ? lintMethods(rule) : [unreachable(rule, why)]
  })

const unreachable = ({ id, place, action }: RuleDocument, why: string): LintFinding => ({
  id: 'unreachable_rule',
  place,
  problem: `${id} never ${action === 'allow' ? 'allows' : 'denies'} anything: ${why}`,
  remedy: 'Use or where one of several is meant, or remove the rule.',
})

const whyNever = (rule: RuleDocument, pathsIgnoreCase: boolean): string | undefined => {
  const formula = formulaOf(rule, pathsIgnoreCase)
  if (formula === undefined) return undefined
  const conflicts = formula.map((term) => conflictOf(term, rule.action))
  if (conflicts.includes(undefined)) return undefined
  return conflicts[0] ?? 'it holds a condition that never does'
}

const lintMethods = (rule: RuleDocument): readonly LintFinding[] =>
  [...new Set(rule.operators.flatMap(methodsOf))].flatMap((method): readonly LintFinding[] => {
    const complaint = methodComplaint(method)
    return complaint === undefined
      ? []
      : [
          {
            id: 'impossible_method',
            place: rule.place,
            problem: `${JSON.stringify(method)} ${complaint[0]}`,
            remedy: `${complaint[1]}.`,
          },
        ]
  })

const methodsOf = (condition: ConditionDocument): readonly string[] => {
  if ('operator' in condition) return condition.conditions.flatMap(methodsOf)
  if (condition.criterion !== 'http_method') return []
  return entries(condition.matcher).flatMap(([name, argument]) =>
    WHOLE.has(name) ? asList(argument) : [],
  )
}

const WHOLE: ReadonlySet<string> = new Set(['is', 'in', 'not', 'not_in'])
