import { type Cluster } from '../cluster.ts'
import { someOf } from '../inventory/shown.ts'
import { podFacts } from '../views/workload.ts'
import { type BackEnd, type BackEnds } from './back-end.ts'
import { type PodPlace, placeText } from './controller-place.ts'
import { type LabelSelector } from './label-selector.ts'
import { type PodFacts } from './network-policy.ts'
import { type Access, isPlace, type ReachProof } from './reach-proof.ts'

export type NetworkFinding = {
  readonly id:
    | 'still_reachable'
    | 'addresses_reach'
    | 'controller_not_found'
    | 'controller_on_host_network'
    | 'controller_cut_off'
    | 'port_name_unknown'
    | 'back_end_on_host_network'
    | 'no_pods'
    | 'no_policy_possible'
    | 'namespaces_unread'
  /** `error`: the back end is not closed, or the application would be cut off; `warning`: unproved. */
  readonly severity: 'error' | 'warning'
  readonly problem: string
  readonly remedy: string
}

export const networkFindings = (
  cluster: Cluster,
  { backEnds, unreachable }: BackEnds,
  proofs: readonly ReachProof[],
): readonly NetworkFinding[] => [
  ...unreachable.map(
    ({ what, file, line, why }): NetworkFinding => ({
      id: 'no_policy_possible',
      severity: 'error',
      problem: `${what} (${file}:${line}) ${why}`,
      remedy: 'Close the way to it by other means.',
    }),
  ),
  ...placesOf(backEnds).flatMap((place) => controllerFindings(cluster, place)),
  ...backEnds.flatMap(backEndFindings),
  ...proofs.flatMap(proofFindings),
  ...proofs.flatMap((proof) => cutOffFindings(cluster, proof)),
  ...namespaceFindings(cluster),
]

const placesOf = (backEnds: readonly BackEnd[]): readonly PodPlace[] => [
  ...new Map(
    backEnds.flatMap(({ controllers }) => controllers.map((place) => [placeText(place), place])),
  ).values(),
]

const controllerFindings = (cluster: Cluster, place: PodPlace): readonly NetworkFinding[] => {
  if (cluster.workloads.length === 0) return []
  const found = podsAt(cluster, place)
  if (found.length === 0) {
    return [
      {
        id: 'controller_not_found',
        severity: 'error',
        problem: `no pod is ${placeText(place)}, so these policies would cut applications off`,
        remedy: 'Say where the controller runs with --controller.',
      },
    ]
  }
  return found.some(({ onHostNetwork }) => onHostNetwork)
    ? [
        {
          id: 'controller_on_host_network',
          severity: 'error',
          problem: `the controller ${placeText(place)} runs on the network of its node, where selectors do not know it, so these policies may cut applications off`,
          remedy: 'Admit the addresses of its nodes by ipBlock, or give it a network of its own.',
        },
      ]
    : []
}

const known = new WeakMap<Cluster, Map<string, readonly PodFacts[]>>()

/** Found once for each place: every back end asks. */
const podsAt = (cluster: Cluster, place: PodPlace): readonly PodFacts[] => {
  const byPlace = known.get(cluster) ?? new Map<string, readonly PodFacts[]>()
  const pods =
    byPlace.get(placeText(place)) ??
    cluster.workloads
      .map((workload) => podFacts(workload, cluster.namespaceLabels(workload.namespace)))
      .filter((pod) => isPlace(place, pod))
  known.set(cluster, byPlace.set(placeText(place), pods))
  return pods
}

/** The proof of the pudding: the controller itself has to get through. */
const cutOffFindings = (
  cluster: Cluster,
  { planned: { backEnd }, after }: ReachProof,
): readonly NetworkFinding[] =>
  backEnd.controllers
    .filter(() => backEnd.pods.length > 0)
    .filter((place) => !after.some(({ source }) => isPlace(place, source)))
    .filter((place) => podsAt(cluster, place).some((pod) => !pod.onHostNetwork))
    .map((place) => ({
      id: 'controller_cut_off',
      severity: 'error',
      problem: `the controller ${placeText(place)} would not reach ${backEnd.service.namespace}/${backEnd.service.name} any more`,
      remedy: 'Check the ports of the Service and of its pods.',
    }))

const backEndFindings = ({ service, pods, ports }: BackEnd): readonly NetworkFinding[] => {
  const name = `${service.namespace}/${service.name}`
  if (pods.length === 0) {
    return [
      {
        id: 'no_pods',
        severity: 'warning',
        problem: `no pod behind ${name} is among the objects, so nothing is proved about it`,
        remedy: 'Read workloads or pods too.',
      },
    ]
  }
  return [
    ...pods
      .filter(({ onHostNetwork }) => onHostNetwork)
      .map(
        (pod): NetworkFinding => ({
          id: 'back_end_on_host_network',
          severity: 'error',
          problem: `${pod.namespace}/${pod.name} runs on the network of its node, which no policy covers`,
          remedy: 'Give it a network of its own.',
        }),
      ),
    ...unknownNames(name, ports, pods),
  ]
}

/** A name that no container port has would admit nothing. */
const unknownNames = (
  name: string,
  ports: BackEnd['ports'],
  pods: BackEnd['pods'],
): readonly NetworkFinding[] =>
  ports
    .filter(({ port }) => typeof port === 'string')
    .filter(({ port }) => pods.some((pod) => !pod.ports.some((each) => each.name === port)))
    .map(({ port }) => ({
      id: 'port_name_unknown',
      severity: 'error',
      problem: `a pod behind ${name} has no container port called ${port}, so the policy would cut it off`,
      remedy: 'Name the container port in the workload.',
    }))

const proofFindings = ({
  planned,
  after,
  afterMore,
  addresses,
}: ReachProof): readonly NetworkFinding[] => {
  const { service } = planned.backEnd
  const name = `${service.namespace}/${service.name}`
  return [
    ...alike(after.filter(isUnplanned)).map(
      ({ how, severity, sources }): NetworkFinding => ({
        id: 'still_reachable',
        severity,
        problem: `${name} can still be reached by ${someOf(sources)} ${how}${afterMore === 0 ? '' : `, and by ${afterMore} more in all`}`,
        remedy: 'Policies add up: narrow the older one, or take it away.',
      }),
    ),
    ...addresses.map(
      ({ cidr, name: policy, file, line, rule }): NetworkFinding => ({
        id: 'addresses_reach',
        severity: 'error',
        problem: `${name} can still be reached from ${cidr}, by rule ${rule} of ${policy} (${file}:${line ?? 1})`,
        remedy: 'Policies add up: narrow the older one, or take it away.',
      }),
    ),
  ]
}

type Alike = Pick<NetworkFinding, 'severity'> & {
  readonly how: string
  readonly sources: readonly string[]
}

/** Whom one rule lets in on the same ports, told once: it may be the whole cluster. */
const alike = (accesses: readonly Access[]): readonly Alike[] => {
  const groups = Map.groupBy(
    accesses,
    (access) => `${severityOf(access)} on ${access.ports.join(', ')}, ${causeOf(access)}`,
  )
  return [...groups].flatMap(([key, members]): readonly Alike[] => {
    const [first] = members
    if (first === undefined) return []
    const severity = severityOf(first)
    return [{ severity, how: key.slice(severity.length + 1), sources: members.map(sourceName) }]
  })
}

const severityOf = ({ isUncertain }: Access): NetworkFinding['severity'] =>
  isUncertain ? 'warning' : 'error'

/** A pod on the network of its node is let in by most plugins, if its node runs the back end. */
const isUnplanned = ({ purpose, olderPolicies, source }: Access): boolean =>
  purpose === undefined && !(source.onHostNetwork && olderPolicies.length === 0)

export const sourceName = ({ source }: Access): string => `${source.namespace}/${source.name}`

const causeOf = ({ olderPolicies, isStoppedAtHome }: Access): string => {
  const policies = olderPolicies.map(
    ({ name, file, line, rule }) => `rule ${rule} of ${name} (${file}:${line ?? 1})`,
  )
  const by = policies.length === 0 ? 'since no policy covers it' : `by ${policies.join(', ')}`
  return isStoppedAtHome ? `${by}, though its own egress rules stop it now` : by
}

/** A selector on labels of namespaces proves nothing where those labels were not read. */
const namespaceFindings = (cluster: Cluster): readonly NetworkFinding[] => {
  const read = new Set(
    cluster.objects.filter(({ kind }) => kind === 'Namespace').map(({ name }) => name),
  )
  const isUnread = cluster.workloads.some(({ namespace }) => !read.has(namespace))
  const asksLabels = cluster.networkPolicies.some(({ ingress }) =>
    ingress.some(({ peers }) =>
      peers.some((peer) => peer.kind === 'pods' && asksMore(peer.namespaces)),
    ),
  )
  return isUnread && asksLabels
    ? [
        {
          id: 'namespaces_unread',
          severity: 'warning',
          problem: 'older policies select namespaces by labels that were not read',
          remedy: 'Read Namespaces too: kubectl get namespaces -o yaml.',
        },
      ]
    : []
}

const asksMore = (selector: LabelSelector | undefined): boolean =>
  selector !== undefined &&
  [...Object.keys(selector.matchLabels), ...selector.matchExpressions.map(({ key }) => key)].some(
    (key) => key !== 'kubernetes.io/metadata.name',
  )
