/** Longer tokens are refused before anything is decoded. */
const LONGEST = 8 * 1024

export type CompactToken = {
  readonly issuer: string
  readonly type: unknown
}

/**
 * Reads, without trusting, what has to be known before a key can be chosen. Refuses what the
 * signature check would let through: other base64url spellings of the same bytes (a token must
 * have one spelling, or caches and revocation miss it), duplicate members, and `crit`.
 */
export const readCompactToken = (token: string): CompactToken | undefined => {
  const parts = readParts(token)
  if (parts === undefined) return undefined
  const { header, claims } = parts
  const issuer = Object.hasOwn(claims, 'iss') ? claims['iss'] : undefined
  const type = Object.hasOwn(header, 'typ') ? header['typ'] : undefined
  return typeof issuer === 'string' ? { issuer, type } : undefined
}

export type TokenParts = { readonly header: JsonObject; readonly claims: JsonObject }

/** Header and claims, not verified; undefined for what `readCompactToken` refuses as well. */
export const readParts = (token: string): TokenParts | undefined => {
  if (token.length > LONGEST) return undefined
  const [header, payload, signature, ...more] = token.split('.')
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

type JsonObject = Readonly<Record<string, unknown>>

const isCanonical = (part: string): boolean =>
  part !== '' && Buffer.from(part, 'base64url').toString('base64url') === part

const parseObject = (part: string): JsonObject | undefined => {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(
      Buffer.from(part, 'base64url'),
    )
    const value: unknown = JSON.parse(text)
    return isObject(value) && !hasDuplicateMembers(text, value) ? value : undefined
  } catch {
    return undefined
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** `JSON.parse` keeps the last of two members, so such a text names more than the value has. */
const hasDuplicateMembers = (text: string, value: JsonObject): boolean => {
  let named = 0
  for (const [, colon] of text.matchAll(STRING)) if (colon !== undefined) named += 1
  return named !== countMembers(value)
}

/** Every string of a JSON text; one with a colon behind it names a member. */
const STRING = /"(?:[^"\\]|\\.)*"(\s*:)?/g

const countMembers = (value: unknown): number => {
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + countMembers(item), 0)
  if (!isObject(value)) return 0
  return Object.values(value).reduce<number>((sum, item) => sum + 1 + countMembers(item), 0)
}
