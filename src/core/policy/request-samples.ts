import { type AccessRequest } from '../access-request.ts'
import { toBytes } from './criteria/http-path.ts'
import { asList } from './matcher.ts'
import { type Leaf } from './open-policies.ts'
import { type Answer, type Unknown } from './worlds.ts'

/** A path segment that no policy names. */
const OTHER = 'vestibule-other'
const MOST_SAMPLES = 64

/** Paths and methods that between them meet every way in which the leaves tell requests apart. */
export type RequestSamples = { readonly path: Unknown; readonly method: Unknown }

export const requestSamples = (leaves: readonly Leaf[]): RequestSamples => ({
  path: {
    variable: 'http_path',
    label: 'http_path',
    answers: samplePaths(leaves.filter(({ criterion }) => criterion === 'http_path')).map(
      ([path, text]) => sample(text, { path: toBytes(path) }),
    ),
  },
  method: {
    variable: 'http_method',
    label: 'http_method',
    answers: sampleMethods(leaves.filter(({ criterion }) => criterion === 'http_method')).map(
      (method) => sample(method, { method }),
    ),
  },
})

const sample = (text: string, change: Partial<AccessRequest>): Answer => ({
  text,
  find: (leaf, facts) => leaf.test({ ...facts, request: { ...facts.request, ...change } }),
})

type PathSample = readonly [path: string, text: string]

/** Each path that is named, one below each, and one elsewhere: the regions that prefixes make. */
const samplePaths = (leaves: readonly Leaf[]): readonly PathSample[] => {
  const exact = valuesOf(leaves, ['is', 'in'])
  const prefixes = valuesOf(leaves, ['starts_with'])
  const inner = [
    ...valuesOf(leaves, ['contains']).map((part) => `${part}${OTHER}`),
    ...valuesOf(leaves, ['ends_with']),
  ]
  const samples: readonly PathSample[] = [
    ...[...exact, ...prefixes].map((path): PathSample => [path, path]),
    ...prefixes.map((path): PathSample => [below(path, OTHER), below(path, '…')]),
    ...['/', ...prefixes].flatMap((path) =>
      inner.map((part): PathSample => {
        const written = below(path, `${OTHER}${part}`)
        return [written, written.replaceAll(OTHER, '…')]
      }),
    ),
    [`/${OTHER}`, 'elsewhere'],
  ]
  return [...new Map(samples.map(([path, text]) => [path, text]))].slice(-MOST_SAMPLES)
}

const below = (path: string, rest: string): string =>
  path.endsWith('/') ? `${path}${rest}` : `${path}/${rest}`

const sampleMethods = (leaves: readonly Leaf[]): readonly string[] => {
  const named = valuesOf(leaves, ['is', 'in', 'starts_with', 'ends_with', 'contains'])
  return [...new Set([...named, 'GET', 'HEAD', 'POST', 'OTHER'])].slice(0, MOST_SAMPLES)
}

const valuesOf = (
  leaves: readonly Leaf[],
  names: readonly ('is' | 'in' | 'starts_with' | 'ends_with' | 'contains')[],
): readonly string[] =>
  leaves.flatMap(({ matcher }) => names.flatMap((name) => asList(matcher[name] ?? [])))
