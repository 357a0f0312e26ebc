import { findCriterion } from './criteria.ts'
import {
  type CompileContext,
  type Facts,
  type Finding,
  type Matcher,
  type MatcherName,
  type Test,
} from './criterion.ts'
import { type ConditionDocument, type OperatorDocument } from './document.ts'
import { entries, NEGATIVE } from './matcher.ts'

/** A compiled condition with those it is made of, so that its finding can be explained. */
export type Compiled = {
  /** The condition as people read it, such as `groups has sre`. */
  readonly text: string
  readonly test: Test
  readonly parts: readonly Compiled[]
}

/**
 * Compiles the operators of a rule; they are alternatives. The result follows Kleene's
 * three-valued logic: what is absent stays absent through every negation.
 */
export const compileOperators = (
  operators: readonly OperatorDocument[],
  context: CompileContext,
): Compiled => {
  const parts = operators.map((operator) => compileOperator(operator, context))
  const [only] = parts
  return only !== undefined && parts.length === 1
    ? only
    : { text: 'any of', test: anyOf(testsOf(parts)), parts }
}

/**
 * The same in two-valued logic, for a deny and a principal that is known: what is absent was not
 * found, so `not` of it holds. Otherwise nobody without a groups claim would ever be denied by
 * `deny: { not: [{ groups: { has: staff } }] }`.
 */
export const compileOperatorsClosed = (
  operators: readonly OperatorDocument[],
  context: CompileContext,
): Compiled => compileOperators(operators, { ...context, absentFails: true })

const testsOf = (parts: readonly Compiled[]): readonly Test[] => parts.map(({ test }) => test)

const OPERATOR_TEXT = {
  and: 'all of',
  or: 'any of',
  not: 'none of',
  nor: 'not all of',
} as const

const compileOperator = (
  { operator, conditions }: OperatorDocument,
  context: CompileContext,
): Compiled => {
  const parts = conditions.map((condition) => compileCondition(condition, context))
  return { text: OPERATOR_TEXT[operator], test: combined(operator, testsOf(parts)), parts }
}

const combined = (operator: OperatorDocument['operator'], tests: readonly Test[]): Test => {
  switch (operator) {
    case 'and':
      return allOf(tests)
    case 'or':
      return anyOf(tests)
    case 'not':
      return negate(anyOf(tests))
    case 'nor':
      return negate(allOf(tests))
  }
}

const compileCondition = (condition: ConditionDocument, context: CompileContext): Compiled =>
  'operator' in condition
    ? compileOperator(condition, context)
    : {
        text: conditionText(condition.criterion, condition.matcher),
        test: compileCriterion(condition.criterion, condition.matcher, context),
        parts: [],
      }

const conditionText = (criterion: string, matcher: Matcher): string =>
  [
    criterion,
    ...entries(matcher).map(
      ([name, argument]) =>
        `${name} ${typeof argument === 'string' ? argument : `[${argument.join(', ')}]`}`,
    ),
  ].join(' ')

/** `{ in: […], not_in: […] }` is its positive part and the negation of each negative one. */
const compileCriterion = (key: string, matcher: Matcher, context: CompileContext): Test => {
  const found = findCriterion(key)
  if (found === undefined) throw new TypeError(`criterion ${key} passed the schema unknown`)
  const { criterion, part } = found
  const all = entries(matcher)
  const positive = all.filter(([name]) => !NEGATIVE.has(name))
  const negative = all.flatMap(([name, argument]) => {
    const twin = NEGATIVE.get(name)
    return twin === undefined ? [] : [[twin, argument] as const]
  })
  const compilePart = (
    parts: readonly (readonly [MatcherName, string | readonly string[]])[],
  ): Test => {
    const test = criterion.compile(Object.fromEntries(parts), context, part)
    return context.absentFails === true ? closed(test) : test
  }
  return allOf([
    ...(positive.length > 0 || negative.length === 0 ? [compilePart(positive)] : []),
    ...negative.map((each) => negate(compilePart([each]))),
  ])
}

const closed =
  (test: Test): Test =>
  (facts) =>
    toClosed(test(facts))

const toClosed = (finding: Finding): Finding => (finding === 'absent' ? 'fails' : finding)

const negate =
  (test: Test): Test =>
  (facts) => {
    const finding = test(facts)
    if (finding === 'holds') return 'fails'
    return finding === 'fails' ? 'holds' : finding
  }

const allOf = (tests: readonly Test[]): Test => combine(tests, 'fails', 'holds')

const anyOf = (tests: readonly Test[]): Test => combine(tests, 'holds', 'fails')

/** The first `decisive` finding settles it; failing that, what is absent or broken leaves it open. */
const combine = (tests: readonly Test[], decisive: Finding, otherwise: Finding): Test => {
  const [only] = tests
  if (only !== undefined && tests.length === 1) return only
  return (facts: Facts) => {
    let result = otherwise
    for (const test of tests) {
      const finding = test(facts)
      if (finding === decisive) return decisive
      if (finding === 'broken' || (finding === 'absent' && result !== 'broken')) result = finding
    }
    return result
  }
}
