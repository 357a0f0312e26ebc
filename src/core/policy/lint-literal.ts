import { parseMoment } from './criteria/date.ts'
import { lowerAscii } from './criteria/email.ts'
import { parseTimeOfDay } from './criteria/time-of-day.ts'
import { findCriterion } from './criteria.ts'
import { type Matcher, type MatcherName } from './criterion.ts'
import { asList, entries, NEGATIVE } from './matcher.ts'

/**
 * How much analysis knows of a criterion: it tests one text, any of several texts (`user` tests
 * subject and address), a list, a span of time, or something that can only be compared as written.
 */
type Shape = 'text' | 'path' | 'texts' | 'user' | 'list' | 'span' | 'opaque'

/** One test of one criterion, negated or not. */
export type Literal = {
  readonly key: string
  readonly shape: Shape
  readonly operator: 'in' | 'starts_with' | 'ends_with' | 'contains' | 'exactly' | 'whole'
  readonly values: readonly string[]
  readonly isNegated: boolean
}

const SHAPES: ReadonlyMap<string, Shape> = new Map([
  ['actor', 'text'],
  ['issuer', 'text'],
  ['service_account', 'text'],
  ['spiffe_id', 'text'],
  ['acr', 'text'],
  ['email', 'text'],
  ['domain', 'text'],
  ['http_method', 'text'],
  ['http_path', 'path'],
  ['claim/', 'texts'],
  ['user', 'user'],
  ['groups', 'list'],
  ['amr', 'list'],
  ['date', 'span'],
])

/** A criterion of a rule as literals: all of `positive` hold and none of `negative`. */
export type LiteralsOf = {
  readonly positive: readonly Literal[]
  readonly negative: readonly Literal[]
}

export const literalsOf = (key: string, matcher: Matcher, pathsIgnoreCase: boolean): LiteralsOf => {
  const { positive, negative } = partsOf(matcher)
  const shape = shapeOf(key, positive)
  if (shape === 'span') return { positive: [spanOf(key, matcher)], negative: [] }
  const fold = foldOf(key, pathsIgnoreCase)
  const literal = ([name, argument]: Entry): Literal => ({
    key,
    shape,
    operator: operatorOf(shape, name),
    values: valuesOf(key, asList(argument).map(fold)),
    isNegated: false,
  })
  const isWhole = shape === 'opaque' && (positive.length > 0 || negative.length === 0)
  return {
    positive: isWhole ? [wholeOf(key, positive)] : positive.map(literal),
    negative: negative.map(literal),
  }
}

const partsOf = (
  matcher: Matcher,
): { readonly positive: readonly Entry[]; readonly negative: readonly Entry[] } => {
  const all = entries(matcher)
  return {
    positive: all.filter(([name]) => !NEGATIVE.has(name)),
    negative: all.flatMap(([name, argument]) => {
      const twin = NEGATIVE.get(name)
      return twin === undefined ? [] : [[twin, argument] as const]
    }),
  }
}

/**
 * Of several texts, one has to pass all the tests at once, so those cannot be taken apart; and
 * since HEAD counts as GET, only whole methods can be compared.
 */
const shapeOf = (key: string, positive: readonly Entry[]): Shape => {
  const shape = SHAPES.get(findCriterion(key)?.criterion.name ?? '') ?? 'opaque'
  const isSeveral = (shape === 'texts' || shape === 'user') && positive.length > 1
  const isPartOfMethod =
    key === 'http_method' && positive.some(([name]) => name !== 'is' && name !== 'in')
  return isSeveral || isPartOfMethod ? 'opaque' : shape
}

type Entry = readonly [MatcherName, string | readonly string[]]

const foldOf = (key: string, pathsIgnoreCase: boolean): ((text: string) => string) =>
  key === 'email' || key === 'domain' || (key === 'http_path' && pathsIgnoreCase)
    ? lowerAscii
    : (text) => text

/** HEAD counts as GET. */
const valuesOf = (key: string, values: readonly string[]): readonly string[] =>
  key === 'http_method' && values.includes('GET') ? [...new Set([...values, 'HEAD'])] : values

const operatorOf = (shape: Shape, name: MatcherName): Literal['operator'] => {
  if (name === 'starts_with' || name === 'ends_with' || name === 'contains') return name
  return shape === 'list' && name === 'is' ? 'exactly' : 'in'
}

const wholeOf = (key: string, parts: readonly Entry[]): Literal => ({
  key,
  shape: 'opaque',
  operator: 'whole',
  values: [JSON.stringify(parts)],
  isNegated: false,
})

/** From and to, in seconds, as text. */
const spanOf = (key: string, { after, before }: Matcher): Literal => ({
  key,
  shape: 'span',
  operator: 'whole',
  values: [momentOf(after, '-Infinity'), momentOf(before, 'Infinity')],
  isNegated: false,
})

const momentOf = (text: Matcher['after'], otherwise: string): string =>
  typeof text === 'string' ? String(parseMoment(text)) : otherwise

/** The literal as people would write it, for messages. */
export const literalText = ({ key, operator, values, isNegated }: Literal): string => {
  const written = values.length === 1 ? values[0] : `[${values.join(', ')}]`
  const test = operator === 'whole' ? key : `${key} ${OPERATOR_TEXT[operator]} ${written}`
  return isNegated ? `not ${test}` : test
}

const OPERATOR_TEXT = {
  in: 'is',
  starts_with: 'starts_with',
  ends_with: 'ends_with',
  contains: 'contains',
  exactly: 'is exactly',
} as const

/** Whether a time of day begins when it ends; `undefined` bounds are midnight. */
export const isEmptyTimeOfDay = ({ after, before }: Matcher): boolean =>
  typeof after === 'string' &&
  typeof before === 'string' &&
  parseTimeOfDay(after) === parseTimeOfDay(before)
