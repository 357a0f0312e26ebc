import { claimAt } from '../../principal.ts'
import { type Criterion } from '../criterion.ts'
import { compileStringMatcher, findIn } from '../matcher.ts'

export const acr: Criterion = {
  name: 'acr',
  argument: 'string',
  proves: 'identity',
  summary: 'The authentication context class that the provider states in `acr`, exactly.',
  example: '{ acr: mfa }',
  compile: (matcher) => {
    const find = findIn(compileStringMatcher(matcher))
    return ({ principal }) => {
      const value = principal.kind === 'anonymous' ? undefined : claimAt(principal.claims, 'acr')
      return find(typeof value === 'string' ? value : undefined)
    }
  },
}
