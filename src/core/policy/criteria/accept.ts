import { type Criterion } from '../criterion.ts'

export const accept: Criterion = {
  name: 'accept',
  argument: 'none',
  proves: 'nothing',
  summary: 'Always holds. Alone in an allow it needs `public: true`.',
  example: '{ accept: true }',
  compile: () => () => 'holds',
}
