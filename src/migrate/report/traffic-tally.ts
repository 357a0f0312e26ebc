import { type RecordedDecision } from '../../core/recorded-decision.ts'
import { countNamed } from './count-named.ts'
import { countNameless } from './count-nameless.ts'
import { type Budget, dayNumber, type HostCount, newHost, trafficOf } from './host-count.ts'
import { type DayTraffic, type Traffic } from './traffic.ts'
import { type ZoneOf } from './zones.ts'

export type TrafficTally = {
  readonly add: (line: RecordedDecision) => void
  readonly traffic: () => Traffic
}

/** Bounds on memory, whatever the log holds. */
const MOST_HOSTS = 2000
const MOST_DAYS = 400
const MOST_SIGNING_IN = 100_000

/** Counts decisions by host and caller, in memory that does not grow with the log. */
export const createTrafficTally = (
  hostOf: (line: RecordedDecision) => string,
  zoneOf: ZoneOf,
): TrafficTally => {
  const hosts = new Map<string, HostCount>()
  const signingIn = new Set<string>()
  const budget: Budget = { named: 100_000, nameless: 30_000 }
  let lines = 0
  let from = Number.POSITIVE_INFINITY
  let to = 0
  const countOf = (line: RecordedDecision): HostCount => {
    const wanted = hostOf(line)
    const name = hosts.has(wanted) || hosts.size < MOST_HOSTS ? wanted : OTHER_HOSTS
    const found = hosts.get(name) ?? newHost()
    hosts.set(name, found)
    return found
  }
  return {
    add: (line) => {
      const { time, request, principal } = line
      const zone = zoneOf(request.clientIp)
      const host = countOf(line)
      lines += 1
      from = Math.min(from, time)
      to = Math.max(to, time)
      host.requests += 1
      host.first = Math.min(host.first, time)
      host.last = Math.max(host.last, time)
      host.zones.set(zone.name, (host.zones.get(zone.name) ?? 0) + 1)
      const day = dayOf(host, time)
      if (principal.kind === 'anonymous') countNameless(host, budget, { line, zone })
      else {
        const { clientIp } = request
        if (clientIp !== undefined && signingIn.size < MOST_SIGNING_IN) signingIn.add(clientIp)
        countNamed(host, budget, { line, principal, zone, day })
      }
    },
    traffic: () => ({
      lines,
      from: lines === 0 ? undefined : from,
      to: lines === 0 ? undefined : to,
      hosts: new Map([...hosts].map(([name, count]) => [name, trafficOf(count)])),
      signsIn: (address) => signingIn.has(address),
    }),
  }
}

export const OTHER_HOSTS = '(other hosts)'

const dayOf = ({ days }: HostCount, time: number): DayTraffic => {
  const number = dayNumber(time)
  const found = days.get(number) ?? { requests: 0, wouldRefuse: 0, refused: 0 }
  found.requests += 1
  days.set(number, found)
  // The oldest says least; a log that goes back further is a log of other rules.
  if (days.size > MOST_DAYS) days.delete(Math.min(...days.keys()))
  return found
}
