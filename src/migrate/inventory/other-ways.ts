import { apiGroup, findService } from '../cluster.ts'
import { type ClusterObject, placeIn } from '../cluster-object.ts'
import { fieldsAt, textAt } from '../fields.ts'
import { type ServiceView } from '../views/service.ts'
import { backEndsOf, hostsOfService } from './back-ends.ts'
import { type Finding, type FindingKinds, findingOf } from './finding.ts'
import { type Scene } from './scene.ts'
import { countOf, someOf } from './shown.ts'

/** Ways of which little is known here, and what was not among the objects. */
export const OTHER_WAY_FINDINGS = {
  other_route: {
    severity: 'high',
    title: 'Another proxy leads to the same application',
    why: 'It does not pass ingress-nginx, so no annotation counts there; whoever is refused here asks there.',
    next: 'Take it away, or let that proxy ask Vestibule too.',
  },
  unread_route: {
    severity: 'info',
    title: 'Routes of other proxies',
    why: 'What guards them is not an annotation of ingress-nginx, so nothing is said of them here.',
    next: 'Look at them on their own.',
  },
  other_network_policy: {
    severity: 'low',
    title: 'Policies of the network that are not read',
    why: 'They may admit what NetworkPolicies keep out (an AdminNetworkPolicy comes first), so no proof here counts on them.',
    next: 'Let vestibule migrate verify try the ways around the ingress.',
  },
  back_ends_unread: {
    severity: 'low',
    title: 'Services or pods behind Ingresses were not read',
    why: 'Ways around the ingress to them, such as a NodePort or a pod that everybody reaches, would not be seen.',
    next: 'Add services, deployments, statefulsets, daemonsets and pods to what kubectl gets.',
  },
  object_twice: {
    severity: 'low',
    title: 'One object, described twice and differently',
    why: 'Only the first is looked at; the cluster has the one that was applied last.',
    next: 'Name what the cluster has, or what Git has, and not both.',
  },
} as const satisfies FindingKinds

/** Kinds that lead requests to Services, by group; Ingresses of other controllers besides. */
const ROUTES: ReadonlySet<string> = new Set([
  'apisix.apache.org/ApisixRoute',
  'configuration.konghq.com/TCPIngress',
  'gateway.networking.k8s.io/GRPCRoute',
  'gateway.networking.k8s.io/HTTPRoute',
  'gateway.networking.k8s.io/TCPRoute',
  'gateway.networking.k8s.io/TLSRoute',
  'getambassador.io/Mapping',
  'k8s.nginx.org/TransportServer',
  'k8s.nginx.org/VirtualServer',
  'k8s.nginx.org/VirtualServerRoute',
  'networking.istio.io/VirtualService',
  'projectcontour.io/HTTPProxy',
  'route.openshift.io/Route',
  'traefik.containo.us/IngressRoute',
  'traefik.containo.us/IngressRouteTCP',
  'traefik.io/IngressRoute',
  'traefik.io/IngressRouteTCP',
])

const NETWORK_POLICIES: ReadonlySet<string> = new Set([
  'cilium.io/CiliumClusterwideNetworkPolicy',
  'cilium.io/CiliumNetworkPolicy',
  'crd.projectcalico.org/GlobalNetworkPolicy',
  'crd.projectcalico.org/NetworkPolicy',
  'policy.networking.k8s.io/AdminNetworkPolicy',
  'policy.networking.k8s.io/BaselineAdminNetworkPolicy',
  'policy.networking.k8s.io/ClusterNetworkPolicy',
  'projectcalico.org/GlobalNetworkPolicy',
  'projectcalico.org/NetworkPolicy',
])

const kindOf = (object: ClusterObject): string => `${apiGroup(object)}/${object.kind}`

export const otherWayFindings = (scene: Scene): readonly Finding[] => {
  const { objects, repeated } = scene.cluster
  const routes = [
    ...objects.filter((each) => ROUTES.has(kindOf(each))),
    ...scene.foreign.map(({ object }) => object),
  ]
  const known = routes.flatMap((route) => knownTarget(scene, route))
  const leading = new Set(known.flatMap(({ places }) => places.map(({ object }) => object)))
  const unread = objects.filter(
    (each) => ROUTES.has(kindOf(each)) && !leading.has(placeIn(each).object),
  )
  return [
    ...known,
    ...together('unread_route', unread),
    ...together(
      'other_network_policy',
      objects.filter((each) => NETWORK_POLICIES.has(kindOf(each))),
    ),
    ...unreadBackEnds(scene),
    ...together('object_twice', repeated),
  ]
}

/** Where it leads to a Service, or to pods, that an Ingress of ours leads to as well. */
const knownTarget = (scene: Scene, route: ClusterObject): readonly Finding[] => {
  const services = referredServices(scene, route)
  const hosts = [...new Set(services.flatMap((service) => hostsOfService(scene, service)))]
  if (hosts.length === 0) return []
  const names = services
    .filter((service) => hostsOfService(scene, service).length > 0)
    .map(({ namespace, name }) => `${namespace}/${name}`)
  const what = `${route.kind} leads to Service ${someOf([...new Set(names)])}`
  return [findingOf(OTHER_WAY_FINDINGS, 'other_route', { what, places: [placeIn(route)], hosts })]
}

/** Every kind writes it elsewhere, so each text of the spec is tried as the name of a Service. */
const referredServices = (scene: Scene, route: ClusterObject): readonly ServiceView[] => {
  const found = new Set<ServiceView>()
  const look = (value: unknown, namespace: string, depth: number): void => {
    if (depth > DEEPEST) return
    if (typeof value === 'string') {
      const service = serviceNamed(scene, value, namespace)
      if (service !== undefined) found.add(service)
    } else if (Array.isArray(value)) {
      for (const item of value) look(item, namespace, depth + 1)
    } else {
      const home = textAt(value, 'namespace') ?? namespace
      for (const [key, member] of Object.entries(fieldsAt(value) ?? {})) {
        if (!NO_BACK_ENDS.has(key)) look(member, home, depth + 1)
      }
    }
  }
  look(fieldsAt(route.fields, 'spec'), route.namespace, 0)
  return [...found]
}

const DEEPEST = 12

/** Names that stand beside those of back ends, and mean something else. */
const NO_BACK_ENDS: ReadonlySet<string> = new Set([
  'entryPoints',
  'gateways',
  'hostnames',
  'ingressClassName',
  'kind',
  'middlewares',
  'namespace',
  'parentRefs',
  'secretName',
  'tls',
])

/** `grafana`, `grafana.monitoring`, `http://grafana.monitoring.svc.cluster.local:80` */
const serviceNamed = ({ cluster }: Scene, text: string, home: string): ServiceView | undefined => {
  const [, name, namespace = home] =
    /^(?:[a-z]+:\/\/)?([a-z0-9-]+)(?:\.([a-z0-9-]+)(?:\.svc(?:\.[a-z0-9.-]*)?)?)?\.?(?::\d+)?$/i.exec(
      text,
    ) ?? []
  return name === undefined ? undefined : findService(cluster, namespace, name)
}

const together = (
  id: Exclude<keyof typeof OTHER_WAY_FINDINGS, 'other_route'>,
  objects: readonly ClusterObject[],
): readonly Finding[] => {
  const [first, ...others] = objects.map((object) => placeIn(object))
  if (first === undefined) return []
  const kinds = [...new Set(objects.map(({ kind }) => kind))]
  const what = `${countOf(objects.length, 'object')} of kind ${someOf(kinds)}`
  return [findingOf(OTHER_WAY_FINDINGS, id, { what, places: [first, ...others], hosts: [] })]
}

/** A name outside of the cluster has no pods, and a Service without selector shows none. */
const unreadBackEnds = (scene: Scene): readonly Finding[] => {
  const missing = backEndsOf(scene).filter(
    ({ service, workloads }) => workloads.length === 0 && service?.externalName === undefined,
  )
  const hosts = [...new Set(missing.flatMap((each) => each.hosts))]
  const names = missing.map(({ namespace, name }) => `${namespace}/${name}`)
  const ways = new Set(names)
  const [first, ...others] = scene.ingresses
    .filter(({ namespace, paths, defaultService }) =>
      [...paths.map(({ service }) => service), defaultService].some((service) =>
        ways.has(`${namespace}/${service?.name ?? ''}`),
      ),
    )
    .map(({ object }) => placeIn(object))
  if (first === undefined) return []
  const what = `nothing is known of what is behind ${countOf(names.length, 'Service')}: ${someOf(names)}`
  return [
    findingOf(OTHER_WAY_FINDINGS, 'back_ends_unread', { what, places: [first, ...others], hosts }),
  ]
}
