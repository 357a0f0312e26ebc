import { type Cluster } from '../cluster.ts'
import { type ClusterObject } from '../cluster-object.ts'
import { fieldsAt, isTrueAt, listAt, portAt, textAt, textMapAt, textsAt } from '../fields.ts'
import { findServicePort } from '../views/service.ts'
import { type WorkloadView } from '../views/workload.ts'
import { type BackEnd, type TargetPort } from './back-end.ts'
import { type Labels } from './label-selector.ts'

/** Ports of a back end that Prometheus asks, by the annotations and monitors that say so. */
export const scrapedPorts = (backEnd: BackEnd, cluster: Cluster): readonly TargetPort[] => {
  const { workloads, service } = backEnd
  const annotated = [service.object.annotations, ...workloads.map(podAnnotations)].flatMap(
    annotatedPorts(backEnd),
  )
  const monitored = monitorsOf(cluster).flatMap((object) => {
    if (object.kind === 'ServiceMonitor') return serviceMonitorPorts(object, backEnd)
    return object.kind === 'PodMonitor' ? podMonitorPorts(object, backEnd) : []
  })
  const unique = new Map([...annotated, ...monitored].map((port) => [String(port), port]))
  return [...unique.values()].map((port) => ({ port, protocol: 'TCP' }))
}

const monitors = new WeakMap<Cluster, readonly ClusterObject[]>()

/** Found once: every back end asks. */
const monitorsOf = (cluster: Cluster): readonly ClusterObject[] => {
  const found =
    monitors.get(cluster) ??
    cluster.objects.filter(({ apiVersion }) => apiVersion.startsWith('monitoring.coreos.com/'))
  monitors.set(cluster, found)
  return found
}

type Port = number | string

const podAnnotations = ({ kind, object }: WorkloadView): Labels =>
  kind === 'Pod'
    ? object.annotations
    : textMapAt(object.fields, 'spec', 'template', 'metadata', 'annotations')

/** Without a port, those that the Ingresses reach. */
const annotatedPorts =
  ({ ports }: BackEnd) =>
  (annotations: Labels): readonly Port[] => {
    if (annotations['prometheus.io/scrape'] !== 'true') return []
    const written = Number(annotations['prometheus.io/port'])
    return Number.isInteger(written) ? [written] : ports.map(({ port }) => port)
  }

const serviceMonitorPorts = (
  { fields, namespace }: ClusterObject,
  { service }: BackEnd,
): readonly Port[] => {
  const isMeant =
    covers(fields, namespace, service.namespace) && fits(fields, service.object.labels)
  if (!isMeant) return []
  return listAt(fields, 'spec', 'endpoints').flatMap((endpoint) => {
    const target = portAt(endpoint, 'targetPort')
    const named = findServicePort(service, textAt(endpoint, 'port'))?.targetPort
    return target ?? named ?? []
  })
}

const podMonitorPorts = (
  { fields, namespace }: ClusterObject,
  { service, workloads }: BackEnd,
): readonly Port[] => {
  const isMeant =
    covers(fields, namespace, service.namespace) &&
    workloads.some(({ podLabels }) => fits(fields, podLabels))
  if (!isMeant) return []
  return listAt(fields, 'spec', 'podMetricsEndpoints').flatMap(
    (endpoint) => portAt(endpoint, 'port') ?? portAt(endpoint, 'portNumber') ?? [],
  )
}

/** Its own namespace, unless it says which, or any. */
const covers = (fields: unknown, own: string, wanted: string): boolean => {
  if (isTrueAt(fields, 'spec', 'namespaceSelector', 'any')) return true
  const names = textsAt(fields, 'spec', 'namespaceSelector', 'matchNames')
  return names.length === 0 ? own === wanted : names.includes(wanted)
}

const fits = (fields: unknown, labels: Labels): boolean => {
  const wanted = Object.entries(textMapAt(fields, 'spec', 'selector', 'matchLabels'))
  const hasExpressions = listAt(fieldsAt(fields, 'spec', 'selector'), 'matchExpressions').length > 0
  return (
    !hasExpressions && wanted.length > 0 && wanted.every(([name, value]) => labels[name] === value)
  )
}
