import { type Place, placeIn } from '../cluster-object.ts'
import { type NetworkPolicy, type PodFacts, policyName } from '../network/network-policy.ts'
import { ingressVerdict, type SideVerdict } from '../network/reach.ts'
import { podFacts, type WorkloadView } from '../views/workload.ts'
import { type BackEnd, backEndsOf } from './back-ends.ts'
import { type Finding, type FindingKinds, findingOf } from './finding.ts'
import { type Scene } from './scene.ts'
import { someOf } from './shown.ts'

/** Whether any pod of the cluster can reach an application past the ingress. */
export const NETWORK_FINDINGS = {
  no_network_policy: {
    severity: 'medium',
    title: 'Every pod of the cluster reaches it',
    why: 'No NetworkPolicy selects its pods. Any pod can call it directly, with identity headers that it made up.',
    next: 'vestibule migrate networkpolicy writes the policy; apply it before the gate enforces.',
  },
  open_network_policy: {
    severity: 'medium',
    title: 'Its NetworkPolicy lets strangers in',
    why: 'Policies add up: one broad rule admits what all the narrow ones keep out.',
    next: 'Narrow the rule to the controller; vestibule migrate networkpolicy proves the result.',
  },
} as const satisfies FindingKinds

export const networkFindings = (scene: Scene): readonly Finding[] => {
  const seen = new Set<WorkloadView['object']>()
  return backEndsOf(scene).flatMap((backEnd) =>
    backEnd.workloads.flatMap((workload) => {
      if (seen.has(workload.object)) return []
      seen.add(workload.object)
      return reachOf(scene, backEnd, workload)
    }),
  )
}

const reachOf = (scene: Scene, backEnd: BackEnd, workload: WorkloadView): readonly Finding[] => {
  const { cluster } = scene
  const to = podFacts(workload, cluster.namespaceLabels(workload.namespace))
  // What is on the network of its node has a finding of its own.
  if (to.onHostNetwork) return []
  const verdicts = portsOf(to).map((port) =>
    ingressVerdict(cluster.networkPolicies, {
      from: { kind: 'pod', pod: STRANGER },
      to,
      port,
      protocol: 'TCP',
    }),
  )
  const shown = `${workload.kind} ${workload.namespace}/${workload.name}`
  const places = [placeIn(workload.object)] as const
  const { hosts } = backEnd
  if (verdicts.some(({ kind }) => kind === 'open')) {
    const what = 'no NetworkPolicy selects its pods'
    return [findingOf(NETWORK_FINDINGS, 'no_network_policy', { what, places, hosts })]
  }
  const by = admitting(verdicts)
  const [first, ...others] = by.map(placeOfPolicy)
  if (first === undefined) return []
  const what = `${someOf(by.map(policyName))} lets any pod reach ${shown}`
  return [
    findingOf(NETWORK_FINDINGS, 'open_network_policy', {
      what,
      places: [first, ...others, ...places],
      hosts,
    }),
  ]
}

/** A pod that nobody has heard of: what reaches it must be open to all. */
const STRANGER: PodFacts = {
  namespace: 'nobody-knows-this-namespace',
  name: 'pod/stranger',
  labels: {},
  namespaceLabels: { 'kubernetes.io/metadata.name': 'nobody-knows-this-namespace' },
  addresses: ['10.255.255.254'],
  ports: [],
  onHostNetwork: false,
}

/** Port 80 stands for all where the container names none. */
const portsOf = ({ ports }: PodFacts): readonly number[] => {
  const tcp = ports.filter(({ protocol }) => protocol === 'TCP').map(({ port }) => port)
  return tcp.length === 0 ? [80] : tcp
}

const admitting = (verdicts: readonly SideVerdict[]): readonly NetworkPolicy[] => [
  ...new Set(
    verdicts.flatMap((verdict) =>
      verdict.kind === 'admitted' ? verdict.by.map(({ policy }) => policy) : [],
    ),
  ),
]

const placeOfPolicy = (policy: NetworkPolicy): Place => ({
  object: `NetworkPolicy ${policyName(policy)}`,
  file: policy.file,
  line: policy.line ?? 1,
})
