import { type Cluster, workloadsBehind } from '../cluster.ts'
import { type ClusterObject, type Place, placeIn } from '../cluster-object.ts'
import { textsAt } from '../fields.ts'
import { type BackEnd } from '../inventory/back-ends.ts'
import { type PodFacts } from '../network/network-policy.ts'
import { ingressVerdict, type Party } from '../network/reach.ts'
import { type IngressView } from '../views/ingress.ts'
import { findServicePort, type ServiceView } from '../views/service.ts'
import { podFacts } from '../views/workload.ts'

type Way = { readonly place: Place; readonly why: string }

/** Ways in beside the controller: the Service's own, and those of others for the same pods. */
export const sideDoors = (cluster: Cluster, { service, workloads }: BackEnd): readonly Way[] => {
  const others = workloads.flatMap(({ object }) => openServices(cluster).get(object) ?? [])
  const all = new Set([...(service === undefined ? [] : [service]), ...others])
  return [...all].flatMap(doorsOf)
}

const opened = new WeakMap<Cluster, ReadonlyMap<ClusterObject, readonly ServiceView[]>>()

/** Services that are reached without nginx, by the workloads behind them. */
const openServices = (cluster: Cluster): ReadonlyMap<ClusterObject, readonly ServiceView[]> => {
  const known = opened.get(cluster)
  if (known !== undefined) return known
  const found = new Map<ClusterObject, ServiceView[]>()
  for (const service of cluster.services.filter((each) => doorsOf(each).length > 0)) {
    for (const { object } of workloadsBehind(cluster, service)) {
      found.set(object, [...(found.get(object) ?? []), service])
    }
  }
  opened.set(cluster, found)
  return found
}

const doorsOf = ({ object, type }: ServiceView): readonly Way[] => {
  const opensDoor = type === 'NodePort' || type === 'LoadBalancer'
  const hasAddresses = textsAt(object.fields, 'spec', 'externalIPs').length > 0
  return [
    ...(opensDoor
      ? [
          {
            place: placeIn(object, 'spec', 'type'),
            why: `its type is ${type}, a way in beside the controller`,
          },
        ]
      : []),
    ...(hasAddresses
      ? [
          {
            place: placeIn(object, 'spec', 'externalIPs'),
            why: 'externalIPs are a way in beside the controller',
          },
        ]
      : []),
  ]
}

/** Where the objects do not tell who reaches a back end. */
export const unknownWays = (
  { name, service, workloads }: BackEnd,
  ingress: IngressView | undefined,
): readonly Way[] => {
  const object = service?.object ?? ingress?.object
  if (object === undefined || workloads.length > 0) return []
  const what =
    service === undefined
      ? `the Service ${name} is not among the objects`
      : `no pods of the Service ${name} are among the objects`
  return [{ place: placeIn(object), why: what }]
}

/** Somebody whom no policy means: what is open for him is open for anybody. */
const strangers = (namespace: string): readonly (readonly [string, Party])[] => [
  ['any pod of its namespace', stranger(namespace)],
  ['any pod of other namespaces', stranger('some-other-namespace')],
  ['addresses outside the cluster', { kind: 'address', address: '203.0.113.1' }],
]

const stranger = (namespace: string): Party => ({
  kind: 'pod',
  pod: {
    namespace,
    name: 'stranger',
    labels: {},
    namespaceLabels: { 'kubernetes.io/metadata.name': namespace },
    addresses: [],
    ports: [],
    onHostNetwork: false,
  },
})

/** Who reaches a back end without anybody having meant him. */
export const openWays = (cluster: Cluster, backEnd: BackEnd): readonly Way[] =>
  backEnd.workloads.flatMap((workload) => {
    const pod = podFacts(workload, cluster.namespaceLabels(workload.namespace))
    const ports = targetPorts(backEnd, pod)
    const open = strangers(workload.namespace)
      .filter(([, from]) => ports.some((port) => isOpen(cluster, { from, to: pod, port })))
      .map(([who]) => who)
    return open.length === 0
      ? []
      : [{ place: placeIn(workload.object), why: `answers ${open.join(', ')}` }]
  })

const isOpen = (
  { networkPolicies }: Cluster,
  connection: { readonly from: Party; readonly to: PodFacts; readonly port: number },
): boolean => ingressVerdict(networkPolicies, { ...connection, protocol: 'TCP' }).kind !== 'closed'

/** The ports behind the Service; all of the pod where they are not found. */
const targetPorts = ({ service, ports }: BackEnd, pod: PodFacts): readonly number[] => {
  const targets = ports.map((port) =>
    service === undefined ? undefined : findServicePort(service, port)?.targetPort,
  )
  const found = targets.flatMap((target): readonly number[] => {
    if (typeof target === 'number') return [target]
    return pod.ports.filter(({ name }) => name === target).map(({ port }) => port)
  })
  const all = found.length > 0 ? found : pod.ports.map(({ port }) => port)
  return all.length > 0 ? all : [80]
}
