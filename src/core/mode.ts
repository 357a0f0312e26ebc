import { type Decision, type Enforced } from './decision.ts'
import { type EpochSeconds } from './ids.ts'
import { type HostPolicy } from './policy/policy.ts'
import { type Principal } from './principal.ts'

/** How a decision is applied: the label of logs and metrics. */
export type AppliedMode = 'enforce' | 'observe'

/** Whether the policy is enforced for this principal at this moment, or only observed. */
export const appliedMode = (
  { mode }: HostPolicy,
  principal: Principal,
  now: EpochSeconds,
): AppliedMode => {
  if (mode.kind === 'enforce' || now >= mode.until) return 'enforce'
  if (mode.kind === 'observe' || principal.kind === 'anonymous') return 'observe'
  const isChosen =
    (principal.groups ?? []).some((group) => mode.groups.has(group)) ||
    bucketOf(principal.subject) < mode.share
  return isChosen ? 'enforce' : 'observe'
}

/** What is observed lets everybody through and remembers what enforcing would have said. */
export const applyMode = (decision: Enforced, mode: AppliedMode): Decision =>
  mode === 'enforce' || decision.effect === 'allow'
    ? decision
    : { effect: 'allow', reason: 'observed', would: decision }

/** 0 to 99, the same for a subject on every replica and day (FNV-1a). */
const bucketOf = (subject: string): number => {
  let hash = 0x811c9dc5
  for (let index = 0; index < subject.length; index += 1) {
    hash = Math.imul(hash ^ subject.charCodeAt(index), 0x01000193)
  }
  return (hash >>> 0) % 100
}
