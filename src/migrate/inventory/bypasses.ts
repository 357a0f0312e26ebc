import { configMapData, workloadsBehind } from '../cluster.ts'
import { type ClusterObject, placeIn } from '../cluster-object.ts'
import { textsAt } from '../fields.ts'
import { type ServiceView } from '../views/service.ts'
import { type WorkloadView } from '../views/workload.ts'
import { hostsOfService, hostsOfWorkload } from './back-ends.ts'
import { type Controller } from './controllers.ts'
import { type Finding, type FindingKinds, findingOf } from './finding.ts'
import { type Scene } from './scene.ts'
import { isEverybody, someOf } from './shown.ts'

/** Ways to an application that do not pass the ingress. */
export const BYPASS_FINDINGS = {
  node_port: {
    severity: 'high',
    title: 'A port on every node leads to it',
    why: 'A NodePort does not pass the ingress, so no gate is asked.',
    next: 'Make the Service a ClusterIP.',
  },
  load_balancer: {
    severity: 'high',
    title: 'A load balancer of its own leads to it',
    why: 'It does not pass the ingress, so no gate is asked.',
    next: 'Make the Service a ClusterIP, once nobody uses the address.',
  },
  internal_load_balancer: {
    severity: 'medium',
    title: 'A load balancer inside the network leads to it',
    why: 'Being inside is all it asks; the gate is never asked.',
    next: 'Make the Service a ClusterIP, once nobody uses the address.',
  },
  load_balancer_ranges: {
    severity: 'medium',
    title: 'A load balancer decides by addresses',
    why: 'loadBalancerSourceRanges is an address list like any other.',
    next: 'Translate it into groups with the hosts behind it.',
  },
  external_ips: {
    severity: 'high',
    title: 'External addresses lead to it',
    why: 'externalIPs do not pass the ingress, and whoever may edit the Service chooses them.',
    next: 'Take externalIPs away.',
  },
  external_name: {
    severity: 'low',
    title: 'The application is outside the cluster',
    why: 'No NetworkPolicy reaches it; whoever knows its name may ask it directly.',
    next: 'Let it take requests of the controller alone, or verify the signed assertion.',
  },
  host_port: {
    severity: 'high',
    title: 'A port of the node leads to it',
    why: 'A hostPort does not pass the ingress, so no gate is asked.',
    next: 'Take hostPort away.',
  },
  host_network: {
    severity: 'high',
    title: 'It runs on the network of its node',
    why: 'NetworkPolicies do not reach it, and its ports are open on the node.',
    next: 'Take hostNetwork away, or close the ports with the firewall of the node.',
  },
  tcp_services: {
    severity: 'medium',
    title: 'The controller passes TCP through',
    why: 'TCP services know no requests, so no gate can be asked.',
    next: 'See that nothing with a web page is among them.',
  },
} as const satisfies FindingKinds

type Id = keyof typeof BYPASS_FINDINGS

export const bypassFindings = (scene: Scene): readonly Finding[] => {
  const controllers = new Set(scene.controllers.map(({ workload }) => workload.object))
  return [
    ...scene.cluster.services
      .filter((service) => !leadsTo(scene, service, controllers))
      .flatMap((service) => serviceFindings(scene, service)),
    ...scene.cluster.services
      .filter((service) => leadsTo(scene, service, controllers))
      .flatMap((service) => rangesOf(scene, service)),
    ...scene.cluster.workloads
      .filter((workload) => !controllers.has(workload.object) && !workload.isOwned)
      .flatMap((workload) => workloadFindings(scene, workload)),
    ...scene.controllers.flatMap(tcpServices),
  ]
}

/** The way to the controller is the front door. */
const leadsTo = (
  { cluster }: Scene,
  service: ServiceView,
  controllers: ReadonlySet<ClusterObject>,
): boolean => workloadsBehind(cluster, service).some(({ object }) => controllers.has(object))

/** What cloud providers call a load balancer that only their own network reaches. */
const INTERNAL_BALANCER: readonly (readonly [annotation: string, value: RegExp])[] = [
  ['service.beta.kubernetes.io/aws-load-balancer-internal', /^(?:true|0\.0\.0\.0\/0)$/],
  ['service.beta.kubernetes.io/aws-load-balancer-scheme', /^internal$/],
  ['service.beta.kubernetes.io/azure-load-balancer-internal', /^true$/],
  ['networking.gke.io/load-balancer-type', /^internal$/i],
  ['cloud.google.com/load-balancer-type', /^internal$/i],
  ['service.beta.kubernetes.io/openstack-internal-load-balancer', /^true$/],
  ['service.beta.kubernetes.io/oci-load-balancer-internal', /^true$/],
  ['service.beta.kubernetes.io/alibaba-cloud-loadbalancer-address-type', /^intranet$/],
]

export const internalBalancerAnnotation = ({ object }: ServiceView): string | undefined =>
  INTERNAL_BALANCER.find(([name, value]) => value.test(object.annotations[name] ?? ''))?.[0]

const serviceFindings = (scene: Scene, service: ServiceView): readonly Finding[] => {
  const { object, type, ports } = service
  const hosts = hostsOfService(scene, service)
  const found = (id: Id, what: string, ...path: readonly string[]): Finding =>
    findingOf(BYPASS_FINDINGS, id, { what, places: [placeIn(object, ...path)], hosts })
  const findings: Finding[] = [...balancers(service, found), ...rangesOf(scene, service)]
  if (type === 'NodePort') {
    const numbers = ports.map(({ nodePort }) => String(nodePort ?? 'one that Kubernetes chooses'))
    findings.push(found('node_port', `it opens ${someOf(numbers)} on every node`, 'spec', 'type'))
  }
  const addresses = textsAt(object.fields, 'spec', 'externalIPs')
  if (addresses.length > 0) {
    const what = `it answers on ${someOf(addresses)}`
    findings.push(found('external_ips', what, 'spec', 'externalIPs'))
  }
  // Only one that an Ingress leads to is an application of ours.
  if (type === 'ExternalName' && hosts.length > 0) {
    const what = `it stands for ${service.externalName ?? 'another name'}`
    findings.push(found('external_name', what, 'spec', 'externalName'))
  }
  return findings
}

const balancers = (
  service: ServiceView,
  found: (id: Id, what: string, ...path: readonly string[]) => Finding,
): readonly Finding[] => {
  if (service.type !== 'LoadBalancer') return []
  const internal = internalBalancerAnnotation(service)
  return internal === undefined
    ? [found('load_balancer', 'its type is LoadBalancer', 'spec', 'type')]
    : [
        found(
          'internal_load_balancer',
          'its type is LoadBalancer, inside the network',
          'metadata',
          'annotations',
          internal,
        ),
      ]
}

const rangesOf = (scene: Scene, service: ServiceView): readonly Finding[] => {
  const { object, loadBalancerSourceRanges: ranges } = service
  if (ranges.length === 0 || isEverybody(ranges)) return []
  return [
    findingOf(BYPASS_FINDINGS, 'load_balancer_ranges', {
      what: `it takes requests from ${someOf(ranges)}`,
      places: [placeIn(object, 'spec', 'loadBalancerSourceRanges')],
      hosts: hostsOfService(scene, service),
    }),
  ]
}

/** Agents of the cluster itself run so too; what counts is what an Ingress leads to. */
const workloadFindings = (scene: Scene, workload: WorkloadView): readonly Finding[] => {
  const hosts = hostsOfWorkload(scene, workload)
  if (hosts.length === 0) return []
  const { object, at: specAt, containers, onHostNetwork } = workload
  if (onHostNetwork) {
    const what = 'hostNetwork is true'
    const places = [placeIn(object, ...specAt, 'hostNetwork')] as const
    return [findingOf(BYPASS_FINDINGS, 'host_network', { what, places, hosts })]
  }
  return containers.flatMap(({ ports, at }) =>
    ports.flatMap(({ hostPort }, index) => {
      if (hostPort === undefined) return []
      const what = `it opens port ${hostPort} of its node`
      const places = [placeIn(object, ...at, 'ports', index, 'hostPort')] as const
      return [findingOf(BYPASS_FINDINGS, 'host_port', { what, places, hosts })]
    }),
  )
}

const tcpServices = ({ tcpServices: configMap }: Controller): readonly Finding[] => {
  const entries = configMap === undefined ? [] : Object.entries(configMapData(configMap))
  if (configMap === undefined || entries.length === 0) return []
  const what = `ports ${someOf(entries.map(([port, target]) => `${port} to ${target}`))}`
  const places = [placeIn(configMap, 'data')] as const
  return [findingOf(BYPASS_FINDINGS, 'tcp_services', { what, places, hosts: [] })]
}
