import { type Finding, found, type Matcher, type MatcherName } from './criterion.ts'

/** The matchers that deny what their positive twin finds. */
export const NEGATIVE: ReadonlyMap<MatcherName, MatcherName> = new Map([
  ['not', 'is'],
  ['not_in', 'in'],
  ['exclude', 'has'],
])

/** Compiles a positive string matcher: every operator given must hold. */
export const compileStringMatcher = (matcher: Matcher): ((text: string) => boolean) => {
  const tests = entries(matcher).map(([name, argument]) => stringTest(name, argument))
  return (text) => tests.every((test) => test(text))
}

const stringTest = (
  name: MatcherName,
  argument: string | readonly string[],
): ((text: string) => boolean) => {
  const values = asList(argument)
  if (name === 'starts_with') return (text) => values.some((value) => text.startsWith(value))
  if (name === 'ends_with') return (text) => values.some((value) => text.endsWith(value))
  if (name === 'contains') return (text) => values.some((value) => text.includes(value))
  const set = new Set(values)
  return (text) => set.has(text)
}

/** Compiles a positive list matcher: `has` and `in` ask for a member, `is` for exactly that one. */
export const compileListMatcher = (matcher: Matcher): ((list: readonly string[]) => boolean) => {
  const tests = entries(matcher).map(([name, argument]) => {
    const set = new Set(asList(argument))
    return name === 'is'
      ? (list: readonly string[]): boolean =>
          list.length === set.size && list.every((item) => set.has(item))
      : (list: readonly string[]): boolean => list.some((item) => set.has(item))
  })
  return (list) => tests.every((test) => test(list))
}

/** `absent` for a missing text, else what the test finds. */
export const findIn =
  <Value>(test: (value: Value) => boolean) =>
  (value: Value | undefined): Finding =>
    value === undefined ? 'absent' : found(test(value))

/** The operators of a matcher with their arguments. */
export const entries = (
  matcher: Matcher,
): readonly (readonly [MatcherName, string | readonly string[]])[] =>
  MATCHER_NAMES.flatMap((name) => {
    const argument = matcher[name]
    return argument === undefined ? [] : [[name, argument] as const]
  })

export const asList = (argument: string | readonly string[]): readonly string[] =>
  typeof argument === 'string' ? [argument] : argument

const MATCHER_NAMES: readonly MatcherName[] = [
  'is',
  'not',
  'in',
  'not_in',
  'starts_with',
  'ends_with',
  'contains',
  'has',
  'exclude',
  'after',
  'before',
  'timezone',
  'approved',
  'compliant',
  'type',
  'max_age',
  'fingerprint',
  'spki_hash',
  'san_dns',
  'san_email',
  'san_uri',
]
