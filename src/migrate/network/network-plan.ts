import { type Cluster } from '../cluster.ts'
import { type BackEnd, type TargetPort } from './back-end.ts'
import { type PodPlace } from './controller-place.ts'
import { type Labels, selectorOf } from './label-selector.ts'
import { type NetworkPolicy, type PolicyPeer, type PolicyRule } from './network-policy.ts'
import { scrapedPorts } from './scrapes.ts'

export type NetworkSettings = {
  readonly monitoring: PodPlace | undefined
  /** A label whose value makes pods of a namespace one application; else only a back end's own. */
  readonly sameApp: string | undefined
}

export type PlannedPolicy = {
  readonly backEnd: BackEnd
  readonly policy: NetworkPolicy
  /** What each of its rules is for, in their order. */
  readonly purposes: readonly Purpose[]
}

export type Purpose = 'controller' | 'monitoring' | 'same_app'

/** The policy that lets nobody but the controller reach a back end, with what it needs besides. */
export const planPolicy = (
  backEnd: BackEnd,
  cluster: Cluster,
  settings: NetworkSettings,
): PlannedPolicy => {
  const { service } = backEnd
  const scraped = settings.monitoring === undefined ? [] : scrapedPorts(backEnd, cluster)
  const rules: readonly (readonly [Purpose, PolicyRule])[] = [
    [
      'controller',
      { peers: backEnd.controllers.map(podsOf), ports: backEnd.ports.map(policyPort) },
    ],
    ...(settings.monitoring === undefined || scraped.length === 0
      ? []
      : [
          [
            'monitoring',
            { peers: [podsOf(settings.monitoring)], ports: scraped.map(policyPort) },
          ] as const,
        ]),
    ['same_app', { peers: sameApp(backEnd, settings), ports: [] }],
  ]
  return {
    backEnd,
    purposes: rules.map(([purpose]) => purpose),
    policy: {
      namespace: service.namespace,
      name: `${service.name}-only-from-controller`,
      file: 'planned',
      line: undefined,
      podSelector: selectorOf(service.selector),
      policyTypes: ['Ingress'],
      ingress: rules.map(([, rule]) => rule),
      egress: [],
    },
  }
}

/** ONE element: as two it would be any pod there, or any pod here that gives itself the labels. */
const podsOf = ({ namespace, labels }: PodPlace): PolicyPeer => ({
  kind: 'pods',
  namespaces: selectorOf({ 'kubernetes.io/metadata.name': namespace }),
  pods: selectorOf(labels),
})

const policyPort = ({ port, protocol }: TargetPort) => ({ port, protocol, endPort: undefined })

/** Replicas talk to each other, and so do the parts of some applications. */
const sameApp = (
  { service, workloads }: BackEnd,
  { sameApp: label }: NetworkSettings,
): readonly PolicyPeer[] => {
  const values =
    label === undefined ? [] : workloads.flatMap(({ podLabels }) => podLabels[label] ?? [])
  const selectors =
    label === undefined || values.length === 0
      ? [service.selector]
      : [...new Set(values)].map((value) => ({ [label]: value }))
  return selectors.map((labels) => ({
    kind: 'pods',
    namespaces: undefined,
    pods: selectorOf(labels),
  }))
}

/** As it is applied. */
export const policyManifest = ({ policy }: PlannedPolicy): Readonly<Record<string, unknown>> => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { name: policy.name, namespace: policy.namespace },
  spec: {
    podSelector: selectorManifest(policy.podSelector.matchLabels),
    policyTypes: policy.policyTypes,
    ingress: policy.ingress.map(({ peers, ports }) => ({
      from: peers.map(peerManifest),
      ...(ports.length === 0
        ? {}
        : { ports: ports.map(({ port, protocol }) => ({ protocol, port })) }),
    })),
  },
})

const selectorManifest = (labels: Labels): unknown => ({ matchLabels: labels })

const peerManifest = (peer: PolicyPeer): unknown =>
  peer.kind === 'addresses'
    ? { ipBlock: { cidr: peer.cidr, except: peer.except } }
    : {
        ...(peer.namespaces === undefined
          ? {}
          : { namespaceSelector: selectorManifest(peer.namespaces.matchLabels) }),
        ...(peer.pods === undefined
          ? {}
          : { podSelector: selectorManifest(peer.pods.matchLabels) }),
      }
