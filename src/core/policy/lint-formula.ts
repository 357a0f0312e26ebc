import { type ConditionDocument, type OperatorDocument, type RuleDocument } from './document.ts'
import { contradict, implies, isEmptySpan } from './lint-implication.ts'
import { isEmptyTimeOfDay, type Literal, literalsOf, literalText } from './lint-literal.ts'
import { canHaveMethod } from './lint-method.ts'

/** Literals that hold together. */
export type Term = readonly Literal[]

/**
 * A rule as alternatives, each a term; negations are pushed down to the literals. Undefined where
 * there would be too many: then nothing is said about the rule.
 */
export type Formula = readonly Term[] | undefined

const MOST_TERMS = 200

export const formulaOf = (rule: RuleDocument, pathsIgnoreCase: boolean): Formula =>
  anyOf(rule.operators.map((operator) => formulaOfOperator(operator, false, pathsIgnoreCase)))

const formulaOfOperator = (
  { operator, conditions }: OperatorDocument,
  isNegated: boolean,
  pathsIgnoreCase: boolean,
): Formula => {
  const flips = operator === 'not' || operator === 'nor'
  const isAnd = operator === 'and' || operator === 'nor'
  const negated = flips !== isNegated
  const parts = conditions.map((each) => formulaOfCondition(each, negated, pathsIgnoreCase))
  return isAnd === negated ? anyOf(parts) : allOf(parts)
}

const formulaOfCondition = (
  condition: ConditionDocument,
  isNegated: boolean,
  pathsIgnoreCase: boolean,
): Formula => {
  if ('operator' in condition) return formulaOfOperator(condition, isNegated, pathsIgnoreCase)
  const { criterion, matcher } = condition
  const always = criterion === 'accept'
  const never = criterion === 'reject' || (criterion === 'time_of_day' && isEmptyTimeOfDay(matcher))
  if (always || never) return always === isNegated ? [] : [[]]
  const { positive, negative } = literalsOf(criterion, matcher, pathsIgnoreCase)
  return isNegated
    ? [...positive.map((each) => [negated(each)]), ...negative.map((each) => [each])]
    : [[...positive, ...negative.map(negated)]]
}

const negated = (literal: Literal): Literal => ({ ...literal, isNegated: !literal.isNegated })

const anyOf = (parts: readonly Formula[]): Formula => {
  const terms: Term[] = []
  for (const part of parts) {
    if (part === undefined || terms.length + part.length > MOST_TERMS) return undefined
    terms.push(...part)
  }
  return terms
}

const allOf = (parts: readonly Formula[]): Formula => {
  let terms: readonly Term[] = [[]]
  for (const part of parts) {
    if (part === undefined || terms.length * part.length > MOST_TERMS) return undefined
    terms = terms.flatMap((term) => part.map((other) => [...term, ...other]))
  }
  return terms
}

/** Why no request can make all literals of a term hold; undefined where one may. */
export const conflictOf = (term: Term, action: RuleDocument['action']): string | undefined => {
  for (const [index, literal] of term.entries()) {
    const alone = conflictAlone(literal, action)
    if (alone !== undefined) return alone
    const other = term.slice(index + 1).find((each) => contradict(literal, each))
    if (other !== undefined) {
      return `${literalText(literal)} and ${literalText(other)} contradict each other`
    }
  }
  return undefined
}

const conflictAlone = (literal: Literal, action: RuleDocument['action']): string | undefined => {
  const { key, isNegated } = literal
  if (isNegated) {
    // In a deny it means that nobody anonymous gets in, so there it has an effect.
    return key === 'authenticated_user' && action === 'allow'
      ? 'an allow never holds for somebody who is not authenticated_user'
      : undefined
  }
  if (key === 'date' && isEmptySpan(literal)) return 'its date ends before it begins'
  return key === 'http_method' && !isPossibleMethod(literal)
    ? `no request has the method ${literal.values.join(', ')}`
    : undefined
}

const isPossibleMethod = ({ operator, values }: Literal): boolean =>
  operator !== 'in' || values.some(canHaveMethod)

/** Whether one rule holds only where the other does. */
export const isWithin = (one: readonly Term[], other: readonly Term[]): boolean =>
  one.every((term) => other.some((wider) => isTermWithin(term, wider)))

const isTermWithin = (term: Term, wider: Term): boolean =>
  wider.every((wanted) => term.some((literal) => implies(literal, wanted)))
