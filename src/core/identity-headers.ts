import { audienceCost, type CostedSource, costOf, type HeaderBudget } from './header-budget.ts'
import { type IdentityHeaderNames, type IdentitySource } from './identity-source.ts'
import { type Principal } from './principal.ts'

export const DEFAULT_IDENTITY_HEADERS: IdentityHeaderNames = [
  ['X-Auth-Request-User', 'subject'],
  ['X-Auth-Request-Email', 'email'],
  ['X-Auth-Request-Preferred-Username', 'preferred_username'],
  ['X-Auth-Request-Groups', 'groups'],
  ['X-Auth-Request-Actor', 'actor'],
  ['X-Vestibule-Assertion', 'assertion'],
]

/**
 * Printable ASCII without `%` and `,`; everything else percent-encoded as UTF-8. The comma parts
 * the list of groups, so one inside a name must not make two groups of it.
 */
export const headerText = (text: string): string =>
  text.toWellFormed().replace(/[^\x21-\x7e]|[%,]/gu, encodeURIComponent)

/** What of a principal goes to one host. */
export type Identity = {
  readonly subject: string
  readonly email: string
  readonly preferredUsername: string
  readonly groups: readonly string[]
  readonly actor: string
  /** The agent that acts for the others; empty where nobody acts for somebody else. */
  readonly agent: string
}

export const NOBODY: Identity = {
  subject: '',
  email: '',
  preferredUsername: '',
  groups: [],
  actor: '',
  agent: '',
}

/** An identity that fits; `too_large` where the subject does not. */
export type SizedIdentity =
  | { readonly identity: Identity; readonly groupsCut: number }
  | 'too_large'

/** How long, once encoded, one value may be; what is longer is left empty, but for the subject. */
const VALUE_LIMIT = 384

/**
 * Reduces a principal to what a host may see: only groups that its policy names, and of those as
 * many as the budget leaves room for.
 *
 * @returns how many of the named groups did not fit; `too_large` where the subject did not.
 */
export const identityFor = (
  principal: Principal,
  named: ReadonlySet<string>,
  budget: HeaderBudget,
  host: string,
): SizedIdentity => {
  if (principal.kind === 'anonymous') return { identity: NOBODY, groupsCut: 0 }
  const purse = createPurse(budget, host)
  // An application does for an agent what it would do for the person behind it.
  const { onBehalfOf, actor } = principal
  const agent = onBehalfOf === undefined ? '' : principal.subject
  const person = onBehalfOf ?? principal
  const { subject } = person
  if (!purse.buys('subject', subject) || !purse.buys('agent', agent)) return 'too_large'
  const email = purse.orEmpty('email', person.email)
  const preferredUsername = purse.orEmpty('preferred_username', person.preferredUsername)
  const wanted = (person.groups ?? []).filter((group) => named.has(group))
  const groups = wanted.filter((group) => purse.buys('groups', group))
  return {
    identity: { subject, email, preferredUsername, groups, actor, agent },
    groupsCut: wanted.length - groups.length,
  }
}

type Purse = {
  readonly buys: (source: CostedSource, text: string) => boolean
  readonly orEmpty: (source: CostedSource, text: string | undefined) => string
}

const createPurse = (budget: HeaderBudget, host: string): Purse => {
  let left = budget.room - audienceCost(budget, host)
  const buys: Purse['buys'] = (source, text) => {
    const length = headerText(text).length
    const cost = costOf(budget, source, text, length)
    if (length > VALUE_LIMIT || cost > left) return false
    left -= cost
    return true
  }
  return {
    buys,
    orEmpty: (source, text) => (text !== undefined && buys(source, text) ? text : ''),
  }
}

/** One header of an allow; every configured one is sent, empty where there is no value. */
export const identityHeaderValue = (
  source: IdentitySource,
  identity: Identity,
  assertion: string,
): string => {
  switch (source) {
    case 'subject':
      return headerText(identity.subject)
    case 'email':
      return headerText(identity.email)
    case 'preferred_username':
      return headerText(identity.preferredUsername)
    case 'groups':
      return identity.groups.map(headerText).join(',')
    case 'actor':
      return headerText(identity.actor)
    case 'agent':
      return headerText(identity.agent)
    case 'assertion':
      return assertion
    case 'bearer_assertion':
      return assertion === '' ? '' : `Bearer ${assertion}`
  }
}
