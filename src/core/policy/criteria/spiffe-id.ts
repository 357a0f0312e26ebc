import { claimAt } from '../../principal.ts'
import { type Criterion } from '../criterion.ts'
import { compileStringMatcher, findIn } from '../matcher.ts'

export const spiffeId: Criterion = {
  name: 'spiffe_id',
  argument: 'string',
  proves: 'identity',
  summary: 'The SPIFFE ID in the `sub` of a JWT-SVID.',
  example: '{ spiffe_id: { starts_with: "spiffe://prod.example.com/ns/batch/" } }',
  compile: (matcher) => {
    const find = findIn(compileStringMatcher(matcher))
    return ({ principal }) => {
      const subject = principal.kind === 'anonymous' ? undefined : claimAt(principal.claims, 'sub')
      return find(
        typeof subject === 'string' && subject.startsWith('spiffe://') ? subject : undefined,
      )
    }
  },
}
