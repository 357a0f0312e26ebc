import { type Criterion } from '../criterion.ts'

export const authenticatedUser: Criterion = {
  name: 'authenticated_user',
  argument: 'none',
  proves: 'identity',
  summary: 'Anybody who is signed in, and any caller with a valid token of a configured issuer.',
  example: '{ authenticated_user: true }',
  compile:
    () =>
    ({ principal }) =>
      principal.kind === 'authenticated' ? 'holds' : 'absent',
}
