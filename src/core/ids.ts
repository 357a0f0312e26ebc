declare const brand: unique symbol
type Branded<Base, Name extends string> = Base & { readonly [brand]: Name }

/** The secret in the cookie: 32 random bytes in base64url. A credential: never logged, never stored. */
export type SessionId = Branded<string, 'SessionId'>

/** SHA-256 of a session id, in base64url: what Redis and logs may see. */
export type SessionKey = Branded<string, 'SessionKey'>

/** Seconds since 1970-01-01 UTC, as in JWT NumericDate (RFC 7519 section 2). */
export type EpochSeconds = Branded<number, 'EpochSeconds'>

/** A host name as the policy index knows it: lower case, no port, no trailing dot. */
export type HostName = Branded<string, 'HostName'>

/**
 * 43 characters carry 258 bits; the last one has two spare bits, which must be zero: else four
 * spellings would name one session.
 */
const RANDOM_256 = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/

/** Accepts only what we mint: 32 random bytes in canonical base64url. */
export const parseSessionId = (text: string): SessionId | undefined =>
  RANDOM_256.test(text) ? (text as SessionId) : undefined

/** Accepts a SHA-256 in canonical base64url. */
export const parseSessionKey = (text: string): SessionKey | undefined =>
  RANDOM_256.test(text) ? (text as SessionKey) : undefined

export const epochSeconds = (seconds: number): EpochSeconds => Math.floor(seconds) as EpochSeconds

const LABEL = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?'
const HOST_NAME = new RegExp(`^${LABEL}(?:\\.${LABEL})*$`)

/**
 * Lower-cases (ASCII only: `toLowerCase` would turn U+212A into `k`), drops one trailing dot, and
 * accepts letters, digits and hyphens in labels of at most 63 (RFC 1123 section 2.1).
 */
export const parseHostName = (text: string): HostName | undefined => {
  if (text.length === 0 || text.length > 254) return undefined
  const lower = text.replace(/[A-Z]/g, (letter) => letter.toLowerCase())
  const name = lower.endsWith('.') ? lower.slice(0, -1) : lower
  return name.length <= 253 && HOST_NAME.test(name) ? (name as HostName) : undefined
}
