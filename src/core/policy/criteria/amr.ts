import { claimAt } from '../../principal.ts'
import { type Criterion } from '../criterion.ts'
import { compileListMatcher, findIn } from '../matcher.ts'

export const amr: Criterion = {
  name: 'amr',
  argument: 'list',
  proves: 'identity',
  summary: 'The authentication methods that the provider states in `amr` (RFC 8176).',
  example: '{ amr: { has: hwk } }',
  compile: (matcher) => {
    const find = findIn(compileListMatcher(matcher))
    return ({ principal }) => {
      const value = principal.kind === 'anonymous' ? undefined : claimAt(principal.claims, 'amr')
      return find(
        Array.isArray(value) ? value.filter((each) => typeof each === 'string') : undefined,
      )
    }
  },
}
