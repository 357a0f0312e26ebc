import { type Actor } from '../../core/principal.ts'

/** What decision lines say of one host, counted. */
export type HostTraffic = {
  readonly requests: number
  readonly first: number
  readonly last: number
  readonly days: ReadonlyMap<number, Readonly<DayTraffic>>
  readonly zones: ReadonlyMap<string, number>
  readonly named: readonly Readonly<NamedTraffic>[]
  readonly nameless: readonly Readonly<NamelessTraffic>[]
  /** There were more callers than are told apart. */
  readonly hasMore: boolean
}

/** By day since 1970, in UTC. */
export type DayTraffic = {
  requests: number
  /** Let through, though the policy would have refused somebody who is known. */
  wouldRefuse: number
  /** Refused, somebody who is known. */
  refused: number
}

/** Somebody who proved who he is. */
export type NamedTraffic = {
  readonly subject: string
  readonly email: string | undefined
  readonly actor: Actor
  requests: number
  allowed: number
  /** When last seen, by whether it was through the VPN; 0 is never. */
  lastByVpn: number
  lastOtherwise: number
  wouldRefuse: number
  lastWouldRefuse: number
  refused: number
  lastRefused: number
  /** The last refusal, as an example. */
  refusal: Refusal | undefined
}

export type Refusal = {
  readonly reason: string
  readonly method: string
  readonly path: string
  readonly decision: string
}

/** Callers who proved nothing, from one address. */
export type NamelessTraffic = {
  readonly address: string
  readonly zone: string
  readonly isVpn: boolean
  requests: number
  /** Let through only because the policy is observed. */
  letThrough: number
  /** With a bearer token that Vestibule does not accept: most often the application's own. */
  foreignTokens: number
  /** With a method that changes things. */
  writes: number
  first: number
  last: number
  days: number
  readonly asked: Map<string, AskedFor>
  asksForMore: boolean
}

/** One method and path of a caller without a name. */
export type AskedFor = {
  requests: number
  days: number
  lastDay: number
  /** Of the first request of each day, in minutes since midnight. */
  earliest: number
  latest: number
}

export type Traffic = {
  readonly lines: number
  readonly from: number | undefined
  readonly to: number | undefined
  readonly hosts: ReadonlyMap<string, HostTraffic>
  /** Whether somebody signed in came from an address, to whatever host. */
  readonly signsIn: (address: string) => boolean
}
