import { type Criterion } from '../criterion.ts'

export const reject: Criterion = {
  name: 'reject',
  argument: 'none',
  proves: 'never',
  summary: 'Never holds.',
  example: '{ reject: true }',
  compile: () => () => 'fails',
}
