import { parseSessionId, type SessionId } from './ids.ts'

/** What the client offered as proof, unverified. */
export type Credential =
  | { readonly kind: 'none' }
  | { readonly kind: 'bearer'; readonly token: string }
  /** `proofs` are the lines of the DPoP header; one is right (RFC 9449 section 4.3). */
  | { readonly kind: 'dpop'; readonly token: string; readonly proofs: readonly string[] }
  | { readonly kind: 'malformed_bearer' }
  | { readonly kind: 'cookie'; readonly sessionId: SessionId }
  | { readonly kind: 'malformed_cookie' }
  | { readonly kind: 'duplicate_cookie' }

export type CredentialKind = 'cookie' | 'bearer'

const NONE: Credential = { kind: 'none' }

/** `b64token` of RFC 6750 section 2.1, after exactly one space. */
const TOKEN = /^(bearer|dpop) ([A-Za-z0-9._~+/-]+=*)$/i

/** Schemes other than Bearer and DPoP belong to the application and are no credential here. */
export const isTokenScheme = (authorization: string): boolean =>
  /^(?:bearer|dpop)(?:[\s,]|$)/i.test(authorization)

export const bearerCredential = (
  authorization: string | undefined,
  proofs: readonly string[] = [],
): Credential => {
  if (authorization === undefined || !isTokenScheme(authorization)) return NONE
  const [, scheme = '', token] = TOKEN.exec(authorization) ?? []
  if (token === undefined) return { kind: 'malformed_bearer' }
  return scheme.toLowerCase() === 'dpop'
    ? { kind: 'dpop', token, proofs }
    : { kind: 'bearer', token }
}

/**
 * Finds the session cookie in the Cookie header lines. Names are compared byte for byte; two
 * cookies of the name are refused, since a sibling host can plant a second one (RFC 6265 5.4).
 */
export const cookieCredential = (lines: readonly string[], name: string): Credential => {
  let found: Credential = NONE
  for (const line of lines) {
    for (const pair of cookiePairs(line, name)) {
      if (found.kind !== 'none') return { kind: 'duplicate_cookie' }
      const sessionId = parseSessionId(pair)
      found = sessionId === undefined ? { kind: 'malformed_cookie' } : { kind: 'cookie', sessionId }
    }
  }
  return found
}

/** Values of the cookies of that name; spaces and tabs around name and value do not count. */
const cookiePairs = (line: string, name: string): readonly string[] => {
  const values: string[] = []
  if (!line.includes(name)) return values
  for (const pair of line.split(';')) {
    const equals = pair.indexOf('=')
    if (equals !== -1 && trim(pair.slice(0, equals)) === name) {
      values.push(trim(pair.slice(equals + 1)))
    }
  }
  return values
}

/** By index: a pattern such as `[ \t]+$` takes quadratic time on a run of blanks. */
const trim = (text: string): string => {
  let start = 0
  let end = text.length
  while (start < end && isBlank(text.charCodeAt(start))) start += 1
  while (end > start && isBlank(text.charCodeAt(end - 1))) end -= 1
  return text.slice(start, end)
}

const isBlank = (code: number): boolean => code === 0x20 || code === 0x09

/** A bearer token that is present decides; a host may take only one kind as proof. */
export const chooseCredential = (
  accepted: ReadonlySet<CredentialKind>,
  bearer: Credential,
  cookie: Credential,
): Credential => {
  if (accepted.has('bearer') && bearer.kind !== 'none') return bearer
  return accepted.has('cookie') ? cookie : NONE
}
