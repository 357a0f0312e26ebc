import { type Authenticated } from '../../core/principal.ts'
import { type RecordedDecision } from '../../core/recorded-decision.ts'
import { type Budget, type HostCount } from './host-count.ts'
import { type DayTraffic, type NamedTraffic } from './traffic.ts'
import { type Zone } from './zones.ts'

type Counting = {
  readonly line: RecordedDecision
  readonly principal: Authenticated
  readonly zone: Zone
  readonly day: DayTraffic
}

/** Counts the request of somebody who is known. */
export const countNamed = (host: HostCount, budget: Budget, counting: Counting): void => {
  const { line, zone, day } = counting
  const isRefusal = refuses(line)
  if (isRefusal) {
    if (line.isObserved) day.wouldRefuse += 1
    else day.refused += 1
  }
  const who = entryOf(host, budget, counting)
  if (who === undefined) return
  who.requests += 1
  if (line.effect === 'allow') who.allowed += 1
  if (zone.isVpn) who.lastByVpn = Math.max(who.lastByVpn, line.time)
  else who.lastOtherwise = Math.max(who.lastOtherwise, line.time)
  if (isRefusal) countRefusal(who, line)
}

/**
 * A person who is asked for a stronger sign-in can give it, and a program cannot. What is refused
 * before any rule is asked says nothing about rules.
 */
const refuses = ({ effect, reason, principal }: RecordedDecision): boolean => {
  if (effect === 'deny') return !BEFORE_RULES.has(reason)
  return effect === 'challenge' && principal.kind !== 'anonymous' && principal.actor !== 'human'
}

const BEFORE_RULES: ReadonlySet<string> = new Set([
  'host_mismatch',
  'path_mismatch',
  'misconfigured_auth_url',
  'malformed_request',
  'duplicate_header',
  'impersonation_header',
  'method_refused',
])

const LONGEST_PATH = 200

const countRefusal = (who: NamedTraffic, line: RecordedDecision): void => {
  const { time, reason, request, id } = line
  if (line.isObserved) {
    who.wouldRefuse += 1
    who.lastWouldRefuse = Math.max(who.lastWouldRefuse, time)
  } else {
    who.refused += 1
    who.lastRefused = Math.max(who.lastRefused, time)
  }
  who.refusal = {
    reason,
    method: request.method,
    path: request.path.slice(0, LONGEST_PATH),
    decision: id,
  }
}

const entryOf = (
  host: HostCount,
  budget: Budget,
  { principal: { issuer, subject, email, actor } }: Counting,
): NamedTraffic | undefined => {
  const key = `${issuer}\n${subject}`
  const known = host.named.get(key)
  if (known !== undefined) return known
  if (budget.named === 0) {
    host.hasMore = true
    return undefined
  }
  budget.named -= 1
  const fresh: NamedTraffic = {
    subject,
    email,
    actor,
    requests: 0,
    allowed: 0,
    lastByVpn: 0,
    lastOtherwise: 0,
    wouldRefuse: 0,
    lastWouldRefuse: 0,
    refused: 0,
    lastRefused: 0,
    refusal: undefined,
  }
  host.named.set(key, fresh)
  return fresh
}
