import { type LabelSelector } from './label-selector.ts'

export type Direction = 'Ingress' | 'Egress'

export type Protocol = 'TCP' | 'UDP' | 'SCTP'

/** One element of `from` or `to`. Both selectors in one element are an AND. */
export type PolicyPeer =
  | {
      readonly kind: 'pods'
      /** Without one, the namespace of the policy. */
      readonly namespaces: LabelSelector | undefined
      /** Without one, all pods of those namespaces. */
      readonly pods: LabelSelector | undefined
    }
  | { readonly kind: 'addresses'; readonly cidr: string; readonly except: readonly string[] }

export type PolicyPort = {
  readonly protocol: Protocol
  /** A number, a name of a container port, or every port. */
  readonly port: number | string | undefined
  readonly endPort: number | undefined
}

export type PolicyRule = {
  /** An empty list means everybody, as an absent one does. */
  readonly peers: readonly PolicyPeer[]
  /** An empty list means every port, as an absent one does. */
  readonly ports: readonly PolicyPort[]
}

export type NetworkPolicy = {
  readonly namespace: string
  readonly name: string
  readonly file: string
  readonly line: number | undefined
  readonly podSelector: LabelSelector
  readonly policyTypes: readonly Direction[]
  readonly ingress: readonly PolicyRule[]
  readonly egress: readonly PolicyRule[]
}

export const policyName = ({ namespace, name }: NetworkPolicy): string => `${namespace}/${name}`

/** The part of a pod that policies look at. */
export type PodFacts = {
  readonly namespace: string
  /** As it is shown: `deployment/grafana`. */
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly namespaceLabels: Readonly<Record<string, string>>
  /** Empty where it is not running, so that nobody knows. */
  readonly addresses: readonly string[]
  readonly ports: readonly ContainerPort[]
  readonly onHostNetwork: boolean
}

export type ContainerPort = {
  readonly name: string | undefined
  readonly port: number
  readonly protocol: Protocol
}
