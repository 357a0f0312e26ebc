import { type Criterion } from '../criterion.ts'
import { compileStringMatcher } from '../matcher.ts'

export const issuer: Criterion = {
  name: 'issuer',
  argument: 'string',
  proves: 'identity',
  summary: 'The exact `iss` that vouches for the caller.',
  example: '{ issuer: https://token.actions.githubusercontent.com }',
  compile: (matcher) => {
    const matches = compileStringMatcher(matcher)
    return ({ principal }) => {
      if (principal.kind === 'anonymous') return 'absent'
      return matches(principal.issuer) ? 'holds' : 'fails'
    }
  },
}
