import { findService, workloadsBehind } from '../cluster.ts'
import { type ClusterObject } from '../cluster-object.ts'
import { type ServiceRef } from '../views/ingress.ts'
import { type ServiceView } from '../views/service.ts'
import { type WorkloadView } from '../views/workload.ts'
import { type Scene } from './scene.ts'

/** A Service that some Ingress leads to. */
export type BackEnd = {
  readonly namespace: string
  readonly name: string
  /** Ports as the Ingresses write them. */
  readonly ports: readonly ServiceRef['port'][]
  readonly hosts: readonly string[]
  /** Undefined where it was not among the objects. */
  readonly service: ServiceView | undefined
  readonly workloads: readonly WorkloadView[]
}

type Index = {
  readonly all: readonly BackEnd[]
  /** By `namespace/name` of the Service. */
  readonly byService: ReadonlyMap<string, BackEnd>
  readonly hostsByWorkload: ReadonlyMap<ClusterObject, ReadonlySet<string>>
}

const indexes = new WeakMap<Scene, Index>()

/** Made once: every Service and workload asks which hosts lead to it. */
const indexOf = (scene: Scene): Index => {
  const made = indexes.get(scene) ?? makeIndex(findBackEnds(scene))
  indexes.set(scene, made)
  return made
}

const makeIndex = (all: readonly BackEnd[]): Index => {
  const hostsByWorkload = new Map<ClusterObject, Set<string>>()
  for (const { workloads, hosts } of all) {
    for (const { object } of workloads) {
      const found = hostsByWorkload.get(object) ?? new Set()
      for (const host of hosts) found.add(host)
      hostsByWorkload.set(object, found)
    }
  }
  const byService = new Map(all.map((each) => [`${each.namespace}/${each.name}`, each]))
  return { all, byService, hostsByWorkload }
}

/** Every Service that an Ingress leads to, each once, in the order of the Ingresses. */
export const backEndsOf = (scene: Scene): readonly BackEnd[] => indexOf(scene).all

type Way = { readonly namespace: string; readonly host: string; readonly service: ServiceRef }

const findBackEnds = (scene: Scene): readonly BackEnd[] => {
  const ways = scene.ingresses.flatMap(({ namespace, paths, defaultService }): readonly Way[] => [
    ...paths.flatMap(({ host = '*', service }) =>
      service === undefined ? [] : [{ namespace, host, service }],
    ),
    ...(defaultService === undefined ? [] : [{ namespace, host: '*', service: defaultService }]),
  ])
  const byService = Map.groupBy(ways, ({ namespace, service }) => `${namespace}/${service.name}`)
  return [...byService.values()].flatMap((users): readonly BackEnd[] => {
    const [first] = users
    if (first === undefined) return []
    const { namespace, service: ref } = first
    const service = findService(scene.cluster, namespace, ref.name)
    return [
      {
        namespace,
        name: ref.name,
        ports: [...new Set(users.map(({ service: { port } }) => port))],
        hosts: [...new Set(users.map(({ host }) => host))],
        service,
        workloads: service === undefined ? [] : workloadsBehind(scene.cluster, service),
      },
    ]
  })
}

export const findBackEnd = (scene: Scene, namespace: string, name: string): BackEnd | undefined =>
  indexOf(scene).byService.get(`${namespace}/${name}`)

/** Hosts that lead to a Service, or past it to the same pods. */
export const hostsOfService = (scene: Scene, service: ServiceView): readonly string[] => {
  const own = indexOf(scene).byService.get(`${service.namespace}/${service.name}`)?.hosts ?? []
  const behind = workloadsBehind(scene.cluster, service)
  return [...new Set([...own, ...behind.flatMap((workload) => hostsOfWorkload(scene, workload))])]
}

export const hostsOfWorkload = (scene: Scene, { object }: WorkloadView): readonly string[] => [
  ...(indexOf(scene).hostsByWorkload.get(object) ?? []),
]
