import { blockHolds } from './address-block.ts'
import { selects } from './label-selector.ts'
import {
  type Direction,
  type NetworkPolicy,
  type PodFacts,
  type PolicyPeer,
  type PolicyPort,
  type PolicyRule,
  type Protocol,
} from './network-policy.ts'
import { policiesSelecting } from './selecting.ts'

export type Party =
  | { readonly kind: 'pod'; readonly pod: PodFacts }
  | { readonly kind: 'address'; readonly address: string }

export type Connection = {
  readonly from: Party
  readonly to: PodFacts
  readonly port: number
  readonly protocol: Protocol
}

/** A rule that admits: its policy, and its place among the rules of that direction. */
export type Admission = { readonly policy: NetworkPolicy; readonly rule: number }

/** What the policies of one side say of a connection. */
export type SideVerdict =
  /** No policy selects the pod in this direction, so everything is admitted. */
  | { readonly kind: 'open' }
  | { readonly kind: 'admitted'; readonly by: readonly Admission[] }
  /** It hangs on the network plugin; count it as admitted. */
  | {
      readonly kind: 'uncertain'
      readonly because: 'host_network' | 'pod_address'
      readonly by: readonly Admission[]
    }
  | { readonly kind: 'closed'; readonly selecting: readonly NetworkPolicy[] }

/** What the policies of the receiving pod say: the side that its owner commands. */
export const ingressVerdict = (
  policies: readonly NetworkPolicy[],
  connection: Connection,
): SideVerdict => {
  const { from, to } = connection
  // Policies do not reach pods on the network of their node.
  if (to.onHostNetwork) return { kind: 'uncertain', because: 'host_network', by: [] }
  return sideVerdict(policies, 'Ingress', to, { ...connection, peer: from })
}

/** What the policies of the calling pod say; an address outside has none. */
export const egressVerdict = (
  policies: readonly NetworkPolicy[],
  connection: Connection,
): SideVerdict => {
  const { from, to } = connection
  if (from.kind === 'address' || from.pod.onHostNetwork) return { kind: 'open' }
  return sideVerdict(policies, 'Egress', from.pod, {
    ...connection,
    peer: { kind: 'pod', pod: to },
  })
}

type Asked = Connection & { readonly peer: Party }

/** Policies add up: whatever one of them admits is admitted, whatever the others say. */
const sideVerdict = (
  policies: readonly NetworkPolicy[],
  direction: Direction,
  subject: PodFacts,
  asked: Asked,
): SideVerdict => {
  const selecting = policiesSelecting(policies, direction, subject)
  if (selecting.length === 0) return { kind: 'open' }
  const admissions = selecting.flatMap((policy) =>
    rulesOf(policy, direction).flatMap((rule, index): readonly Weighed[] => {
      if (!coversPort(rule, asked)) return []
      const certainty = peerCertainty(rule, policy, asked.peer)
      return certainty === 'no' ? [] : [{ admission: { policy, rule: index }, certainty }]
    }),
  )
  const sure = admissions.filter(({ certainty }) => certainty === 'yes')
  if (sure.length > 0) return { kind: 'admitted', by: sure.map(({ admission }) => admission) }
  const by = admissions.map(({ admission }) => admission)
  // A node always reaches its own pods with most plugins, whatever their policies say.
  if (isOnHostNetwork(asked.peer)) return { kind: 'uncertain', because: 'host_network', by }
  return by.length > 0
    ? { kind: 'uncertain', because: 'pod_address', by }
    : { kind: 'closed', selecting }
}

type Certainty = 'yes' | 'perhaps' | 'no'
type Weighed = { readonly admission: Admission; readonly certainty: Certainty }

const rulesOf = (policy: NetworkPolicy, direction: Direction): readonly PolicyRule[] =>
  direction === 'Ingress' ? policy.ingress : policy.egress

const coversPort = ({ ports }: PolicyRule, asked: Asked): boolean =>
  ports.length === 0 || ports.some((each) => portMatches(each, asked))

/** A name means the ports of that name at the receiving pod, in both directions. */
const portMatches = ({ port: wanted, protocol, endPort }: PolicyPort, asked: Asked): boolean => {
  if (protocol !== asked.protocol) return false
  if (wanted === undefined) return true
  if (typeof wanted === 'number') return asked.port >= wanted && asked.port <= (endPort ?? wanted)
  return asked.to.ports.some(
    (each) => each.name === wanted && each.port === asked.port && each.protocol === protocol,
  )
}

const peerCertainty = (rule: PolicyRule, policy: NetworkPolicy, peer: Party): Certainty => {
  if (rule.peers.length === 0) return 'yes'
  const found = new Set(
    rule.peers.map((each) =>
      each.kind === 'addresses' ? addressCertainty(each, peer) : podCertainty(each, policy, peer),
    ),
  )
  if (found.has('yes')) return 'yes'
  return found.has('perhaps') ? 'perhaps' : 'no'
}

type PodPeer = Extract<PolicyPeer, { readonly kind: 'pods' }>
type AddressPeer = Extract<PolicyPeer, { readonly kind: 'addresses' }>

const podCertainty = (element: PodPeer, policy: NetworkPolicy, peer: Party): Certainty => {
  if (peer.kind === 'address') return 'no'
  const { namespace, namespaceLabels, labels, onHostNetwork } = peer.pod
  const inNamespace =
    element.namespaces === undefined
      ? namespace === policy.namespace
      : selects(element.namespaces, namespaceLabels)
  if (!inNamespace || (element.pods !== undefined && !selects(element.pods, labels))) return 'no'
  // Its traffic carries the address of the node, which a selector does not know.
  return onHostNetwork ? 'perhaps' : 'yes'
}

/** Blocks are meant for what is outside; whether they hold for pods is left to the plugin. */
const addressCertainty = (element: AddressPeer, peer: Party): Certainty => {
  if (peer.kind === 'address') return isInBlock(element, peer.address) ? 'yes' : 'no'
  const { addresses, onHostNetwork } = peer.pod
  if (addresses.length === 0) return 'perhaps'
  if (!addresses.some((address) => isInBlock(element, address))) return 'no'
  return onHostNetwork ? 'yes' : 'perhaps'
}

const isInBlock = ({ cidr, except }: AddressPeer, address: string): boolean =>
  blockHolds(cidr, address) === true && !except.some((part) => blockHolds(part, address) === true)

const isOnHostNetwork = (party: Party): boolean => party.kind === 'pod' && party.pod.onHostNetwork
