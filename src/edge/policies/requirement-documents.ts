import {
  type ConditionDocument,
  type OperatorDocument,
  type RequirementDocument,
} from '../../core/policy/document.ts'
import { secondsOf } from '../../core/policy/duration.ts'
import { type RequirementFile } from './requirement-schema.ts'

/** What a file asks for → conditions on the sign-in, and what the provider is asked for. */
export const requirementDocument = ({
  path,
  acr = [],
  amr = [],
  authAge,
  senderConstrained = [],
}: RequirementFile): RequirementDocument => ({
  where: path === undefined ? undefined : all([{ criterion: 'http_path', matcher: path }]),
  proof: all([
    ...(acr.length === 0 ? [] : [{ criterion: 'acr', matcher: { in: acr } }]),
    ...(amr.length === 0 ? [] : [{ criterion: 'amr', matcher: { in: amr } }]),
    ...(authAge === undefined ? [] : [{ criterion: 'auth_age', matcher: { max_age: authAge } }]),
  ]),
  asks: { acr, maxAgeSeconds: askedAge(amr.length > 0 && acr.length === 0, authAge) },
  bindings: senderConstrained,
})

/** No parameter asks for a method: a fresh sign-in is what can bring one, unless an acr implies it. */
const askedAge = (isFresh: boolean, authAge: string | undefined): number | undefined => {
  if (isFresh) return 0
  return authAge === undefined ? undefined : secondsOf(authAge)
}

const all = (conditions: readonly ConditionDocument[]): OperatorDocument | undefined =>
  conditions.length === 0 ? undefined : { operator: 'and', conditions }
