import { type Criterion } from '../criterion.ts'

/** An expression may look at location alone, so it narrows; it is no ground for an allow. */
export const cel: Criterion = {
  name: 'cel',
  argument: 'expression',
  proves: 'nothing',
  summary:
    'A CEL expression over `request`, `principal`, `session`, `device` and `now`. One that fails satisfies no allow, and makes a deny hold.',
  example: '{ cel: "principal.claims.level >= 3" }',
  compile: ({ is }, { compileExpression }) =>
    compileExpression(typeof is === 'string' ? is : 'false'),
}
