import {
  type Actor,
  type Authenticated,
  type ClaimMapping,
  type Claims,
  claimAt,
  groupsOf,
  parseSubject,
  principalOf,
} from './principal.ts'
import { fail, ok, type Result } from './result.ts'

/** What of a token issuer its principals depend on. */
export type Voucher = {
  /** Short name; subjects are called `<name>/<sub>`. */
  readonly name: string
  readonly issuer: string
  readonly actor: Actor
  readonly mapping: ClaimMapping
  /** The claim that names the subject; `sub` if undefined. */
  readonly subjectClaim?: string | undefined
}

/**
 * Verified claims of a token → who asks. With `act` (RFC 8693 section 4.1) that is the agent, on
 * behalf of the subject; an agent that acts for an agent is refused, since nobody could say who
 * answers for it.
 */
export const bearerPrincipal = (
  claims: Claims,
  voucher: Voucher,
): Result<Authenticated, 'invalid' | 'delegation_too_deep'> => {
  const subject = parseSubject(claimAt(claims, voucher.subjectClaim ?? 'sub'))
  if (subject === undefined) return fail('invalid')
  if (!Object.hasOwn(claims, 'act')) return ok(subjectOf(claims, subject, voucher, voucher.actor))
  const act = claims['act']
  if (!isObject(act)) return fail('invalid')
  if (Object.hasOwn(act, 'act')) return fail('delegation_too_deep')
  const agent = agentOf(act, voucher)
  // Whose subjects are agents says of the subject of a delegation that it is a person.
  const actor = voucher.actor === 'agent' ? 'human' : voucher.actor
  return agent === undefined
    ? fail('invalid')
    : ok({ ...agent, onBehalfOf: subjectOf(claims, subject, voucher, actor) })
}

const subjectOf = (
  claims: Claims,
  subject: string,
  { name, issuer, mapping }: Voucher,
  actor: Actor,
): Authenticated => principalOf(claims, mapping, { actor, issuer, subject: `${name}/${subject}` })

/** An agent of another issuer could not be told from one of this issuer by its name. */
const agentOf = (act: Claims, { name, issuer, mapping }: Voucher): Authenticated | undefined => {
  const subject = Object.hasOwn(act, 'sub') ? parseSubject(act['sub']) : undefined
  if (subject === undefined) return undefined
  if (Object.hasOwn(act, 'iss') && act['iss'] !== issuer) return undefined
  return {
    kind: 'authenticated',
    actor: 'agent',
    subject: `${name}/${subject}`,
    issuer,
    email: undefined,
    preferredUsername: undefined,
    groups: groupsOf(act, mapping),
    claims: act,
  }
}

const isObject = (value: unknown): value is Claims =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
