import { findCriterion } from './criteria.ts'
import { type ConditionDocument, type OperatorDocument } from './document.ts'

/**
 * Whether everything that the operators can admit has shown an identity: the branches of an
 * alternative each need a ground of their own, since location, time and path are no authority.
 */
export const provesIdentity = (operators: readonly OperatorDocument[]): boolean =>
  operators.every((operator) => proofOfOperator(operator).whenHolds)

/**
 * Asked twice, because a negation swaps the answers. An identity criterion is absent for anybody
 * anonymous, so it neither holds nor fails; but `absent and fails` fails, and so
 * `not: [{ and: [group, path] }]` holds for everybody on any other path.
 */
type Proof = {
  /** Nobody anonymous makes it hold. */
  readonly whenHolds: boolean
  /** Nobody anonymous makes it fail. */
  readonly whenFails: boolean
}

const proofOfOperator = ({ operator, conditions }: OperatorDocument): Proof => {
  const proofs = conditions.map(proofOfCondition)
  const all: Proof = {
    whenHolds: proofs.some(({ whenHolds }) => whenHolds),
    whenFails: proofs.every(({ whenFails }) => whenFails),
  }
  const any: Proof = {
    whenHolds: proofs.every(({ whenHolds }) => whenHolds),
    whenFails: proofs.some(({ whenFails }) => whenFails),
  }
  switch (operator) {
    case 'and':
      return all
    case 'or':
      return any
    case 'not':
      return negated(any)
    case 'nor':
      return negated(all)
  }
}

const negated = ({ whenHolds, whenFails }: Proof): Proof => ({
  whenHolds: whenFails,
  whenFails: whenHolds,
})

const proofOfCondition = (condition: ConditionDocument): Proof => {
  if ('operator' in condition) return proofOfOperator(condition)
  const proves = findCriterion(condition.criterion)?.criterion.proves
  return {
    whenHolds: proves === 'identity' || proves === 'never',
    whenFails: proves === 'identity',
  }
}
