import { type Criterion } from '../criterion.ts'
import { compileStringMatcher, findIn } from '../matcher.ts'
import { lowerAscii, lowerMatcher } from './email.ts'

export const domain: Criterion = {
  name: 'domain',
  argument: 'domain',
  proves: 'identity',
  summary: 'What follows the `@` of the e-mail address; counts only where `email` does.',
  example: '{ domain: example.com }',
  compile: (matcher) => {
    const find = findIn(compileStringMatcher(lowerMatcher(matcher)))
    return ({ principal }) =>
      principal.kind === 'anonymous' || principal.email === undefined
        ? 'absent'
        : find(lowerAscii(principal.email.slice(principal.email.indexOf('@') + 1)))
  },
}
