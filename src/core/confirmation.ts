import { type Claims } from './principal.ts'

/** How a token may be bound to its sender: by a key (RFC 9449) or by a certificate (RFC 8705). */
export const BINDINGS = ['dpop', 'mtls'] as const
export type Binding = (typeof BINDINGS)[number]

/** What a token is bound to: the thumbprint of a key, of a certificate, or of both. */
export type Confirmation = Readonly<Partial<Record<Binding, string>>>

const MEMBERS: ReadonlyMap<string, Binding> = new Map([
  ['jkt', 'dpop'],
  ['x5t#S256', 'mtls'],
])
const SHA_256 = /^[A-Za-z0-9_-]{43}$/

/**
 * Reads `cnf` (RFC 7800 section 3.1). A confirmation that is not understood whole is no
 * confirmation: such a token must be refused, never taken as a plain bearer token.
 */
export const confirmationOf = (claims: Claims): Confirmation | 'none' | 'unknown' => {
  if (!Object.hasOwn(claims, 'cnf')) return 'none'
  const members = membersOf(claims['cnf'])
  if (members.length === 0) return 'unknown'
  const read: Partial<Record<Binding, string>> = {}
  for (const [name, value] of members) {
    const binding = MEMBERS.get(name)
    if (binding === undefined || typeof value !== 'string' || !SHA_256.test(value)) return 'unknown'
    read[binding] = value
  }
  return read
}

const membersOf = (value: unknown): readonly (readonly [string, unknown])[] =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : []
