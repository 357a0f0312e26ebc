import { type Criterion } from '../criterion.ts'
import { compileListMatcher, findIn } from '../matcher.ts'

export const groups: Criterion = {
  name: 'groups',
  argument: 'list',
  proves: 'identity',
  summary: 'Membership: `has` one group, or be `in` any of several. Names are compared exactly.',
  example: '{ groups: { has: sre } }',
  compile: (matcher) => {
    const find = findIn(compileListMatcher(matcher))
    return ({ principal }) => find(principal.kind === 'anonymous' ? undefined : principal.groups)
  },
}
