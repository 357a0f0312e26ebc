/** Longer tokens are refused before anything is decoded. */
export const LONGEST_TOKEN = 8 * 1024

export type CompactToken = {
  readonly kind: 'jwt'
  /** `iss`; empty where there is none, which a JWT-SVID need not have. */
  readonly issuer: string
  readonly subject: string
  readonly type: unknown
  readonly parts: TokenParts
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

/** A token as it was sent, and what is in it. */
export type TokenParts = {
  readonly text: string
  readonly header: JsonObject
  readonly claims: JsonObject
  readonly signature: Uint8Array
}

/** Its parts, not verified; undefined for what `readCompactToken` refuses as well. */
export const readParts = (token: string): TokenParts | undefined => {
  if (token.length > LONGEST_TOKEN) return undefined
  const [header, payload, last, ...more] = token.split('.', 4).map(bytesOf)
  if (header === undefined || payload === undefined || last === undefined) return undefined
  return more.length > 0 ? undefined : partsOf(token, [header, payload, last])
}

const partsOf = (
  text: string,
  [first, second, signature]: readonly [Buffer, Buffer, Buffer],
): TokenParts | undefined => {
  const header = parseObject(first)
  const claims = parseObject(second)
  if (header === undefined || claims === undefined) return undefined
  const isExtended = Object.hasOwn(header, 'crit') || Object.hasOwn(header, 'b64')
  return isExtended ? undefined : { text, header, claims, signature }
}

const beginsObject = (header: string): boolean =>
  /^\s*\{/.test(Buffer.from(header.slice(0, 12), 'base64url').toString('latin1'))

const understood = (parts: TokenParts): CompactToken | undefined => {
  const { header, claims } = parts
  const issuer = memberOf(claims, 'iss')
  const subject = memberOf(claims, 'sub')
  if (issuer !== undefined && typeof issuer !== 'string') return undefined
  return {
    kind: 'jwt',
    issuer: issuer ?? '',
    subject: typeof subject === 'string' ? subject : '',
    type: memberOf(header, 'typ'),
    parts,
  }
}

type JsonObject = Readonly<Record<string, unknown>>

const memberOf = (object: JsonObject, name: string): unknown =>
  Object.hasOwn(object, name) ? object[name] : undefined

/** Undefined where the same bytes could be written otherwise, and for none at all. */
const bytesOf = (part: string): Buffer | undefined => {
  const bytes = Buffer.from(part, 'base64url')
  return bytes.length > 0 && bytes.toString('base64url') === part ? bytes : undefined
}

const UTF_8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

const parseObject = (bytes: Buffer): JsonObject | undefined => {
  try {
    const text = UTF_8.decode(bytes)
    const value: unknown = JSON.parse(text)
    if (!isObject(value)) return undefined
    return countMembers(value, 0) === countNames(text) ? value : undefined
  } catch {
    return undefined
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * `JSON.parse` keeps the last of two members, so a text with duplicates names more than it has. In a
 * sound text each colon outside of strings stands behind a name.
 */
const countNames = (text: string): number => {
  let named = 0
  let isString = false
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) isString = !isString
    else if (isString && code === BACKSLASH) at += 1
    else if (!isString && code === COLON) named += 1
  }
  return named
}

const QUOTE = 0x22
const COLON = 0x3a
const BACKSLASH = 0x5c

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
