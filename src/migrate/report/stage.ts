import { type Mode } from '../../core/policy/policy.ts'
import { type Exposure } from './exposure.ts'

/** Where a host stands, in the order in which it gets there. */
export const STAGES = {
  network_trusted: 'the network, a password or another gate decides who gets in',
  observed: 'everybody still gets in, and the log says who would not',
  canary: 'the policy is enforced for some, and observed for the others',
  enforced: 'identity decides, and the back end can still be reached without it',
  network_closed: 'identity decides, and only the controller reaches the back end',
  vpn_removable: 'nothing hangs on the VPN any more',
} as const

export type Stage = keyof typeof STAGES

export const STAGE_NAMES: Readonly<Record<Stage, string>> = {
  network_trusted: 'network-trusted',
  observed: 'observed',
  canary: 'canary',
  enforced: 'enforced',
  network_closed: 'network closed',
  vpn_removable: 'VPN removable',
}

/** The policy of a host, as far as its stage hangs on it. */
export type PolicyFacts = {
  readonly owner: string | undefined
  readonly mode: Mode
}

/** Without `vpn_removable`, which hangs on evidence too. */
export const stageOf = (
  exposure: Exposure | undefined,
  policy: PolicyFacts | undefined,
  now: number,
): Exclude<Stage, 'vpn_removable'> => {
  if (policy === undefined || exposure === undefined || exposure.unguarded.length > 0) {
    return 'network_trusted'
  }
  const { mode } = policy
  if (mode.kind === 'observe' && now < mode.until) return 'observed'
  if (mode.kind === 'canary' && now < mode.until) return 'canary'
  return isClosed(exposure) ? 'network_closed' : 'enforced'
}

/** What to do where one half is there already. */
const WRITE_POLICY =
  'Write its policy (vestibule migrate translate): until there is one, Vestibule lets nobody in.'

const GUARD_EVERY_WAY =
  'Let every Ingress of this host ask Vestibule: vestibule migrate ingress writes the change.'

/** What to do next, and how to take it back. */
export const wayOf = (
  stage: Stage,
  exposure: Exposure | undefined,
  policy: PolicyFacts | undefined,
): Way => {
  const way = WAYS[stage]
  if (stage !== 'network_trusted' || exposure === undefined) return way
  if (policy !== undefined) return { ...way, next: GUARD_EVERY_WAY }
  return exposure.unguarded.length === 0 ? { ...way, next: WRITE_POLICY } : way
}

/** What a stage means on this host; of those that are furthest back there are three kinds. */
export const meaningOf = (
  stage: Stage,
  exposure: Exposure | undefined,
  policy: PolicyFacts | undefined,
): string => {
  if (stage !== 'network_trusted') return STAGES[stage]
  if (exposure === undefined) return 'no Ingress among the objects has this host'
  return exposure.unguarded.length === 0 && policy === undefined
    ? 'the Ingress asks Vestibule, and no policy that was read names the host'
    : STAGES[stage]
}

const isClosed = ({ openBackends, unknownBackends, ingresses }: Exposure): boolean =>
  ingresses.length > 0 && openBackends.length === 0 && unknownBackends.length === 0

type Way = { readonly next: string; readonly rollback: string }

/** What to do next with a host of a stage, and how to take it back. */
const WAYS: Readonly<Record<Stage, Way>> = {
  network_trusted: {
    next: 'Write its policy (vestibule migrate translate) with mode: observe and until, then add the annotations (vestibule migrate ingress).',
    rollback: 'Apply the inverse patch that vestibule migrate ingress wrote with the first one.',
  },
  observed: {
    next: 'Set mode: canary in the policy, with a group or a share of people, and until.',
    rollback: 'Apply the inverse patch of the annotations; nobody was refused so far.',
  },
  canary: {
    next: 'Set mode: enforce in the policy, and take out addresses and passwords from the Ingress.',
    rollback: 'Set mode: observe and until in the policy: within seconds everybody gets in again.',
  },
  enforced: {
    next: 'Let only the controller reach the back end: vestibule migrate networkpolicy writes the policy and proves it; then vestibule migrate verify.',
    rollback: 'Set mode: observe and until in the policy: within seconds everybody gets in again.',
  },
  network_closed: {
    next: 'Settle what stands in the way, until nothing of this host comes by the VPN alone.',
    rollback: 'Delete the NetworkPolicy; identity still decides at the controller.',
  },
  vpn_removable: {
    next: 'Take the route to this host out of the VPN; with the last host, switch the VPN off.',
    rollback: 'Put the route back: the policy decides the same on every way.',
  },
}
