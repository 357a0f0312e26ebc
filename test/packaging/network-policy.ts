import { BlockList, isIPv6 } from 'node:net'

/** As much of NetworkPolicy as the manifests use; an unknown field is refused, not ignored. */
export type Labels = Readonly<Record<string, string>>

type Selector = { readonly matchLabels?: Labels }

type PolicyPeer = {
  readonly namespaceSelector?: Selector
  readonly podSelector?: Selector
  readonly ipBlock?: { readonly cidr: string; readonly except?: readonly string[] }
}

type PolicyPort = { readonly protocol: string; readonly port: number }

type Rule = {
  readonly from?: readonly PolicyPeer[]
  readonly to?: readonly PolicyPeer[]
  readonly ports?: readonly PolicyPort[]
}

type Direction = 'Ingress' | 'Egress'

export type NetworkPolicy = {
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string }
  readonly spec: {
    readonly podSelector: Selector
    readonly policyTypes: readonly Direction[]
    readonly ingress?: readonly Rule[]
    readonly egress?: readonly Rule[]
  }
}

export type Pod = { readonly namespace: string; readonly labels: Labels }
export type Outside = { readonly ip: string }
type Party = Pod | Outside

export type Connection = {
  readonly from: Party
  readonly to: Party
  readonly port: number
  readonly protocol?: 'TCP' | 'UDP'
}

/** A connection needs the word of both sides: egress where it starts, ingress where it ends. */
export const isAllowed = (policies: readonly NetworkPolicy[], connection: Connection): boolean =>
  permits(policies, 'Egress', connection) && permits(policies, 'Ingress', connection)

/** Policies add up, and a pod that none selects in this direction is open. */
const permits = (
  policies: readonly NetworkPolicy[],
  direction: Direction,
  { from, to, port, protocol = 'TCP' }: Connection,
): boolean => {
  const [subject, peer] = direction === 'Ingress' ? [to, from] : [from, to]
  if (!isPod(subject)) return true
  const selecting = policies.filter(
    ({ metadata, spec }) =>
      spec.policyTypes.includes(direction) &&
      metadata.namespace === subject.namespace &&
      matches(spec.podSelector, subject.labels),
  )
  if (selecting.length === 0) return true
  return selecting.some((policy) =>
    rulesOf(policy, direction).some(
      ({ peers, ports }) =>
        (peers === undefined ||
          peers.some((each) => admits(each, peer, policy.metadata.namespace))) &&
        (ports === undefined ||
          ports.some((each) => each.port === port && each.protocol === protocol)),
    ),
  )
}

const rulesOf = ({ spec }: NetworkPolicy, direction: Direction) =>
  direction === 'Ingress'
    ? (spec.ingress ?? []).map(({ from, ports }) => ({ peers: from, ports }))
    : (spec.egress ?? []).map(({ to, ports }) => ({ peers: to, ports }))

/** Within one element the selectors are an AND; without a namespaceSelector it is the policy's own. */
const admits = (element: PolicyPeer, party: Party, namespace: string | undefined): boolean => {
  refuseUnknown(element, ['namespaceSelector', 'podSelector', 'ipBlock'])
  if (element.ipBlock !== undefined) return !isPod(party) && contains(element.ipBlock, party.ip)
  if (!isPod(party)) return false
  const inNamespace =
    element.namespaceSelector === undefined
      ? party.namespace === namespace
      : matches(element.namespaceSelector, { 'kubernetes.io/metadata.name': party.namespace })
  return inNamespace && matches(element.podSelector ?? {}, party.labels)
}

const matches = (selector: Selector, labels: Labels): boolean => {
  refuseUnknown(selector, ['matchLabels'])
  return Object.entries(selector.matchLabels ?? {}).every(([name, value]) => labels[name] === value)
}

const contains = (block: NonNullable<PolicyPeer['ipBlock']>, ip: string): boolean =>
  inRange(block.cidr, ip) && !(block.except ?? []).some((cidr) => inRange(cidr, ip))

const inRange = (cidr: string, ip: string): boolean => {
  const [network = '', prefix = ''] = cidr.split('/')
  const list = new BlockList()
  list.addSubnet(network, Number(prefix), isIPv6(network) ? 'ipv6' : 'ipv4')
  return isIPv6(network) === isIPv6(ip) && list.check(ip, isIPv6(ip) ? 'ipv6' : 'ipv4')
}

const isPod = (party: Party): party is Pod => 'labels' in party

const refuseUnknown = (value: object, known: readonly string[]): void => {
  const unknown = Object.keys(value).filter((key) => !known.includes(key))
  if (unknown.length > 0) throw new Error(`cannot evaluate ${unknown.join(', ')}`)
}
