import { type Binding } from './confirmation.ts'
import { type CredentialKind } from './credential.ts'
import { type Effect } from './decision.ts'
import { type EpochSeconds } from './ids.ts'
import { type Facts } from './policy/criterion.ts'
import { ANONYMOUS, type Authenticated, type Principal } from './principal.ts'

/** A decision line, read. */
export type RecordedDecision = {
  readonly id: string
  readonly time: EpochSeconds
  /** What enforcing the policy said, which where it was observed is not what was answered. */
  readonly effect: Effect
  readonly reason: string
  readonly rule: string | undefined
  readonly isObserved: boolean
  readonly policyVersion: string
  readonly credential: CredentialKind | 'none'
  /** How the token was bound, where a token proved the caller. */
  readonly bindings: readonly Binding[] | undefined
  readonly principal: Principal
  /** What of the principal's groups the line does not say. */
  readonly groups: RecordedGroups
  readonly request: Facts['request']
  /** The path was too long for the line, or no text. */
  readonly isPathClipped: boolean
}

export type RecordedGroups = {
  /** `unknown` where an older Vestibule wrote the line. */
  readonly kind: 'all' | 'some' | 'unknown'
  /** Whether all that the policy of the host named are on the line. */
  readonly hasAllNamed: boolean
}

/** Somebody signed in, as far as a line says who. */
export const recordedPrincipal = (
  who: RecordedPerson | undefined,
  credential: RecordedDecision['credential'],
): Principal => {
  if (who === undefined) return ANONYMOUS
  const { onBehalfOf, ...own } = who
  if (onBehalfOf === undefined) return recorded(own, credential)
  // Address and groups on the line of an agent are those of the person.
  const agent = recorded({ ...own, email: undefined, groups: undefined }, credential)
  const person = recorded({ ...own, actor: 'human', subject: onBehalfOf }, credential)
  return { ...agent, onBehalfOf: person }
}

type RecordedOne = Pick<Authenticated, 'actor' | 'subject' | 'issuer' | 'email' | 'groups'>
type RecordedPerson = RecordedOne & { readonly onBehalfOf: string | undefined }

const recorded = (who: RecordedOne, credential: RecordedDecision['credential']): Authenticated => ({
  kind: 'authenticated',
  ...who,
  preferredUsername: undefined,
  // A token's subject is the name of its issuer, a slash, and the claim.
  claims: { sub: credential === 'bearer' ? who.subject.replace(/^[^/]*\//, '') : who.subject },
})
