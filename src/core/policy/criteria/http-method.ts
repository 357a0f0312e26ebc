import { type Criterion, found } from '../criterion.ts'
import { compileStringMatcher } from '../matcher.ts'

export const httpMethod: Criterion = {
  name: 'http_method',
  argument: 'string',
  proves: 'nothing',
  summary: 'The request method, exactly; HEAD counts as GET too, since it reads the same thing.',
  example: '{ http_method: { in: [GET, POST] } }',
  compile: (matcher) => {
    const matches = compileStringMatcher(matcher)
    return ({ request }) =>
      found(matches(request.method) || (request.method === 'HEAD' && matches('GET')))
  },
}
