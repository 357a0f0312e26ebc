import { type ClusterObject, objectName } from './cluster-object.ts'
import { textMapAt, valueAt } from './fields.ts'
import { type Labels } from './network/label-selector.ts'
import { type NetworkPolicy } from './network/network-policy.ts'
import { type IngressView, ingressView } from './views/ingress.ts'
import { networkPolicyView } from './views/network-policy.ts'
import { type ServiceView, serviceView } from './views/service.ts'
import { isWorkload, type Maker, type WorkloadView, workloadView } from './views/workload.ts'

/** What a cluster holds, as far as migration looks at it, each kind in the order of reading. */
export type Cluster = {
  /** Each once: of two with one name the first counts. */
  readonly objects: readonly ClusterObject[]
  /** Later ones of the same name that say something else. */
  readonly repeated: readonly ClusterObject[]
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
  const { objects, repeated } = withoutRepeated(read)
  const ofKind = (kind: string, ...groups: readonly string[]): readonly ClusterObject[] =>
    objects.filter((object) => object.kind === kind && groups.includes(apiGroup(object)))
  const labels = new Map(ofKind('Namespace', '').map((object) => [object.name, object.labels]))
  return {
    objects,
    repeated,
    ingresses: ofKind('Ingress', 'networking.k8s.io', 'extensions').map(ingressView),
    services: ofKind('Service', '').map(serviceView),
    workloads: withMakers(
      objects
        .filter((object) => isWorkload(object) && WORKLOAD_GROUPS.has(apiGroup(object)))
        .map(workloadView),
    ),
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

/**
 * Of a Deployment and its pods the first says all. What an operator made, or a pod whose Deployment
 * was not read, stands for itself.
 */
const withMakers = (workloads: readonly WorkloadView[]): readonly WorkloadView[] => {
  const names = new Set(
    workloads.map(({ kind, namespace, name }) => `${kind} ${namespace}/${name}`),
  )
  const isRead = (namespace: string, { kind, name }: Maker): boolean =>
    names.has(`${kind} ${namespace}/${name}`) ||
    names.has(`${BEHIND[kind] ?? ''} ${namespace}/${stem(name)}`)
  return workloads.map((workload) =>
    workload.makers.some((maker) => isRead(workload.namespace, maker))
      ? { ...workload, isOwned: true }
      : workload,
  )
}

/** What most often made the maker, and is read where that is not. */
const BEHIND: Readonly<Record<string, string>> = { ReplicaSet: 'Deployment', Job: 'CronJob' }

/** `grafana-7d4b9c` → `grafana` */
const stem = (name: string): string => name.replace(/-[^-]*$/, '')

const WORKLOAD_GROUPS: ReadonlySet<string> = new Set(['', 'apps', 'batch', 'extensions'])

/** Other projects have an Ingress or a Service too; the group tells them apart. */
export const apiGroup = ({ apiVersion }: ClusterObject): string =>
  apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : ''

const withoutRepeated = (read: readonly ClusterObject[]): Pick<Cluster, 'objects' | 'repeated'> => {
  const first = new Map<string, ClusterObject>()
  const repeated: ClusterObject[] = []
  for (const object of read) {
    const name = `${apiGroup(object)} ${objectName(object)}`
    const before = first.get(name)
    if (before === undefined) first.set(name, object)
    else if (intentOf(before) !== intentOf(object)) repeated.push(object)
  }
  return { objects: [...first.values()], repeated }
}

/** What somebody wrote; the cluster adds a status, and much to the metadata. */
const intentOf = ({ fields, annotations }: ClusterObject): string =>
  JSON.stringify([valueAt(fields, 'spec'), valueAt(fields, 'data'), annotations])

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
  service: ServiceView,
): readonly WorkloadView[] => {
  const { namespace, selector } = followName(cluster, service)
  const wanted = Object.entries(selector)
  if (wanted.length === 0) return []
  const all = (indexOf(cluster).workloads.get(namespace) ?? []).filter((workload) =>
    wanted.every(([name, value]) => workload.podLabels[name] === value),
  )
  const makers = all.filter(({ isOwned }) => !isOwned)
  return makers.length > 0 ? makers : all
}

/** A name for another Service of the cluster leads to its pods, and may lead on. */
const followName = (cluster: Cluster, service: ServiceView, steps = 4): ServiceView => {
  const [, name, namespace] =
    /^([a-z0-9-]+)\.([a-z0-9-]+)(?:\.svc(?:\..*)?)?\.?$/i.exec(service.externalName ?? '') ?? []
  const next =
    name === undefined || namespace === undefined || steps === 0
      ? undefined
      : findService(cluster, namespace.toLowerCase(), name.toLowerCase())
  return next === undefined ? service : followName(cluster, next, steps - 1)
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
