import { type ClusterObject, objectName } from './cluster-object.ts'
import { textMapAt } from './fields.ts'
import { type Labels } from './network/label-selector.ts'
import { type NetworkPolicy } from './network/network-policy.ts'
import { type IngressView, ingressView } from './views/ingress.ts'
import { networkPolicyView } from './views/network-policy.ts'
import { type ServiceView, serviceView } from './views/service.ts'
import { isWorkload, type WorkloadView, workloadView } from './views/workload.ts'

/** What a cluster holds, as far as migration looks at it, each kind in the order of reading. */
export type Cluster = {
  /** Each once: of two with one name the first counts. */
  readonly objects: readonly ClusterObject[]
  /** Ingresses of every class and controller. */
  readonly ingresses: readonly IngressView[]
  readonly services: readonly ServiceView[]
  /** Pods too; those that a workload made are marked `isOwned`. */
  readonly workloads: readonly WorkloadView[]
  readonly networkPolicies: readonly NetworkPolicy[]
  readonly configMaps: readonly ClusterObject[]
  readonly ingressClasses: readonly ClusterObject[]
  /** Names of keys only. */
  readonly secrets: readonly ClusterObject[]
  /** Labels of the namespaces that were read; every one has `kubernetes.io/metadata.name`. */
  readonly namespaceLabels: (namespace: string) => Labels
}

export const clusterOf = (read: readonly ClusterObject[]): Cluster => {
  const objects = onlyFirst(read)
  const ofKind = (kind: string, ...groups: readonly string[]): readonly ClusterObject[] =>
    objects.filter((object) => object.kind === kind && groups.includes(apiGroup(object)))
  const labels = new Map(ofKind('Namespace', '').map((object) => [object.name, object.labels]))
  return {
    objects,
    ingresses: ofKind('Ingress', 'networking.k8s.io', 'extensions').map(ingressView),
    services: ofKind('Service', '').map(serviceView),
    workloads: objects
      .filter((object) => isWorkload(object) && WORKLOAD_GROUPS.has(apiGroup(object)))
      .map(workloadView),
    networkPolicies: ofKind('NetworkPolicy', 'networking.k8s.io').map(networkPolicyView),
    configMaps: ofKind('ConfigMap', ''),
    ingressClasses: ofKind('IngressClass', 'networking.k8s.io'),
    secrets: ofKind('Secret', ''),
    namespaceLabels: (namespace) => ({
      'kubernetes.io/metadata.name': namespace,
      ...labels.get(namespace),
    }),
  }
}

const WORKLOAD_GROUPS: ReadonlySet<string> = new Set(['', 'apps', 'batch', 'extensions'])

/** Other projects have an Ingress or a Service too; the group tells them apart. */
export const apiGroup = ({ apiVersion }: ClusterObject): string =>
  apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : ''

const onlyFirst = (objects: readonly ClusterObject[]): readonly ClusterObject[] => {
  const seen = new Set<string>()
  return objects.filter((object) => {
    const name = `${apiGroup(object)} ${objectName(object)}`
    if (seen.has(name)) return false
    seen.add(name)
    return true
  })
}

export const configMapData = (configMap: ClusterObject): Labels =>
  textMapAt(configMap.fields, 'data')

export const findService = (
  cluster: Cluster,
  namespace: string,
  name: string,
): ServiceView | undefined => indexOf(cluster).services.get(`${namespace}/${name}`)

/** What a Service sends traffic to; of pods that a workload made, the workload alone. */
export const workloadsBehind = (
  cluster: Cluster,
  { namespace, selector }: ServiceView,
): readonly WorkloadView[] => {
  const wanted = Object.entries(selector)
  if (wanted.length === 0) return []
  const all = (indexOf(cluster).workloads.get(namespace) ?? []).filter((workload) =>
    wanted.every(([name, value]) => workload.podLabels[name] === value),
  )
  const makers = all.filter(({ isOwned }) => !isOwned)
  return makers.length > 0 ? makers : all
}

type Index = {
  readonly services: ReadonlyMap<string, ServiceView>
  /** By namespace. */
  readonly workloads: ReadonlyMap<string, readonly WorkloadView[]>
}

const indexes = new WeakMap<Cluster, Index>()

/** Made once: thousands of Ingresses ask for their Services. */
const indexOf = (cluster: Cluster): Index => {
  const made = indexes.get(cluster) ?? {
    services: new Map(cluster.services.map((each) => [`${each.namespace}/${each.name}`, each])),
    workloads: Map.groupBy(cluster.workloads, ({ namespace }) => namespace),
  }
  indexes.set(cluster, made)
  return made
}
