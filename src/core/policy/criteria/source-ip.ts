import { type Criterion, found } from '../criterion.ts'
import { asList } from '../matcher.ts'

export const sourceIp: Criterion = {
  name: 'source_ip',
  argument: 'address',
  proves: 'nothing',
  summary:
    'The address that nginx saw, in one of the CIDR ranges. It can narrow an allow or deny; it is never ground for one.',
  example: '{ source_ip: [10.0.0.0/8, 2001:db8::/32] }',
  compile: (matcher, { compileRanges }) => {
    const contains = compileRanges(asList(matcher.in ?? []))
    return ({ request }) => {
      const inside = request.clientIp === undefined ? undefined : contains(request.clientIp)
      return inside === undefined ? 'absent' : found(inside)
    }
  },
}
