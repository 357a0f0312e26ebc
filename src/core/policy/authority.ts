import { findCriterion } from './criteria.ts'
import { type ConditionDocument, type OperatorDocument } from './document.ts'

/**
 * Whether everything that the operators can admit has shown an identity: the branches of an
 * alternative each need a ground of their own, since location, time and path are no authority.
 * A negation of an identity criterion counts, because nobody anonymous ever satisfies it.
 */
export const provesIdentity = (operators: readonly OperatorDocument[]): boolean =>
  operators.every(operatorProves)

const operatorProves = ({ operator, conditions }: OperatorDocument): boolean => {
  switch (operator) {
    case 'and':
    case 'not':
      return conditions.some(conditionProves)
    case 'or':
    case 'nor':
      return conditions.every(conditionProves)
  }
}

const conditionProves = (condition: ConditionDocument): boolean =>
  'operator' in condition
    ? operatorProves(condition)
    : findCriterion(condition.criterion)?.criterion.proves === 'identity'
