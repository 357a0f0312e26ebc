import {
  type DayTraffic,
  type HostTraffic,
  type NamedTraffic,
  type NamelessTraffic,
} from './traffic.ts'

/** One host while it is counted. */
export type HostCount = {
  requests: number
  first: number
  last: number
  hasMore: boolean
  readonly days: Map<number, DayTraffic>
  readonly zones: Map<string, number>
  readonly named: Map<string, NamedTraffic>
  readonly nameless: Map<string, NamelessTraffic>
}

/** What is left of the callers that may still be told apart, on all hosts together. */
export type Budget = { named: number; nameless: number }

export const SECONDS_A_DAY = 86_400

export const dayNumber = (time: number): number => Math.floor(time / SECONDS_A_DAY)

export const newHost = (): HostCount => ({
  requests: 0,
  first: Number.POSITIVE_INFINITY,
  last: 0,
  hasMore: false,
  days: new Map(),
  zones: new Map(),
  named: new Map(),
  nameless: new Map(),
})

export const trafficOf = (count: HostCount): HostTraffic => ({
  ...count,
  named: [...count.named.values()],
  nameless: [...count.nameless.values()],
})
