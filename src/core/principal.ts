/** The verified claims of a token, picked by name only after `Object.hasOwn`. */
export type Claims = Readonly<Record<string, unknown>>

export type Actor = 'human' | 'workload' | 'agent'

export type Anonymous = { readonly kind: 'anonymous' }

/** Who asks, after authentication. */
export type Authenticated = {
  readonly kind: 'authenticated'
  readonly actor: Actor
  /** `sub` of a person; `<issuer name>/<sub>` of a bearer token. */
  readonly subject: string
  /** The exact `iss` that vouched. */
  readonly issuer: string
  /** Only where the issuer verified it or is trusted to (`trustEmail`). */
  readonly email: string | undefined
  readonly preferredUsername: string | undefined
  /** Undefined where the issuer said nothing about groups. */
  readonly groups: readonly string[] | undefined
  readonly claims: Claims
  /** The person for whom an agent acts (RFC 8693 section 4.1). */
  readonly onBehalfOf?: Authenticated | undefined
}

export type Principal = Anonymous | Authenticated

export const ANONYMOUS: Anonymous = { kind: 'anonymous' }

/** The issuer's own name for somebody: of a bearer token without the name of the issuer before it. */
export const subjectAtIssuer = ({ subject, claims }: Authenticated): string => {
  const sub = Object.hasOwn(claims, 'sub') ? claims['sub'] : undefined
  return typeof sub === 'string' ? sub : subject
}

/** Which claim holds what, and how far the issuer is trusted. */
export type ClaimMapping = {
  readonly email: string
  readonly groups: string
  readonly preferredUsername: string
  readonly trustEmail: boolean
}

/** The claim at a path such as `realm_access/roles`; a name with slashes is tried whole first. */
export const claimAt = (claims: Claims, path: string): unknown => {
  if (Object.hasOwn(claims, path)) return claims[path]
  let value: unknown = claims
  for (const name of path.split('/')) {
    if (!isRecord(value) || !Object.hasOwn(value, name)) return undefined
    value = value[name]
  }
  return value
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * A subject that may name somebody: text without control characters, not blank, at most 255
 * characters (OpenID Connect Core section 2).
 */
export const parseSubject = (value: unknown): string | undefined =>
  typeof value === 'string' && value.length <= 255 && value.trim() === value && isPrintable(value)
    ? value
    : undefined

const isPrintable = (text: string): boolean =>
  text !== '' && text.isWellFormed() && !/[\p{Cc}\u2028\u2029]/u.test(text)

/** Exactly one `@` with text on both sides: `a@evil.com@company.com` is nobody's address. */
const EMAIL = /^[^\s@"(),:;<>[\\\]]{1,64}@[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/i

export const isEmailAddress = (text: string): boolean => isPrintable(text) && EMAIL.test(text)

/** The address, if it is one and somebody vouches for it; else undefined. */
export const emailOf = (claims: Claims, mapping: ClaimMapping): string | undefined => {
  const email = claimAt(claims, mapping.email)
  const vouched = mapping.trustEmail || claimAt(claims, 'email_verified') === true
  return vouched && typeof email === 'string' && isEmailAddress(email) ? email : undefined
}

/** A list of group names; one bare string is one group; entries that are no text are dropped. */
export const groupsOf = (claims: Claims, mapping: ClaimMapping): readonly string[] | undefined => {
  const value = claimAt(claims, mapping.groups)
  if (typeof value === 'string') return isPrintable(value) ? [value] : []
  if (!Array.isArray(value)) return undefined
  return [...new Set(value.filter((group): group is string => typeof group === 'string'))].filter(
    isPrintable,
  )
}

export const preferredUsernameOf = (claims: Claims, mapping: ClaimMapping): string | undefined => {
  const value = claimAt(claims, mapping.preferredUsername)
  return typeof value === 'string' && value.length <= 255 && isPrintable(value) ? value : undefined
}

/** Verified claims → principal. The subject has been checked by `parseSubject`. */
export const principalOf = (
  claims: Claims,
  mapping: ClaimMapping,
  who: Pick<Authenticated, 'actor' | 'subject' | 'issuer'>,
): Authenticated => ({
  kind: 'authenticated',
  ...who,
  email: emailOf(claims, mapping),
  preferredUsername: preferredUsernameOf(claims, mapping),
  groups: groupsOf(claims, mapping),
  claims,
})
