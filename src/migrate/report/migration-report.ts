import { STAGES, type Stage } from './stage.ts'
import { type Gate, type HostFacts, type Standing, standingOf } from './standing.ts'
import { type Traffic } from './traffic.ts'

export type MigrationReport = {
  readonly at: number
  readonly from: number | undefined
  readonly to: number | undefined
  readonly days: number
  readonly stages: Readonly<Record<Stage, number>>
  /** The last days of which the log tells, those without a request among them. */
  readonly series: readonly Day[]
  readonly standings: readonly Standing[]
}

export type Day = {
  /** Days since 1970. */
  readonly day: number
  readonly requests: number
  readonly wouldRefuse: number
  readonly refused: number
}

const ORDER = Object.keys(STAGES)

/** All hosts, those that are furthest back first. */
export const migrationReport = (
  hosts: readonly HostFacts[],
  traffic: Traffic,
  gate: Gate,
): MigrationReport => {
  const standings = hosts
    .map((facts) => standingOf(facts, gate))
    .toSorted(
      (a, b) =>
        ORDER.indexOf(a.stage) - ORDER.indexOf(b.stage) ||
        Number(a.isReady) - Number(b.isReady) ||
        a.host.localeCompare(b.host, 'en'),
    )
  return {
    at: gate.now,
    from: traffic.from,
    to: traffic.to,
    days: gate.days,
    stages: countStages(standings),
    series: seriesOf(standings),
    standings,
  }
}

const countStages = (standings: readonly Standing[]): Readonly<Record<Stage, number>> => {
  const count = (stage: Stage): number => standings.filter((each) => each.stage === stage).length
  return {
    network_trusted: count('network_trusted'),
    observed: count('observed'),
    canary: count('canary'),
    enforced: count('enforced'),
    network_closed: count('network_closed'),
    vpn_removable: count('vpn_removable'),
  }
}

/** What fits a chart; a line with a wrong year must not make it longer. */
const MOST_DAYS = 90

const seriesOf = (standings: readonly Standing[]): readonly Day[] => {
  const all = standings.flatMap(({ traffic }) => [...(traffic?.days ?? [])])
  if (all.length === 0) return []
  const numbers = all.map(([day]) => day)
  const last = numbers.reduce((most, day) => Math.max(most, day))
  const first = Math.max(
    last - MOST_DAYS + 1,
    numbers.reduce((least, day) => Math.min(least, day)),
  )
  const byDay = Map.groupBy(all, ([day]) => day)
  return Array.from({ length: last - first + 1 }, (_each, index) => {
    const own = byDay.get(first + index) ?? []
    const sum = (of: 'requests' | 'wouldRefuse' | 'refused'): number =>
      own.reduce((total, [, day]) => total + day[of], 0)
    return {
      day: first + index,
      requests: sum('requests'),
      wouldRefuse: sum('wouldRefuse'),
      refused: sum('refused'),
    }
  })
}
