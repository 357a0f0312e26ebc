import { epochSeconds } from '../ids.ts'
import { toBytes } from './criteria/http-path.ts'
import { parseTimeOfDay } from './criteria/time-of-day.ts'
import { type Facts } from './criterion.ts'
import { secondsOf } from './duration.ts'
import { asList } from './matcher.ts'
import { type Leaf } from './open-policies.ts'

/** A value that a fact may have, chosen so that between them all leaves can be told apart. */
export type SampleValue = {
  readonly text: string
  readonly change: (facts: Facts) => Facts
}

/** A part of a path, name or value that no policy names. */
const OTHER = 'vestibule-other'
const ELLIPSIS = '…'

const ofRequest = (text: string, change: Partial<Facts['request']>): SampleValue => ({
  text,
  change: (facts) => ({ ...facts, request: { ...facts.request, ...change } }),
})

type MatcherKey = 'is' | 'in' | 'has' | 'starts_with' | 'ends_with' | 'contains'

const valuesOf = (leaves: readonly Leaf[], ...names: readonly MatcherKey[]): readonly string[] =>
  leaves.flatMap(({ matcher }) => names.flatMap((name) => asList(matcher[name] ?? [])))

/** Each path that is named, one below each, and one elsewhere: the regions that prefixes make. */
export const samplePaths = (leaves: readonly Leaf[]): readonly SampleValue[] => {
  const prefixes = valuesOf(leaves, 'starts_with')
  const inner = [
    ...valuesOf(leaves, 'contains').map((part) => `${part}${OTHER}`),
    ...valuesOf(leaves, 'ends_with'),
  ]
  const paths = [
    ...valuesOf(leaves, 'is', 'in'),
    ...prefixes,
    ...prefixes.map((path) => below(path, OTHER)),
    ...['/', ...prefixes].flatMap((path) => inner.map((part) => below(path, `${OTHER}${part}`))),
  ]
  return [
    ...paths.map((path) => ofRequest(path.replaceAll(OTHER, ELLIPSIS), { path: toBytes(path) })),
    ofRequest('elsewhere', { path: `/${OTHER}` }),
  ]
}

const below = (path: string, rest: string): string =>
  path.endsWith('/') ? `${path}${rest}` : `${path}/${rest}`

export const sampleMethods = (leaves: readonly Leaf[]): readonly SampleValue[] =>
  ['GET', ...sampleTexts(leaves), 'HEAD', 'POST', 'OTHER'].map((method) =>
    ofRequest(method, { method }),
  )

/** The ends of each range, and an address that no range is likely to have (RFC 5737). */
export const sampleAddresses = (leaves: readonly Leaf[]): readonly SampleValue[] => [
  ...valuesOf(leaves, 'in').flatMap((range) =>
    endsOf(range).map((clientIp) => ofRequest(clientIp, { clientIp })),
  ),
  ofRequest('elsewhere', { clientIp: '192.0.2.254' }),
]

const endsOf = (range: string): readonly string[] => {
  const [address = '', prefix = '32'] = range.split('/')
  const parts = address.split('.').map(Number)
  if (parts.length !== 4) return [address]
  const free = 32 - Number(prefix)
  const last = parts.map((part, index) => {
    const bits = Math.min(8, Math.max(0, free - 8 * (3 - index)))
    return part | (2 ** bits - 1)
  })
  return [address, last.join('.')]
}

const WEEK_SECONDS = 7 * 86_400
const STEP_SECONDS = 1800

/** A week in half hours, and the minute of every time that is named; leaves tell few apart. */
export const sampleTimes = (leaves: readonly Leaf[]): readonly SampleValue[] => {
  const named = leaves.flatMap(({ matcher }) =>
    [matcher.after, matcher.before].flatMap((text) => parseTimeOfDay(String(text)) ?? []),
  )
  const minutes = new Set([0, ...named.map((second) => second % STEP_SECONDS)])
  const offsets = Array.from({ length: WEEK_SECONDS / STEP_SECONDS }, (_each, step) => step)
  return offsets.flatMap((step) =>
    [...minutes].map((second) => ({
      text: weekText(step * STEP_SECONDS + second),
      change: (facts: Facts) => ({
        ...facts,
        now: inWeek(facts, step * STEP_SECONDS + second),
      }),
    })),
  )
}

/** 1 January 1970 was a Thursday. */
const inWeek = ({ now }: Facts, offset: number): Facts['now'] =>
  epochSeconds(Math.floor((now - 4 * 86_400) / WEEK_SECONDS) * WEEK_SECONDS + 4 * 86_400 + offset)

const DAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday']

const weekText = (offset: number): string => {
  const time = new Date(offset * 1000).toISOString().slice(11, 16)
  return `${DAYS[Math.floor(offset / 86_400)] ?? ''} ${time} UTC`
}

/** Texts that are named, or that have the named beginnings, ends and parts. */
export const sampleTexts = (leaves: readonly Leaf[]): readonly string[] => {
  const starts = valuesOf(leaves, 'starts_with')
  const inner = valuesOf(leaves, 'contains').map((part) => `${OTHER}${part}${OTHER}`)
  const ends = valuesOf(leaves, 'ends_with').map((end) => `${OTHER}${end}`)
  return [
    ...new Set([
      ...valuesOf(leaves, 'is', 'in', 'has'),
      ...starts.map((start) => `${start}${OTHER}`),
      ...inner,
      ...ends,
      ...starts.flatMap((start) => [...inner, ...ends].map((rest) => `${start}${rest}`)),
    ]),
  ]
}

/** Ages that are just young enough. */
export const sampleAges = (leaves: readonly Leaf[]): readonly number[] => {
  const ages = leaves.flatMap(({ matcher }) => secondsOf(asList(matcher.max_age ?? []).join('')))
  return [...new Set(ages)].sort((a, b) => a - b)
}

export const readable = (text: string): string => text.replaceAll(OTHER, ELLIPSIS)
