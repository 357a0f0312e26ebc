import { accept } from './criteria/accept.ts'
import { actor } from './criteria/actor.ts'
import { authenticatedUser } from './criteria/authenticated-user.ts'
import { claim } from './criteria/claim.ts'
import { domain } from './criteria/domain.ts'
import { email } from './criteria/email.ts'
import { groups } from './criteria/groups.ts'
import { httpMethod } from './criteria/http-method.ts'
import { httpPath } from './criteria/http-path.ts'
import { issuer } from './criteria/issuer.ts'
import { reject } from './criteria/reject.ts'
import { sourceIp } from './criteria/source-ip.ts'
import { user } from './criteria/user.ts'
import { type Criterion } from './criterion.ts'

/** The whole language, in the order of its documentation. */
export const CRITERIA: readonly Criterion[] = [
  accept,
  reject,
  authenticatedUser,
  user,
  email,
  domain,
  groups,
  claim,
  actor,
  issuer,
  httpMethod,
  httpPath,
  sourceIp,
]

const EXACT: ReadonlyMap<string, Criterion> = new Map(CRITERIA.map((each) => [each.name, each]))

/** Finds a criterion by its key in the file, and what follows the slash in `claim/department`. */
export const findCriterion = (
  key: string,
): { readonly criterion: Criterion; readonly part: string } | undefined => {
  const exact = EXACT.get(key)
  if (exact !== undefined && !key.endsWith('/')) return { criterion: exact, part: '' }
  const slash = key.indexOf('/')
  const family = slash === -1 ? undefined : EXACT.get(key.slice(0, slash + 1))
  const part = key.slice(slash + 1)
  return family === undefined || part === '' ? undefined : { criterion: family, part }
}
