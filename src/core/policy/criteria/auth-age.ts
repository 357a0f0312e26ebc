import { claimAt } from '../../principal.ts'
import { type Criterion, found } from '../criterion.ts'
import { secondsOf } from '../duration.ts'

/** A sign-in cannot lie in the future; clocks may differ by so much. */
const TOLERANCE_SECONDS = 60

export const authAge: Criterion = {
  name: 'auth_age',
  argument: 'duration',
  proves: 'identity',
  summary:
    'At most so long since the person proved who he is, by the claim `auth_time`; absent where the provider does not say.',
  example: '{ auth_age: { max_age: 8h } }',
  compile: ({ max_age: maxAge }) => {
    const longest = secondsOf(typeof maxAge === 'string' ? maxAge : '')
    return ({ principal, now }) => {
      const at = principal.kind === 'anonymous' ? undefined : claimAt(principal.claims, 'auth_time')
      if (typeof at !== 'number' || at > now + TOLERANCE_SECONDS) return 'absent'
      return found(now - at <= longest)
    }
  },
}
