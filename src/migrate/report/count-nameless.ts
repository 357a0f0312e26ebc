import { type RecordedDecision } from '../../core/recorded-decision.ts'
import { type Budget, dayNumber, type HostCount, SECONDS_A_DAY } from './host-count.ts'
import { type AskedFor, type NamelessTraffic } from './traffic.ts'
import { type Zone } from './zones.ts'

type Counting = { readonly line: RecordedDecision; readonly zone: Zone }

/** More than few is many; and a path may be long. */
const MOST_ASKED_FOR = 8
const LONGEST_PATH = 128

/** Counts the request of somebody who proved nothing; what a public rule admits needs no proof. */
export const countNameless = (host: HostCount, budget: Budget, counting: Counting): void => {
  const { line } = counting
  // An expired session is a person's, who only has to sign in again.
  if (line.effect === 'allow' || line.credential === 'cookie') return
  const caller = entryOf(host, budget, counting)
  if (caller === undefined) return
  const { time, request, isObserved, credential } = line
  const isNewDay = dayNumber(time) !== dayNumber(caller.last)
  if (isNewDay) caller.days += 1
  caller.requests += 1
  caller.first = Math.min(caller.first, time)
  caller.last = Math.max(caller.last, time)
  if (isObserved) caller.letThrough += 1
  if (credential === 'bearer') caller.foreignTokens += 1
  if (!READS.has(request.method)) caller.writes += 1
  countAsked(caller, `${request.method} ${request.path.slice(0, LONGEST_PATH)}`, time)
}

const READS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', ''])

const countAsked = (caller: NamelessTraffic, what: string, time: number): void => {
  const asked = caller.asked.get(what)
  const day = dayNumber(time)
  const minute = Math.floor((time % SECONDS_A_DAY) / 60)
  if (asked === undefined) {
    if (caller.asked.size >= MOST_ASKED_FOR) caller.asksForMore = true
    else {
      caller.asked.set(what, {
        requests: 1,
        days: 1,
        lastDay: day,
        earliest: minute,
        latest: minute,
      })
    }
  } else countAgain(asked, day, minute)
}

const countAgain = (asked: AskedFor, day: number, minute: number): void => {
  asked.requests += 1
  if (asked.lastDay === day) return
  asked.lastDay = day
  asked.days += 1
  asked.earliest = Math.min(asked.earliest, minute)
  asked.latest = Math.max(asked.latest, minute)
}

const entryOf = (
  host: HostCount,
  budget: Budget,
  { line, zone }: Counting,
): NamelessTraffic | undefined => {
  const address = line.request.clientIp ?? 'unknown'
  const known = host.nameless.get(address)
  if (known !== undefined) return known
  if (budget.nameless === 0) {
    host.hasMore = true
    return undefined
  }
  budget.nameless -= 1
  const fresh: NamelessTraffic = {
    address,
    zone: zone.name,
    isVpn: zone.isVpn,
    requests: 0,
    letThrough: 0,
    foreignTokens: 0,
    writes: 0,
    first: line.time,
    last: 0,
    days: 0,
    asked: new Map(),
    asksForMore: false,
  }
  host.nameless.set(address, fresh)
  return fresh
}
