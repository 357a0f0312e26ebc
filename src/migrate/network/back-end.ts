import { type Cluster, findService, workloadsBehind } from '../cluster.ts'
import { placeIn } from '../cluster-object.ts'
import { type IngressPath, type IngressView, type ServiceRef } from '../views/ingress.ts'
import { findServicePort, type ServiceView } from '../views/service.ts'
import { podFacts, type WorkloadView } from '../views/workload.ts'
import { type PlaceOf, type PodPlace, placeText } from './controller-place.ts'
import { type PodFacts, type Protocol } from './network-policy.ts'

export type TargetPort = { readonly port: number | string; readonly protocol: Protocol }

/** A Service behind Ingresses, with the pods that it sends requests to. */
export type BackEnd = {
  readonly service: ServiceView
  readonly ingresses: readonly string[]
  /** Whoever brings requests of these Ingresses. */
  readonly controllers: readonly PodPlace[]
  /** Of the containers: a policy sees those, not the ports of the Service. */
  readonly ports: readonly TargetPort[]
  readonly workloads: readonly WorkloadView[]
  readonly pods: readonly PodFacts[]
}

/** A back end for which no policy can be made, and why. */
export type Unreachable = {
  readonly what: string
  readonly file: string
  readonly line: number
  readonly why: string
}

export type BackEnds = {
  readonly backEnds: readonly BackEnd[]
  readonly unreachable: readonly Unreachable[]
}

type Found = {
  readonly service: ServiceView
  readonly ports: Map<string, TargetPort>
  readonly ingresses: Set<string>
  readonly controllers: Map<string, PodPlace>
}

export const backEndsOf = (
  cluster: Cluster,
  ingresses: readonly IngressView[],
  controllerOf: PlaceOf,
): BackEnds => {
  const found = new Map<string, Found>()
  const unreachable = new Map<string, Unreachable>()
  for (const ingress of ingresses) {
    for (const target of targetsOf(ingress)) {
      const service = findService(cluster, ingress.namespace, target.ref.name)
      const why = service === undefined ? NOT_READ : reasonAgainst(service)
      const key = `${ingress.namespace}/${target.ref.name}`
      if (service === undefined || why !== undefined) {
        const { file, line } = placeIn(ingress.object, ...(target.path?.at ?? ['spec']))
        unreachable.set(key, { what: `Service ${key}`, file, line, why: why ?? NOT_READ })
        continue
      }
      const entry = found.get(key) ?? newEntry(service)
      const controller = controllerOf(ingress)
      entry.controllers.set(placeText(controller), controller)
      entry.ingresses.add(`${ingress.namespace}/${ingress.name}`)
      addPort(entry, target.ref)
      found.set(key, entry)
    }
  }
  return {
    backEnds: [...found.values()].map((entry) => backEndOf(cluster, entry)),
    unreachable: [...unreachable.values()],
  }
}

const newEntry = (service: ServiceView): Found => ({
  service,
  ports: new Map(),
  ingresses: new Set(),
  controllers: new Map(),
})

const NOT_READ = 'is not among the objects. Read Services too'

const reasonAgainst = ({ externalName, selector }: ServiceView): string | undefined => {
  if (externalName !== undefined)
    return `is a name for ${externalName}, outside of what a policy covers`
  return Object.keys(selector).length === 0
    ? 'selects no pods. Close the way to its endpoints where they are'
    : undefined
}

type Target = { readonly ref: ServiceRef; readonly path: IngressPath | undefined }

const targetsOf = ({ paths, defaultService }: IngressView): readonly Target[] => [
  ...paths.flatMap((path) => (path.service === undefined ? [] : [{ ref: path.service, path }])),
  ...(defaultService === undefined ? [] : [{ ref: defaultService, path: undefined }]),
]

/** Where the Service does not list the port, all of its ports: one of them will be meant. */
const addPort = ({ service, ports }: Found, ref: ServiceRef): void => {
  const named = findServicePort(service, ref.port)
  for (const { targetPort, protocol } of named === undefined ? service.ports : [named]) {
    ports.set(`${protocol} ${targetPort}`, { port: targetPort, protocol: protocolOf(protocol) })
  }
}

const protocolOf = (written: string): Protocol =>
  written === 'UDP' || written === 'SCTP' ? written : 'TCP'

const backEndOf = (
  cluster: Cluster,
  { service, ports, ingresses, controllers }: Found,
): BackEnd => {
  const workloads = workloadsBehind(cluster, service)
  return {
    service,
    ingresses: [...ingresses],
    controllers: [...controllers.values()],
    ports: [...ports.values()],
    workloads,
    pods: workloads.map((workload) =>
      podFacts(workload, cluster.namespaceLabels(workload.namespace)),
    ),
  }
}

/** Ports by number: those of the containers, and those that the Ingresses reach. */
export const portNumbers = (
  { ports }: BackEnd,
  pod: PodFacts,
): readonly (TargetPort & { readonly port: number })[] => {
  const numbers = new Map<string, TargetPort & { readonly port: number }>()
  for (const { port, protocol } of [...pod.ports, ...ports]) {
    if (typeof port === 'number') numbers.set(`${protocol} ${port}`, { port, protocol })
  }
  return [...numbers.values()]
}
