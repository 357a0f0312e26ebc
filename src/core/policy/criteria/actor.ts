import { type Criterion } from '../criterion.ts'
import { compileStringMatcher } from '../matcher.ts'

export const actor: Criterion = {
  name: 'actor',
  argument: 'actor',
  proves: 'identity',
  summary: 'The kind of caller: `human`, `workload` or `agent`.',
  example: '{ actor: workload }',
  compile: (matcher) => {
    const matches = compileStringMatcher(matcher)
    return ({ principal }) => {
      if (principal.kind === 'anonymous') return 'absent'
      return matches(principal.actor) ? 'holds' : 'fails'
    }
  },
}
