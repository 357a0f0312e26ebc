import { type Actor } from '../../core/principal.ts'
import { dayNumber } from './host-count.ts'
import { SIGNS, type Sign, signsOfMachine } from './machines.ts'
import {
  type HostTraffic,
  type NamedTraffic,
  type NamelessTraffic,
  type Refusal,
  type Traffic,
} from './traffic.ts'

/** A refusal that nobody meant, of somebody who is known. */
export type Surprise = {
  readonly subject: string
  readonly actor: Actor
  /** `would_be`: let through, since the policy is observed. */
  readonly kind: 'would_be' | 'was'
  readonly times: number
  readonly last: number
  readonly example: Refusal | undefined
}

/** A program without an identity: nobody can sign in for it. */
export type MachineCaller = {
  readonly address: string
  readonly zone: string
  readonly isVpn: boolean
  readonly signs: readonly Sign[]
  readonly why: readonly string[]
  readonly requests: number
  readonly letThrough: number
  readonly days: number
  readonly last: number
  readonly asksFor: readonly string[]
}

/** Somebody who has not come in any other way yet. */
export type VpnOnly = {
  readonly subject: string
  readonly actor: Actor
  readonly requests: number
  readonly last: number
}

/** A refusal that is meant, by whoever answers for the host. */
export type Expected = {
  readonly host: string
  readonly subject: string | undefined
  readonly address: string | undefined
  readonly until: number
  readonly reason: string
}

export type Callers = {
  readonly surprises: readonly Surprise[]
  readonly machines: readonly MachineCaller[]
  readonly vpnOnly: readonly VpnOnly[]
  /** Addresses of the VPN from which somebody came without a name, and looks like no program. */
  readonly namelessByVpn: number
  readonly people: number
  readonly workloads: number
}

export const NO_CALLERS: Callers = {
  surprises: [],
  machines: [],
  vpnOnly: [],
  namelessByVpn: 0,
  people: 0,
  workloads: 0,
}

type Context = {
  readonly host: string
  readonly expected: readonly Expected[]
  readonly now: number
  readonly signsIn: Traffic['signsIn']
}

export const callersOf = (traffic: HostTraffic, context: Context): Callers => {
  const own = context.expected.filter(
    ({ host, until }) => host === context.host && context.now < until,
  )
  const named = traffic.named.filter(({ subject }) => !own.some((each) => each.subject === subject))
  const nameless = traffic.nameless.filter(
    ({ address }) => !own.some((each) => each.address === address),
  )
  const machines = nameless
    .map((caller) => machineOf(caller, signsOfMachine(caller, context.signsIn)))
    .filter(({ signs }) => signs.length > 0)
  return {
    surprises: named.flatMap(surprisesOf).toSorted((a, b) => b.last - a.last),
    machines: machines.toSorted((a, b) => b.letThrough - a.letThrough || b.last - a.last),
    vpnOnly: traffic.named
      .filter(({ lastByVpn, lastOtherwise }) => lastByVpn > 0 && lastOtherwise === 0)
      .map(({ subject, actor, requests, lastByVpn }) => ({
        subject,
        actor,
        requests,
        last: lastByVpn,
      }))
      .toSorted((a, b) => b.last - a.last),
    namelessByVpn:
      nameless.filter(({ isVpn }) => isVpn).length - machines.filter(({ isVpn }) => isVpn).length,
    people: traffic.named.filter(({ actor }) => actor === 'human').length,
    workloads: traffic.named.filter(({ actor }) => actor !== 'human').length,
  }
}

/** Once enforced, refusing strangers is what a policy is for; refusing those it admits may not be. */
const surprisesOf = (who: Readonly<NamedTraffic>): readonly Surprise[] => {
  const { subject, actor, refusal: example } = who
  const works = who.allowed > 0 || actor !== 'human'
  return [
    ...(who.wouldRefuse === 0
      ? []
      : [
          {
            subject,
            actor,
            kind: 'would_be' as const,
            times: who.wouldRefuse,
            last: who.lastWouldRefuse,
            example,
          },
        ]),
    ...(who.refused === 0 || !works
      ? []
      : [
          {
            subject,
            actor,
            kind: 'was' as const,
            times: who.refused,
            last: who.lastRefused,
            example,
          },
        ]),
  ]
}

const MOST_EXAMPLES = 3

const machineOf = (caller: Readonly<NamelessTraffic>, signs: readonly Sign[]): MachineCaller => {
  const { address, zone, isVpn, requests, letThrough, days, last, asked } = caller
  const often = [...asked].toSorted(([, a], [, b]) => b.requests - a.requests)
  return {
    address,
    zone,
    isVpn,
    signs,
    why: signs.map((sign) => SIGNS[sign]),
    requests,
    letThrough,
    days,
    last,
    asksFor: often.slice(0, MOST_EXAMPLES).map(([what]) => what),
  }
}

/** Whole days between two moments. */
export const daysBetween = (from: number, to: number): number =>
  Math.max(0, dayNumber(to) - dayNumber(from))
