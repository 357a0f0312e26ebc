import { type Cluster, configMapData, findService, workloadsBehind } from '../cluster.ts'
import { type Place, placeIn } from '../cluster-object.ts'
import { type PodFacts } from '../network/network-policy.ts'
import { ingressVerdict, type Party } from '../network/reach.ts'
import { annotationPath, type IngressView, nginxAnnotation } from '../views/ingress.ts'
import { findServicePort, type ServiceView } from '../views/service.ts'
import { podFacts, type WorkloadView } from '../views/workload.ts'

/** What the objects of the cluster say of the ways to one host. */
export type Exposure = {
  readonly host: string
  readonly ingresses: readonly Place[]
  /** Ingresses of the host that do not ask Vestibule, or where an address is enough. */
  readonly unguarded: readonly Way[]
  /** Back ends that others than those whom a policy names may call. */
  readonly openBackends: readonly Way[]
  /** Back ends of which the objects say nothing. */
  readonly unknownBackends: readonly Way[]
  /** What is still there of the trust in the network. */
  readonly leftovers: readonly Way[]
}

export type Way = { readonly place: Place; readonly why: string }

/** Every host of the Ingresses, with what the objects say of it. */
export const exposuresOf = (cluster: Cluster): readonly Exposure[] => {
  const hosts = [...new Set(cluster.ingresses.flatMap((ingress) => ingress.hosts))].toSorted()
  const isGlobal = hasGlobalGuard(cluster)
  return hosts.map((host) => exposureOf(cluster, host, isGlobal))
}

const exposureOf = (cluster: Cluster, host: string, isGlobal: boolean): Exposure => {
  const own = cluster.ingresses.filter(({ hosts }) => hosts.includes(host))
  const backends = own.flatMap((ingress) => backendsOf(cluster, ingress, host))
  return {
    host,
    ingresses: own.map(({ object }) => placeIn(object)),
    unguarded: own.flatMap((ingress) => gapsOf(ingress, isGlobal)),
    leftovers: [...own.flatMap(leftoversOf), ...backends.flatMap(sideDoorsOf)],
    openBackends: unlike(backends.flatMap((backend) => openWays(cluster, backend))),
    unknownBackends: unlike(backends.flatMap(unknownWays)),
  }
}

/** `global-auth-url` of the controller guards what does not say otherwise. */
const hasGlobalGuard = ({ configMaps }: Cluster): boolean =>
  configMaps.some((configMap) => asksVestibule(configMapData(configMap)['global-auth-url']))

const asksVestibule = (url: string | undefined): boolean =>
  url !== undefined && /\/verify\?(?:[^#]*&)?host=/.test(url)

const gapsOf = (ingress: IngressView, isGlobal: boolean): readonly Way[] => {
  const authUrl = nginxAnnotation(ingress, 'auth-url')
  const isLeftOut = nginxAnnotation(ingress, 'enable-global-auth') === 'false'
  const isGuarded = authUrl === undefined ? isGlobal && !isLeftOut : asksVestibule(authUrl)
  const satisfies = nginxAnnotation(ingress, 'satisfy')
  const gaps: readonly (readonly [boolean, string, string])[] = [
    [
      !isGuarded,
      'auth-url',
      authUrl === undefined ? 'has no auth-url' : 'auth-url asks another service',
    ],
    [satisfies === 'any', 'satisfy', 'satisfy: any lets an address be enough'],
    [
      nginxAnnotation(ingress, 'ssl-passthrough') === 'true',
      'ssl-passthrough',
      'ssl-passthrough goes past the controller’s HTTP',
    ],
  ]
  return waysOf(ingress, gaps)
}

const LEFTOVERS: readonly (readonly [name: string, why: string])[] = [
  ['whitelist-source-range', 'a list of addresses still decides'],
  ['allowlist-source-range', 'a list of addresses still decides'],
  ['denylist-source-range', 'a list of addresses still decides'],
  ['auth-type', 'passwords of the controller (auth-type) are still asked for'],
]

const leftoversOf = (ingress: IngressView): readonly Way[] =>
  waysOf(
    ingress,
    LEFTOVERS.map(([name, why]) => [nginxAnnotation(ingress, name) !== undefined, name, why]),
  )

const waysOf = (
  { object }: IngressView,
  found: readonly (readonly [boolean, string, string])[],
): readonly Way[] =>
  found
    .filter(([isThere]) => isThere)
    .map(([, name, why]) => ({ place: placeIn(object, ...annotationPath(name)), why }))

type Backend = {
  readonly ingress: IngressView
  readonly name: string
  readonly service: ServiceView | undefined
  readonly workloads: readonly WorkloadView[]
  readonly port: number | string | undefined
}

const backendsOf = (cluster: Cluster, ingress: IngressView, host: string): readonly Backend[] => {
  const references = ingress.paths
    .filter((path) => path.host === host)
    .flatMap((path) => path.service ?? ingress.defaultService ?? [])
  const each = new Map(
    references.map((reference) => [`${reference.name}:${reference.port}`, reference]),
  )
  return [...each.values()].map(({ name, port }) => {
    const service = findService(cluster, ingress.namespace, name)
    return {
      ingress,
      name,
      service,
      port,
      workloads: service === undefined ? [] : workloadsBehind(cluster, service),
    }
  })
}

const sideDoorsOf = ({ service }: Backend): readonly Way[] =>
  service === undefined || (service.type !== 'NodePort' && service.type !== 'LoadBalancer')
    ? []
    : [
        {
          place: placeIn(service.object, 'spec', 'type'),
          why: `the Service is of type ${service.type}, a way in beside the controller`,
        },
      ]

const unknownWays = ({ ingress, name, service, workloads }: Backend): readonly Way[] => {
  const place = placeIn(service?.object ?? ingress.object)
  if (service === undefined) return [{ place, why: `the Service ${name} is not among the objects` }]
  return workloads.length > 0
    ? []
    : [{ place, why: `no pods of the Service ${name} are among the objects` }]
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

const openWays = (cluster: Cluster, backend: Backend): readonly Way[] =>
  backend.workloads.flatMap((workload) => {
    const pod = podFacts(workload, cluster.namespaceLabels(workload.namespace))
    const ports = targetPorts(backend, pod)
    const open = strangers(workload.namespace)
      .filter(([, from]) => ports.some((port) => isOpen(cluster, { from, to: pod, port })))
      .map(([who]) => who)
    return open.length === 0
      ? []
      : [{ place: placeIn(workload.object), why: `${pod.name} answers ${open.join(', ')}` }]
  })

const isOpen = (
  { networkPolicies }: Cluster,
  connection: { readonly from: Party; readonly to: PodFacts; readonly port: number },
): boolean => ingressVerdict(networkPolicies, { ...connection, protocol: 'TCP' }).kind !== 'closed'

/** The port behind the Service; all of the pod where it is not found. */
const targetPorts = ({ service, port }: Backend, pod: PodFacts): readonly number[] => {
  const target = service === undefined ? undefined : findServicePort(service, port)?.targetPort
  if (typeof target === 'number') return [target]
  const named = pod.ports.filter(({ name }) => target === undefined || name === target)
  return named.length === 0 ? [80] : named.map((each) => each.port)
}

const unlike = (ways: readonly Way[]): readonly Way[] => [
  ...new Map(ways.map((way) => [`${way.place.object} ${way.why}`, way])).values(),
]
