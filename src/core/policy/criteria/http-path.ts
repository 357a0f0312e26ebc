import { type Criterion, found, type Matcher } from '../criterion.ts'
import { asList, compileStringMatcher, entries } from '../matcher.ts'
import { lowerAscii } from './email.ts'

export const httpPath: Criterion = {
  name: 'http_path',
  argument: 'path',
  proves: 'nothing',
  summary:
    'The path that nginx routes on, without the query. `starts_with: /api` holds for `/api` and `/api/…`, not for `/apiary`.',
  example: '{ http_path: { starts_with: /api } }',
  compile: (matcher, { pathsIgnoreCase }) => {
    const fold = pathsIgnoreCase ? lowerAscii : (text: string): string => text
    const prefixes = asList(matcher.starts_with ?? []).map((path) => fold(toBytes(path)))
    const rest = compileStringMatcher(withoutPrefix(matcher, fold))
    return ({ request }) => {
      const path = fold(request.path)
      const hasPrefix =
        matcher.starts_with === undefined || prefixes.some((prefix) => isBelow(path, prefix))
      return found(hasPrefix && rest(path))
    }
  },
}

const isBelow = (path: string, prefix: string): boolean =>
  path === prefix || path.startsWith(prefix.endsWith('/') ? prefix : `${prefix}/`)

const withoutPrefix = (matcher: Matcher, fold: (text: string) => string): Matcher =>
  Object.fromEntries(
    entries(matcher)
      .filter(([name]) => name !== 'starts_with')
      .map(([name, argument]) => [name, asList(argument).map((path) => fold(toBytes(path)))]),
  )

/** Routed paths have one character a byte, so a rule's `é` becomes its two UTF-8 bytes. */
export const toBytes = (path: string): string =>
  encodeURI(path).replace(/%([0-9A-F]{2})/g, (_match, pair: string) =>
    String.fromCharCode(Number.parseInt(pair, 16)),
  )
