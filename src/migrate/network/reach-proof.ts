import { type Cluster } from '../cluster.ts'
import { podFacts } from '../views/workload.ts'
import { type BackEnd, portNumbers } from './back-end.ts'
import { type PodPlace } from './controller-place.ts'
import { selects } from './label-selector.ts'
import { type PlannedPolicy, type Purpose } from './network-plan.ts'
import { type NetworkPolicy, type PodFacts, type PolicyPeer, policyName } from './network-policy.ts'
import { type Admission, egressVerdict, ingressVerdict, type SideVerdict } from './reach.ts'

/** Somebody who reaches a back end, on which ports, and by what. */
export type Access = {
  readonly source: PodFacts
  readonly ports: readonly string[]
  /** What the plan is for; undefined where nobody planned it. */
  readonly purpose: Purpose | undefined
  /** `namespace/name` of policies besides the planned ones. */
  readonly olderPolicies: readonly OlderPolicy[]
  /** It hangs on the network plugin. */
  readonly isUncertain: boolean
  /** His own egress rules stop him, as long as nobody changes them. */
  readonly isStoppedAtHome: boolean
}

export type OlderPolicy = {
  readonly name: string
  readonly file: string
  readonly line: number | undefined
  /** Counted from one. */
  readonly rule: number
}

export type ReachProof = {
  readonly planned: PlannedPolicy
  readonly before: readonly Access[]
  /** Others who are not listed. Where everybody reaches everything they are too many to keep. */
  readonly beforeMore: number
  readonly after: readonly Access[]
  readonly afterMore: number
  /** Ranges that older policies admit from outside. */
  readonly addresses: readonly (OlderPolicy & { readonly cidr: string })[]
}

/** Who of the given pods reaches each back end, before the planned policies and with them. */
export const proveReach = (
  cluster: Cluster,
  plans: readonly PlannedPolicy[],
  mostInAll = MOST_IN_ALL,
): readonly ReachProof[] => {
  const sources = sourcesOf(cluster)
  const replaced = new Set(plans.map(({ policy }) => policyName(policy)))
  const older = cluster.networkPolicies.filter((policy) => !replaced.has(policyName(policy)))
  const purposes: Purposes = new Map(plans.map((plan) => [plan.policy, plan.purposes]))
  const all = [...older, ...purposes.keys()]
  const inNamespace = Map.groupBy(older, ({ namespace }) => namespace)
  const most = Math.max(LEAST_LISTED, Math.floor(mostInAll / Math.max(1, plans.length)))
  return plans.map((planned) => {
    const listed = (policies: readonly NetworkPolicy[]): Listed =>
      limited(accesses(sources, planned.backEnd, policies, purposes), most)
    const [before, after] = [listed(cluster.networkPolicies), listed(all)]
    return {
      planned,
      before: before.accesses,
      beforeMore: before.more,
      after: after.accesses,
      afterMore: after.more,
      addresses: addressesFor(planned.backEnd, inNamespace.get(planned.policy.namespace) ?? []),
    }
  })
}

const MOST_IN_ALL = 300_000
const LEAST_LISTED = 20

type Listed = { readonly accesses: readonly Access[]; readonly more: number }

/** Whoever was planned is always listed: what is found out about him hangs on it. */
const limited = (all: readonly Access[], most: number): Listed => {
  if (all.length <= most) return { accesses: all, more: 0 }
  const planned = all.filter(({ purpose }) => purpose !== undefined)
  const others = all.filter(({ purpose }) => purpose === undefined)
  const accesses = [...planned, ...others.slice(0, most)]
  return { accesses, more: all.length - accesses.length }
}

/** Pods that a workload made are counted once, as the workload. */
const sourcesOf = (cluster: Cluster): readonly PodFacts[] =>
  cluster.workloads
    .filter(({ isOwned }) => !isOwned)
    .map((workload) => podFacts(workload, cluster.namespaceLabels(workload.namespace)))

/** What the rules of the planned policies are for. */
type Purposes = ReadonlyMap<NetworkPolicy, readonly Purpose[]>

const accesses = (
  sources: readonly PodFacts[],
  backEnd: BackEnd,
  policies: readonly NetworkPolicy[],
  purposes: Purposes,
): readonly Access[] => {
  const targets = backEnd.pods.map((pod): Target => ({ pod, ports: portNumbers(backEnd, pod) }))
  return sources.flatMap((source) => {
    const open = targets.flatMap((target) =>
      isSamePod(source, target.pod) ? [] : openPorts(source, target, policies),
    )
    if (open.length === 0) return []
    // What was planned for one port says nothing of the others.
    const planned = open.filter((each) => isPlanned(each, purposes))
    return [planned, open.filter((each) => !planned.includes(each))].flatMap((ports) =>
      ports.length === 0 ? [] : [accessOf(source, ports, purposes)],
    )
  })
}

type Target = { readonly pod: PodFacts; readonly ports: ReturnType<typeof portNumbers> }

const isPlanned = ({ verdict }: OpenPort, purposes: Purposes): boolean =>
  purposeOf(admissionsOf(verdict), purposes) !== undefined

const accessOf = (source: PodFacts, open: readonly OpenPort[], purposes: Purposes): Access => {
  const by = open.flatMap(({ verdict }) => admissionsOf(verdict))
  return {
    source,
    ports: [...new Set(open.map(({ port }) => port))],
    purpose: purposeOf(by, purposes),
    olderPolicies: olderOf(by, purposes),
    isUncertain: open.every(({ verdict }) => verdict.kind === 'uncertain'),
    isStoppedAtHome: open.every(({ isStopped }) => isStopped),
  }
}

const isSamePod = (one: PodFacts, other: PodFacts): boolean =>
  one.namespace === other.namespace && one.name === other.name

type OpenPort = {
  readonly port: string
  readonly verdict: SideVerdict
  readonly isStopped: boolean
}

const openPorts = (
  source: PodFacts,
  { pod: to, ports }: Target,
  policies: readonly NetworkPolicy[],
): readonly OpenPort[] =>
  ports.flatMap(({ port, protocol }): readonly OpenPort[] => {
    const connection = { from: { kind: 'pod', pod: source }, to, port, protocol } as const
    const verdict = ingressVerdict(policies, connection)
    if (verdict.kind === 'closed') return []
    const isStopped = egressVerdict(policies, connection).kind === 'closed'
    return [{ port: `${port}${protocol === 'TCP' ? '' : `/${protocol}`}`, verdict, isStopped }]
  })

const admissionsOf = (verdict: SideVerdict): readonly Admission[] =>
  verdict.kind === 'admitted' || verdict.kind === 'uncertain' ? verdict.by : []

/** An access that an older policy gives as well is still what was planned. */
const purposeOf = (by: readonly Admission[], purposes: Purposes): Purpose | undefined =>
  by
    .map(({ policy, rule }) => purposes.get(policy)?.[rule])
    .find((purpose) => purpose !== undefined)

const olderOf = (by: readonly Admission[], purposes: Purposes): readonly OlderPolicy[] => {
  const older = by.filter(({ policy }) => !purposes.has(policy))
  return [
    ...new Map(
      older.map(({ policy, rule }) => [`${policyName(policy)} ${rule}`, nameOf(policy, rule)]),
    ).values(),
  ]
}

const nameOf = (policy: NetworkPolicy, rule: number): OlderPolicy => ({
  name: policyName(policy),
  file: policy.file,
  line: policy.line,
  rule: rule + 1,
})

const addressesFor = (
  { service, pods }: BackEnd,
  older: readonly NetworkPolicy[],
): ReachProof['addresses'] =>
  older
    .filter(
      ({ policyTypes, podSelector }) =>
        policyTypes.includes('Ingress') &&
        (pods.length === 0
          ? selects(podSelector, service.selector)
          : pods.some(({ labels }) => selects(podSelector, labels))),
    )
    .flatMap((policy) =>
      policy.ingress.flatMap(({ peers }, rule) =>
        peers.length === 0
          ? [{ ...nameOf(policy, rule), cidr: 'everywhere' }]
          : peers.flatMap(cidrOf).map((cidr) => ({ ...nameOf(policy, rule), cidr })),
      ),
    )

const cidrOf = (peer: PolicyPeer): readonly string[] =>
  peer.kind === 'addresses' ? [peer.cidr] : []

/** Whether a pod is the one that a place means. */
export const isPlace = ({ namespace, labels }: PodPlace, pod: PodFacts): boolean =>
  pod.namespace === namespace &&
  Object.entries(labels).every(([name, value]) => pod.labels[name] === value)
