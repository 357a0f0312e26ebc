import {
  type LabelSelector,
  type Labels,
  selectorOf,
} from '../../src/migrate/network/label-selector.ts'
import {
  type ContainerPort,
  type NetworkPolicy,
  type PodFacts,
  type PolicyPeer,
  type PolicyPort,
} from '../../src/migrate/network/network-policy.ts'

export const HTTP: ContainerPort = { name: 'http', port: 3000, protocol: 'TCP' }

export const aPod = (
  namespace: string,
  labels: Labels,
  more: Partial<PodFacts> = {},
): PodFacts => ({
  namespace,
  name: `pod/${labels['app'] ?? 'unnamed'}`,
  labels,
  namespaceLabels: { 'kubernetes.io/metadata.name': namespace, team: namespace.slice(0, 3) },
  addresses: [],
  ports: [HTTP],
  onHostNetwork: false,
  ...more,
})

/** `podSelector` of an element, with or without a `namespaceSelector` beside it. */
export const podsPeer = (pods?: LabelSelector, namespaces?: LabelSelector): PolicyPeer => ({
  kind: 'pods',
  pods,
  namespaces,
})

export const inNamespace = (name: string): LabelSelector =>
  selectorOf({ 'kubernetes.io/metadata.name': name })

export const tcp = (port?: number | string, endPort?: number): PolicyPort => ({
  protocol: 'TCP',
  port,
  endPort,
})

export const aPolicy = (
  more: Partial<NetworkPolicy> & { readonly name: string },
): NetworkPolicy => ({
  namespace: 'shop',
  file: 'policies.yaml',
  line: 1,
  podSelector: selectorOf({ app: 'web' }),
  policyTypes: ['Ingress'],
  ingress: [],
  egress: [],
  ...more,
})
