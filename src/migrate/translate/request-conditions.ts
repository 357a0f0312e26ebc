import { type Condition } from './draft.ts'

/**
 * Methods as other products compare them, exactly: here `GET` covers HEAD too, which would be wider.
 */
export const methodConditions = (methods: readonly string[]): readonly Condition[] => {
  const names = [...new Set(methods.map((method) => method.toUpperCase()))]
  if (names.length === 0) return []
  const exact: Condition = { http_method: names.length === 1 ? names[0] : { in: names } }
  return names.includes('GET') && !names.includes('HEAD')
    ? [exact, { not: [{ http_method: 'HEAD' }] }]
    : [exact]
}

/** Letters that mean themselves in a regular expression, a path and a CEL text. */
const LITERAL = String.raw`((?:/|(?:/(?:[A-Za-z0-9_~-]|\\?\.(?![*+?]))+)+)/?)`

const unescaped = (literal: string): string => literal.replaceAll('\\.', '.')

const hasBareDot = (literal: string): boolean => literal.replaceAll('\\.', '').includes('.')

/** What a regular expression says of paths. */
export type PathReading = {
  readonly kind:
    | 'everything'
    | 'exact'
    /** The path itself and what is below it. */
    | 'segment'
    /** Whatever begins with these letters: `/apiary` for `/api`. */
    | 'prefix'
  readonly path: string
  /** It holds with any query; one that ends with the path holds without a query only. */
  readonly takesQuery: boolean
}

const EVERYTHING: PathReading = { kind: 'everything', path: '/', takesQuery: true }

/** The few regular expressions on paths that are plain prefixes; undefined for all others. */
export const readPathPattern = (pattern: string): PathReading | undefined => {
  if (/^(?:\^|\^?\/|\^?\/?\.\*\$?)$/.test(pattern)) return EVERYTHING
  for (const { kind, takesQuery, tail } of TAILS) {
    const [, literal] = new RegExp(`^\\^${LITERAL}${tail}$`).exec(pattern) ?? []
    if (literal === undefined || hasBareDot(literal) || literal.includes('//')) continue
    const path = unescaped(literal)
    if (/(?:^|\/)\.{1,2}(?:\/|$)/.test(path)) return undefined
    return { kind: kind === 'prefix' && path.endsWith('/') ? 'segment' : kind, path, takesQuery }
  }
  return undefined
}

type Tail = Pick<PathReading, 'kind' | 'takesQuery'> & { readonly tail: string }

const TAILS: readonly Tail[] = [
  { kind: 'segment', takesQuery: true, tail: String.raw`\(\[/\?\]\.\*\)\?\$` },
  { kind: 'segment', takesQuery: false, tail: String.raw`\(/\.\*\)\?\$` },
  { kind: 'segment', takesQuery: false, tail: String.raw`\(/\|\$\)` },
  { kind: 'prefix', takesQuery: true, tail: String.raw`(?:\.\*\$?)?` },
  { kind: 'exact', takesQuery: false, tail: String.raw`\$` },
]

/** A prefix of letters, which `http_path` does not know: it stops at a slash. */
export const letterPrefix = (path: string): Condition => ({
  cel: `request.path.startsWith(${JSON.stringify(path)})`,
})

export const pathCondition = (reading: PathReading): Condition | undefined => {
  switch (reading.kind) {
    case 'everything':
      return undefined
    case 'exact':
      return { http_path: { is: reading.path } }
    case 'segment':
      return { http_path: { starts_with: reading.path } }
    case 'prefix':
      return letterPrefix(reading.path)
  }
}
