import { type Criterion } from '../criterion.ts'
import { compileStringMatcher } from '../matcher.ts'

export const user: Criterion = {
  name: 'user',
  argument: 'string',
  proves: 'identity',
  summary:
    'The subject (for a token: issuer name, slash, `sub`), or the e-mail address where the issuer vouches for it.',
  example: '{ user: auditor@example.com }',
  compile: (matcher) => {
    const matches = compileStringMatcher(matcher)
    return ({ principal }) => {
      if (principal.kind === 'anonymous') return 'absent'
      if (matches(principal.subject)) return 'holds'
      return principal.email !== undefined && matches(principal.email) ? 'holds' : 'fails'
    }
  },
}
