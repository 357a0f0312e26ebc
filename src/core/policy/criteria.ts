import { accept } from './criteria/accept.ts'
import { acr } from './criteria/acr.ts'
import { actor } from './criteria/actor.ts'
import { amr } from './criteria/amr.ts'
import { authAge } from './criteria/auth-age.ts'
import { authenticatedUser } from './criteria/authenticated-user.ts'
import { cel } from './criteria/cel.ts'
import { claim } from './criteria/claim.ts'
import { clientCertificate } from './criteria/client-certificate.ts'
import { corsPreflight } from './criteria/cors-preflight.ts'
import { date } from './criteria/date.ts'
import { dayOfWeek } from './criteria/day-of-week.ts'
import { device } from './criteria/device.ts'
import { domain } from './criteria/domain.ts'
import { email } from './criteria/email.ts'
import { groups } from './criteria/groups.ts'
import { httpMethod } from './criteria/http-method.ts'
import { httpPath } from './criteria/http-path.ts'
import { issuer } from './criteria/issuer.ts'
import { reject } from './criteria/reject.ts'
import { serviceAccount } from './criteria/service-account.ts'
import { sourceIp } from './criteria/source-ip.ts'
import { spiffeId } from './criteria/spiffe-id.ts'
import { timeOfDay } from './criteria/time-of-day.ts'
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
  serviceAccount,
  spiffeId,
  acr,
  amr,
  authAge,
  device,
  clientCertificate,
  httpMethod,
  httpPath,
  sourceIp,
  corsPreflight,
  date,
  dayOfWeek,
  timeOfDay,
  cel,
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
