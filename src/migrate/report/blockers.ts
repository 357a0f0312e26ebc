import { type Callers, daysBetween } from './callers.ts'
import { type Exposure } from './exposure.ts'
import { SECONDS_A_DAY } from './host-count.ts'
import { type Stage } from './stage.ts'
import { type HostTraffic } from './traffic.ts'

/** What may stand between a host and its next stage. Closed: reports and tests use these only. */
export type BlockerCode =
  | 'no_traffic'
  | 'short_evidence'
  | 'surprise'
  | 'machine'
  | 'vpn_only'
  | 'leftover'
  | 'unknown_backend'
  | 'no_zones'
  | 'not_verified'

export type Blocker = { readonly code: BlockerCode; readonly text: string }

/** What `vestibule migrate verify` found on a host, and when. */
export type Verified = {
  readonly isFine: boolean
  /** Ways around the ingress were tried, and the log was read. */
  readonly isComplete: boolean
  readonly at: number
}

export type Evidence = {
  readonly exposure: Exposure | undefined
  readonly traffic: HostTraffic | undefined
  readonly callers: Callers
  readonly verified: Verified | undefined
  /** The last moment of which the log tells. */
  readonly to: number
  /** Days that have to pass without a surprise. */
  readonly days: number
  readonly hasVpnZone: boolean
}

export type Calm = { readonly observedDays: number; readonly daysWithoutSurprise: number }

/** How long the log tells of a host, and how long nobody was refused by surprise. */
export const calmOf = ({
  traffic,
  callers,
  to,
}: Pick<Evidence, 'traffic' | 'callers' | 'to'>): Calm => {
  if (traffic === undefined) return { observedDays: 0, daysWithoutSurprise: 0 }
  const last = Math.max(traffic.first, ...callers.surprises.map((each) => each.last))
  return {
    observedDays: daysBetween(traffic.first, to),
    daysWithoutSurprise: daysBetween(last, to),
  }
}

type Check = (evidence: Evidence) => readonly string[]

const isRecent = (last: number, { to, days }: Evidence): boolean => last > to - days * SECONDS_A_DAY

const CHECKS: Readonly<Record<BlockerCode, Check>> = {
  no_traffic: ({ traffic }) =>
    traffic === undefined ? ['the log has no decision about this host'] : [],
  short_evidence: (evidence) => {
    const { observedDays } = calmOf(evidence)
    return evidence.traffic === undefined || observedDays >= evidence.days
      ? []
      : [`the log tells of ${counted(observedDays, 'day')}, and ${evidence.days} are wanted`]
  },
  surprise: (evidence) => {
    const recent = evidence.callers.surprises.filter(({ last }) => isRecent(last, evidence))
    return recent.length === 0
      ? []
      : [
          `${counted(new Set(recent.map(({ subject }) => subject)).size, 'caller')} refused, or to be refused, within ${counted(evidence.days, 'day')}: ${some(recent.map(({ subject }) => subject))}`,
        ]
  },
  machine: (evidence) => {
    const { machines } = evidence.callers
    const hurt = machines.filter(
      ({ letThrough, isVpn, last }) => isRecent(last, evidence) && (letThrough > 0 || isVpn),
    )
    return hurt.length === 0
      ? []
      : [
          `${counted(hurt.length, 'program')} without an identity would break: ${some(hurt.map(({ address }) => address))}`,
        ]
  },
  vpn_only: (evidence) => {
    const { vpnOnly, namelessByVpn } = evidence.callers
    const recent = vpnOnly.filter(({ last }) => isRecent(last, evidence))
    return [
      ...(recent.length === 0
        ? []
        : [
            `${counted(recent.length, 'caller')} came by the VPN alone: ${some(recent.map(({ subject }) => subject))}`,
          ]),
      ...(namelessByVpn === 0
        ? []
        : [
            `from ${counted(namelessByVpn, 'address', 'es')} of the VPN somebody came without a name`,
          ]),
    ]
  },
  leftover: ({ exposure }) =>
    (exposure?.leftovers ?? []).map(({ place, why }) => `${place.object}: ${why}`),
  unknown_backend: ({ exposure }) =>
    (exposure?.unknownBackends ?? []).map(({ place, why }) => `${place.object}: ${why}`),
  no_zones: ({ hasVpnZone }) =>
    hasVpnZone ? [] : ['no range is known to be the VPN, so nobody knows who comes through it'],
  not_verified: ({ verified, to, days }) => {
    if (verified === undefined) return ['vestibule migrate verify has not been run on it']
    if (!verified.isFine) return ['vestibule migrate verify failed on it']
    if (!verified.isComplete) return ['vestibule migrate verify left out the log or ways around']
    return daysBetween(verified.at, to) > days
      ? [`vestibule migrate verify was run more than ${counted(days, 'day')} ago`]
      : []
  },
}

const OF_RULES: readonly BlockerCode[] = ['no_traffic', 'short_evidence', 'surprise', 'machine']

const OF_STAGE: Readonly<Record<Stage, readonly BlockerCode[]>> = {
  network_trusted: [],
  observed: OF_RULES,
  canary: OF_RULES,
  enforced: ['unknown_backend', 'surprise', 'machine'],
  network_closed: [...OF_RULES, 'vpn_only', 'leftover', 'no_zones', 'not_verified'],
  vpn_removable: [],
}

/** What stands between a host of this stage and the next one. */
export const blockersOf = (stage: Stage, evidence: Evidence): readonly Blocker[] =>
  OF_STAGE[stage].flatMap((code) => CHECKS[code](evidence).map((text) => ({ code, text })))

const counted = (count: number, what: string, plural = 's'): string =>
  `${count.toLocaleString('en')} ${what}${count === 1 ? '' : plural}`

const MOST_NAMES = 3

const some = (names: readonly string[]): string => {
  const each = [...new Set(names)]
  const more = each.length - MOST_NAMES
  return `${each.slice(0, MOST_NAMES).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}
