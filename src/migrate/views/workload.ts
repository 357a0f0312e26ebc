import { type ClusterObject, type FieldPath } from '../cluster-object.ts'
import { fieldsAt, isTrueAt, listAt, numberAt, textAt, textMapAt, textsAt } from '../fields.ts'
import { type Labels } from '../network/label-selector.ts'
import { type ContainerPort, type PodFacts, type Protocol } from '../network/network-policy.ts'

export type Container = {
  readonly name: string
  readonly image: string
  readonly command: readonly string[]
  readonly args: readonly string[]
  readonly ports: readonly (ContainerPort & { readonly hostPort: number | undefined })[]
  readonly at: FieldPath
}

/** What makes pods, or a pod itself. */
export type WorkloadView = {
  readonly object: ClusterObject
  readonly kind: string
  readonly namespace: string
  readonly name: string
  /** The way to the spec of its pods. */
  readonly at: FieldPath
  readonly podLabels: Labels
  readonly containers: readonly Container[]
  readonly onHostNetwork: boolean
  /** Made by another workload that is among the objects; `clusterOf` knows. */
  readonly isOwned: boolean
  /** Workloads that made it, whether or not they were read. */
  readonly makers: readonly Maker[]
  readonly addresses: readonly string[]
}

export type Maker = { readonly kind: string; readonly name: string }

/** The way to the pod's metadata and spec, by kind. */
const TEMPLATES: Readonly<Record<string, FieldPath>> = {
  Pod: [],
  Deployment: ['spec', 'template'],
  StatefulSet: ['spec', 'template'],
  DaemonSet: ['spec', 'template'],
  ReplicaSet: ['spec', 'template'],
  ReplicationController: ['spec', 'template'],
  Job: ['spec', 'template'],
  CronJob: ['spec', 'jobTemplate', 'spec', 'template'],
}

export const isWorkload = ({ kind }: ClusterObject): boolean => Object.hasOwn(TEMPLATES, kind)

export const workloadView = (object: ClusterObject): WorkloadView => {
  const { fields, kind, namespace, name } = object
  const template = TEMPLATES[kind] ?? []
  const spec = [...template, 'spec']
  return {
    object,
    kind,
    namespace,
    name,
    at: spec,
    podLabels: textMapAt(fields, ...template, 'metadata', 'labels'),
    containers: [
      ...listAt(fields, ...spec, 'containers').map((entry, index) =>
        container(entry, [...spec, 'containers', index]),
      ),
      ...listAt(fields, ...spec, 'initContainers').flatMap((entry, index) =>
        isSidecar(entry) ? [container(entry, [...spec, 'initContainers', index])] : [],
      ),
    ],
    onHostNetwork: isTrueAt(fields, ...spec, 'hostNetwork'),
    isOwned: false,
    makers: listAt(fields, 'metadata', 'ownerReferences').flatMap((entry) => {
      const [maker = '', called = ''] = [textAt(entry, 'kind'), textAt(entry, 'name')]
      return Object.hasOwn(TEMPLATES, maker) ? [{ kind: maker, name: called }] : []
    }),
    addresses: addressesOf(fields),
  }
}

/** An init container that goes on running beside the others (Kubernetes 1.29). */
const isSidecar = (entry: unknown): boolean => textAt(entry, 'restartPolicy') === 'Always'

const container = (entry: unknown, at: FieldPath): Container => ({
  name: textAt(entry, 'name') ?? '',
  image: textAt(entry, 'image') ?? '',
  command: textsAt(entry, 'command'),
  args: textsAt(entry, 'args'),
  ports: listAt(entry, 'ports').flatMap((port) => {
    const number = numberAt(port, 'containerPort')
    if (number === undefined) return []
    const protocol = protocolOf(textAt(port, 'protocol'))
    const hostPort = numberAt(port, 'hostPort')
    return [{ name: textAt(port, 'name'), port: number, protocol, hostPort }]
  }),
  at,
})

const protocolOf = (written: string | undefined): Protocol =>
  written === 'UDP' || written === 'SCTP' ? written : 'TCP'

const addressesOf = (fields: unknown): readonly string[] => {
  const all = listAt(fields, 'status', 'podIPs').flatMap((entry) => textAt(entry, 'ip') ?? [])
  const first = textAt(fields, 'status', 'podIP')
  return all.length === 0 && first !== undefined ? [first] : all
}

/** The workload as network policies see it. */
export const podFacts = (workload: WorkloadView, namespaceLabels: Labels): PodFacts => ({
  namespace: workload.namespace,
  name: `${workload.kind.toLowerCase()}/${workload.name}`,
  labels: workload.podLabels,
  namespaceLabels,
  addresses: workload.addresses,
  ports: workload.containers.flatMap(({ ports }) =>
    ports.map(({ name, port, protocol }) => ({ name, port, protocol })),
  ),
  onHostNetwork: workload.onHostNetwork,
})

/** A text of the pod's environment that is written in the manifest itself. */
export const environmentOf = ({ object }: WorkloadView, { at }: Container): Labels =>
  Object.fromEntries(
    listAt(fieldsAt(object.fields, ...at), 'env').flatMap((entry) => {
      const [name, value] = [textAt(entry, 'name'), textAt(entry, 'value')]
      return name === undefined || value === undefined ? [] : [[name, value] as const]
    }),
  )
