/** Longer tokens are refused before anything is decoded. */
export const LONGEST_TOKEN = 8 * 1024

export type CompactToken = {
  readonly kind: 'jwt'
  /** `iss`; empty where there is none, which a JWT-SVID need not have. */
  readonly issuer: string
  readonly subject: string
  readonly type: unknown
}

const OPAQUE = { kind: 'opaque' } as const

/**
 * Reads, without trusting, what has to be known before a key can be chosen. Refuses what the
 * signature check would let through: other base64url spellings of the same bytes (a token must
 * have one spelling, or caches and revocation miss it), duplicate members, and `crit`. A token
 * whose first part is no JSON object is none of ours to read: it is opaque.
 */
export const readCompactToken = (token: string): CompactToken | typeof OPAQUE | undefined => {
  if (token.length > LONGEST_TOKEN) return undefined
  const [header] = token.split('.', 1)
  if (header === undefined || !beginsObject(header)) return OPAQUE
  const parts = readParts(token)
  return parts === undefined ? undefined : understood(parts)
}

export type TokenParts = { readonly header: JsonObject; readonly claims: JsonObject }

/** Header and claims, not verified; undefined for what `readCompactToken` refuses as well. */
export const readParts = (token: string): TokenParts | undefined => {
  if (token.length > LONGEST_TOKEN) return undefined
  const [header, payload, signature, ...more] = token.split('.', 4)
  if (header === undefined || payload === undefined || signature === undefined) return undefined
  if (more.length > 0 || ![header, payload, signature].every(isCanonical)) return undefined
  return partsOf(parseObject(header), parseObject(payload))
}

const partsOf = (
  header: JsonObject | undefined,
  claims: JsonObject | undefined,
): TokenParts | undefined => {
  if (header === undefined || claims === undefined) return undefined
  const isExtended = Object.hasOwn(header, 'crit') || Object.hasOwn(header, 'b64')
  return isExtended ? undefined : { header, claims }
}

const beginsObject = (header: string): boolean =>
  /^\s*\{/.test(Buffer.from(header.slice(0, 12), 'base64url').toString('latin1'))

const understood = ({ header, claims }: TokenParts): CompactToken | undefined => {
  const issuer = memberOf(claims, 'iss')
  const subject = memberOf(claims, 'sub')
  if (issuer !== undefined && typeof issuer !== 'string') return undefined
  return {
    kind: 'jwt',
    issuer: issuer ?? '',
    subject: typeof subject === 'string' ? subject : '',
    type: memberOf(header, 'typ'),
  }
}

type JsonObject = Readonly<Record<string, unknown>>

const memberOf = (object: JsonObject, name: string): unknown =>
  Object.hasOwn(object, name) ? object[name] : undefined

const isCanonical = (part: string): boolean =>
  part !== '' && Buffer.from(part, 'base64url').toString('base64url') === part

const UTF_8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

const parseObject = (part: string): JsonObject | undefined => {
  try {
    const text = UTF_8.decode(Buffer.from(part, 'base64url'))
    const value: unknown = JSON.parse(text)
    if (!isObject(value)) return undefined
    return countMembers(value, 0) === countNames(text) ? value : undefined
  } catch {
    return undefined
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** `JSON.parse` keeps the last of two members, so a text with duplicates names more than it has. */
const countNames = (text: string): number => {
  let named = 0
  for (const [, colon] of text.matchAll(STRING)) if (colon !== undefined) named += 1
  return named
}

/** Every string of a JSON text; one with a colon behind it names a member. */
const STRING = /"(?:[^"\\]|\\.)*"(\s*:)?/g

/** No honest claim is nested deeper, and what reads claims later may recur. */
const DEEPEST = 16

/** NaN, which equals nothing, where the value is nested too deep or plays with prototypes. */
const countMembers = (value: unknown, depth: number): number => {
  if (typeof value !== 'object' || value === null) return 0
  if (depth > DEEPEST || Object.hasOwn(value, '__proto__')) return Number.NaN
  const inner: readonly unknown[] = Object.values(value)
  let count = Array.isArray(value) ? 0 : inner.length
  for (const each of inner) count += countMembers(each, depth + 1)
  return count
}
