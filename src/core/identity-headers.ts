import { type Principal } from './principal.ts'

/** What an identity header may carry. */
export const IDENTITY_SOURCES = [
  'subject',
  'email',
  'preferred_username',
  'groups',
  'actor',
  'assertion',
] as const
export type IdentitySource = (typeof IDENTITY_SOURCES)[number]

/** Header name → what it carries, in the order in which they are sent. */
export type IdentityHeaderNames = readonly (readonly [name: string, source: IdentitySource])[]

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
}

export const NOBODY: Identity = {
  subject: '',
  email: '',
  preferredUsername: '',
  groups: [],
  actor: '',
}

/** How long, once encoded, one value may be; what is longer is left empty, but for the subject. */
const VALUE_LIMIT = 384

/**
 * What all groups may take, in the header and again in the assertion. With the values above, the
 * names, and an assertion around them, the answer stays below 3 KiB (`proxy_buffer_size` is 4 KiB).
 */
const GROUPS_LIMIT = 800

/**
 * Reduces a principal to what a host may see: only groups that its policy names, and of those as
 * many as fit.
 *
 * @returns how many of the named groups did not fit; `too_large` where the subject did not.
 */
export const identityFor = (
  principal: Principal,
  named: ReadonlySet<string>,
): { readonly identity: Identity; readonly groupsCut: number } | 'too_large' => {
  if (principal.kind === 'anonymous') return { identity: NOBODY, groupsCut: 0 }
  if (headerText(principal.subject).length > VALUE_LIMIT) return 'too_large'
  const wanted = (principal.groups ?? []).filter((group) => named.has(group))
  const groups = thoseThatFit(wanted)
  const identity: Identity = {
    subject: principal.subject,
    email: orEmpty(principal.email),
    preferredUsername: orEmpty(principal.preferredUsername),
    groups,
    actor: principal.actor,
  }
  return { identity, groupsCut: wanted.length - groups.length }
}

const orEmpty = (text: string | undefined): string =>
  text === undefined || headerText(text).length > VALUE_LIMIT ? '' : text

const thoseThatFit = (groups: readonly string[]): readonly string[] => {
  let room = GROUPS_LIMIT
  return groups.filter((group) => {
    const size = headerText(group).length + 1
    if (size > room) return false
    room -= size
    return true
  })
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
    case 'assertion':
      return assertion
  }
}
