import { expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { type Facts, type Toolbox } from '../../src/core/policy/criterion.ts'
import { type OperatorDocument, type RuleDocument } from '../../src/core/policy/document.ts'
import { compileOperators, compileOperatorsClosed } from '../../src/core/policy/expression.ts'
import { conflictOf, formulaOf, isWithin } from '../../src/core/policy/lint-formula.ts'
import { ANONYMOUS } from '../../src/core/principal.ts'
import { compileRanges } from '../../src/edge/policies/address-ranges.ts'
import { aPerson, aRequest, NOW } from '../support/policies.ts'

const TOOLBOX: Toolbox = {
  compileRanges,
  compileExpression: () => () => 'fails',
  readCertificate: () => undefined,
}

const GROUPS = ['a', 'b', 'c']
const PATHS = ['/', '/x', '/x/y', '/xy']
const METHODS = ['GET', 'HEAD', 'POST']
const some = (values: readonly string[]): fc.Arbitrary<string[]> =>
  fc.subarray([...values], { minLength: 1 })

type Condition = RuleDocument['operators'][number]['conditions'][number]

const criterion: fc.Arbitrary<Condition> = fc.oneof(
  fc.record({
    criterion: fc.constant('groups'),
    matcher: fc.oneof(
      some(GROUPS).map((names) => ({ in: names })),
      some(GROUPS).map((names) => ({ is: names })),
      some(GROUPS).map((names) => ({ not_in: names })),
      fc.constantFrom(...GROUPS).map((name) => ({ exclude: name })),
    ),
  }),
  fc.record({
    criterion: fc.constantFrom('user', 'claim/c'),
    matcher: fc.oneof(
      some(GROUPS).map((names) => ({ in: names })),
      fc.constantFrom(...GROUPS).map((name) => ({ not: name })),
      fc.constantFrom(...GROUPS).map((name) => ({ starts_with: name, ends_with: 'a' })),
    ),
  }),
  fc.record({
    criterion: fc.constant('http_path'),
    matcher: fc.oneof(
      some(PATHS).map((paths) => ({ starts_with: paths })),
      some(PATHS).map((paths) => ({ in: paths })),
      fc.constantFrom(...PATHS).map((path) => ({ not: path })),
      fc.constantFrom('x', 'y').map((text) => ({ ends_with: text })),
      fc.constantFrom('x', '/x').map((text) => ({ contains: text })),
    ),
  }),
  fc.record({
    criterion: fc.constant('http_method'),
    matcher: fc.oneof(
      some(METHODS).map((names) => ({ in: names })),
      fc.constantFrom(...METHODS).map((name) => ({ not: name })),
      fc.constantFrom('G', 'H').map((name) => ({ starts_with: name })),
    ),
  }),
  fc.record({
    criterion: fc.constantFrom('authenticated_user', 'accept', 'reject'),
    matcher: fc.constant({}),
  }),
)

const operatorName = fc.constantFrom('and', 'or', 'not', 'nor')
const operators: fc.Arbitrary<OperatorDocument> = fc.letrec<{
  operator: OperatorDocument
  condition: Condition
}>((tie) => ({
  condition: fc.oneof({ depthSize: 'small' }, criterion, tie('operator')),
  operator: fc.record({
    operator: operatorName,
    conditions: fc.array(tie('condition'), { minLength: 1, maxLength: 3 }),
  }) as fc.Arbitrary<OperatorDocument>,
})).operator

const rule = (action: RuleDocument['action']): fc.Arbitrary<RuleDocument> =>
  fc.array(operators, { minLength: 1, maxLength: 2 }).map((list) => ({
    id: 'x',
    action,
    operators: list,
    isPublic: false,
    until: undefined,
    owner: undefined,
    requirements: [],
    place: { file: 'x', path: [] },
  }))

const facts: fc.Arbitrary<Facts> = fc.record({
  now: fc.constant(NOW),
  request: fc
    .record({ path: fc.constantFrom(...PATHS), method: fc.constantFrom(...METHODS) })
    .map(aRequest),
  principal: fc.oneof(
    fc.constant(ANONYMOUS),
    fc
      .record({
        subject: fc.constantFrom(...GROUPS),
        groups: fc.option(fc.subarray([...GROUPS]), { nil: undefined }),
        claims: fc
          .option(fc.subarray([...GROUPS]), { nil: undefined })
          .map((c) => (c === undefined ? {} : { c })),
      })
      .map(aPerson),
  ),
})

const holds = ({ operators: list }: RuleDocument, given: Facts): boolean =>
  compileOperators(list, { ...TOOLBOX, pathsIgnoreCase: false }).test(given) === 'holds'

test('a rule that is called unreachable never holds', () => {
  fc.assert(
    fc.property(rule('allow'), facts, (one, given) => {
      const formula = formulaOf(one, false)
      fc.pre(
        formula !== undefined && formula.every((term) => conflictOf(term, 'allow') !== undefined),
      )
      expect(holds(one, given)).toBe(false)
    }),
    { numRuns: 500 },
  )
})

test('a rule that is called narrower holds only where the wider one does, for allows and denies', () => {
  fc.assert(
    fc.property(
      rule('allow'),
      rule('allow'),
      fc.array(facts, { minLength: 8, maxLength: 8 }),
      (one, other, all) => {
        const [narrow, wide] = [formulaOf(one, false), formulaOf(other, false)]
        fc.pre(narrow !== undefined && wide !== undefined && isWithin(narrow, wide))
        const closed = compileOperatorsClosed(other.operators, {
          ...TOOLBOX,
          pathsIgnoreCase: false,
        })
        for (const given of all.filter((each) => holds(one, each))) {
          expect(holds(other, given)).toBe(true)
          if (given.principal.kind === 'authenticated') expect(closed.test(given)).toBe('holds')
        }
      },
    ),
    { numRuns: 500 },
  )
})
