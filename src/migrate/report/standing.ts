import {
  type Blocker,
  blockersOf,
  type Calm,
  calmOf,
  type Evidence,
  type Verified,
} from './blockers.ts'
import { type Callers, callersOf, type Expected, NO_CALLERS } from './callers.ts'
import { type Exposure } from './exposure.ts'
import { meaningOf, type PolicyFacts, type Stage, stageOf, wayOf } from './stage.ts'
import { type HostTraffic, type Traffic } from './traffic.ts'

/** Where one host stands, why, what comes next, and how to take that back. */
export type Standing = Calm & {
  readonly host: string
  readonly stage: Stage
  readonly meaning: string
  readonly owner: string | undefined
  /** When observing ends and the policy is enforced, whatever the log says. */
  readonly observedUntil: number | undefined
  readonly exposure: Exposure | undefined
  readonly traffic: HostTraffic | undefined
  readonly callers: Callers
  readonly blockers: readonly Blocker[]
  readonly isReady: boolean
  readonly next: string
  readonly rollback: string
}

export type HostFacts = {
  readonly host: string
  readonly exposure: Exposure | undefined
  readonly policy: PolicyFacts | undefined
  readonly traffic: HostTraffic | undefined
  readonly verified: Verified | undefined
}

export type Gate = {
  readonly now: number
  readonly days: number
  readonly expected: readonly Expected[]
  readonly hasVpnZone: boolean
  readonly log: Pick<Traffic, 'to' | 'signsIn'>
}

export const standingOf = (facts: HostFacts, gate: Gate): Standing => {
  const { host, exposure, policy, traffic, verified } = facts
  const { now, days, hasVpnZone, log } = gate
  const callers =
    traffic === undefined ? NO_CALLERS : callersOf(traffic, { ...gate, host, signsIn: log.signsIn })
  const evidence: Evidence = {
    exposure,
    traffic,
    callers,
    verified,
    days,
    hasVpnZone,
    to: log.to ?? now,
  }
  const reached = stageOf(exposure, policy, now)
  const blockers = blockersOf(reached, evidence)
  const stage = reached === 'network_closed' && blockers.length === 0 ? 'vpn_removable' : reached
  return {
    host,
    stage,
    meaning: meaningOf(stage, exposure, policy),
    owner: policy?.owner,
    observedUntil: observedUntil(policy, now),
    exposure,
    traffic,
    callers,
    blockers,
    isReady: blockers.length === 0,
    ...wayOf(stage, exposure, policy),
    ...calmOf(evidence),
  }
}

const observedUntil = (policy: PolicyFacts | undefined, now: number): number | undefined =>
  policy === undefined || policy.mode.kind === 'enforce' || now >= policy.mode.until
    ? undefined
    : policy.mode.until
