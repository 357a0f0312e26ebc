import { type Criterion, type Matcher } from '../criterion.ts'
import { asList, compileStringMatcher, entries, findIn } from '../matcher.ts'

/** ASCII only: `toLowerCase` would make a `k` of U+212A, the Kelvin sign. */
export const lowerAscii = (text: string): string =>
  text.replace(/[A-Z]/g, (letter) => letter.toLowerCase())

export const lowerMatcher = (matcher: Matcher): Matcher =>
  Object.fromEntries(
    entries(matcher).map(([name, argument]) => [name, asList(argument).map(lowerAscii)]),
  )

export const email: Criterion = {
  name: 'email',
  argument: 'email',
  proves: 'identity',
  summary:
    'The e-mail address, in any case; absent unless the issuer verified it or is configured with `trustEmail`.',
  example: '{ email: { in: [ada@example.com, grace@example.com] } }',
  compile: (matcher) => {
    const find = findIn(compileStringMatcher(lowerMatcher(matcher)))
    return ({ principal }) =>
      principal.kind === 'anonymous' || principal.email === undefined
        ? 'absent'
        : find(lowerAscii(principal.email))
  },
}
