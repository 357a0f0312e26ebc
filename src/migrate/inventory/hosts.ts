import { PRESET_GUIDES } from '../../presets/application-guides.ts'
import { type Fingerprint } from '../../presets/fingerprint.ts'
import { type MachinePath } from '../../presets/preset-guide.ts'
import { type Cluster, workloadsBehind } from '../cluster.ts'
import { type IngressView } from '../views/ingress.ts'
import { internalBalancerAnnotation } from './bypasses.ts'
import { type Controller } from './controllers.ts'
import { allowlistOf, type Control, controlsOf } from './controls.ts'
import { type Finding, isFault } from './finding.ts'
import { type Application, isDoor } from './known-applications.ts'
import { hostsOf, isCanary, isServed, type Scene } from './scene.ts'
import { isPrivateRange } from './shown.ts'

/** What a host hangs on today. `open` is nothing at all; `mixed` differs between its Ingresses. */
export type Standing =
  | 'vestibule'
  | 'other_gate'
  | 'client_certificate'
  | 'password'
  | 'addresses'
  | 'open'
  | 'mixed'

/** One host, with all that the plan has to know of it. */
export type HostEntry = {
  readonly host: string
  readonly namespaces: readonly string[]
  readonly ingresses: readonly string[]
  readonly paths: number
  readonly services: readonly string[]
  readonly controls: readonly Control[]
  readonly standing: Standing
  /** Why it is taken to be reached from inside only; empty where nothing says so. */
  readonly internalBecause: readonly string[]
  readonly application:
    | {
        readonly id: string
        readonly title: string
        readonly preset: string | undefined
        readonly weight: 'high' | 'medium' | 'low'
      }
    | undefined
  /** It leads to nothing but the sign-in, which has to be reached before anybody can be asked. */
  readonly isDoor: boolean
  readonly machinePaths: readonly MachinePath[]
  /** Findings about it, by id, without those that only inform. */
  readonly findings: readonly string[]
}

export const hostEntries = (
  scene: Scene,
  applications: readonly Application[],
  findings: readonly Finding[],
): readonly HostEntry[] => {
  const served = scene.ingresses.filter((each) => isServed(each) && !isCanary(each))
  const byHost = indexByHost(served, hostsOf)
  const aboutHost = indexByHost(findings.filter(isFault), ({ hosts }) => hosts)
  const known = indexByHost(applications, ({ backEnd }) => backEnd.hosts)
  return [...byHost]
    .map(([host, ingresses]) =>
      entryOf(scene, {
        host,
        ingresses,
        application: known.get(host)?.[0]?.fingerprint,
        about: aboutHost.get(host) ?? [],
      }),
    )
    .toSorted((one, other) => one.host.localeCompare(other.host, 'en'))
}

/** Looked up rather than searched: a cluster may have thousands of each. */
export const indexByHost = <Item>(
  items: readonly Item[],
  hosts: (item: Item) => readonly string[],
): ReadonlyMap<string, readonly Item[]> => {
  const index = new Map<string, Item[]>()
  for (const item of items) {
    for (const host of new Set(hosts(item))) {
      const found = index.get(host)
      if (found === undefined) index.set(host, [item])
      else found.push(item)
    }
  }
  return index
}

type Material = {
  readonly host: string
  readonly ingresses: readonly IngressView[]
  readonly application: Fingerprint | undefined
  readonly about: readonly Finding[]
}

const entryOf = (scene: Scene, { host, ingresses, application, about }: Material): HostEntry => {
  const paths = ingresses.flatMap((ingress) =>
    ingress.paths
      .filter((path) => (path.host ?? '*') === host)
      .map((path) => ({ ...path, namespace: ingress.namespace })),
  )
  const perIngress = ingresses.map((each) => controlsOf(each, scene.controllerOf(each)))
  return {
    host,
    namespaces: [...new Set(ingresses.map(({ namespace }) => namespace))],
    ingresses: ingresses.map(({ namespace, name }) => `${namespace}/${name}`),
    paths: paths.length,
    services: [
      ...new Set(
        paths.flatMap(({ namespace, service }) =>
          service === undefined ? [] : [`${namespace}/${service.name}`],
        ),
      ),
    ],
    controls: [...new Set(perIngress.flat())],
    standing: standingOf(perIngress),
    internalBecause: internalReasons(scene, host, ingresses),
    application:
      application === undefined
        ? undefined
        : {
            id: application.id,
            title: application.title,
            preset: application.preset,
            weight: application.weight,
          },
    isDoor: ingresses.every((each) => isDoor(scene, each)),
    machinePaths: PRESET_GUIDES[application?.preset ?? '']?.machinePaths ?? [],
    findings: [...new Set(about.map(({ id }) => id))],
  }
}

const standingOf = (perIngress: readonly (readonly Control[])[]): Standing => {
  const strongest = new Set(perIngress.map(([first]) => first ?? 'open'))
  const [only, ...others] = strongest
  return others.length > 0 || only === undefined ? 'mixed' : only
}

const INTERNAL_NAME =
  /\.(?:internal|intern|intra|intranet|corp|lan|local|private|home\.arpa|test)$|(?:^|\.)(?:internal|intern|intra|intranet|corp|vpn)\./

const internalReasons = (
  scene: Scene,
  host: string,
  ingresses: readonly IngressView[],
): readonly string[] => {
  const found: string[] = []
  if (INTERNAL_NAME.test(host)) found.push('its name')
  const lists = ingresses.map((each) => allowlistOf(each, scene.controllerOf(each))?.ranges ?? [])
  if (lists.every((ranges) => ranges.length > 0 && ranges.every(isPrivateRange))) {
    found.push('its address list')
  }
  if (ingresses.every(({ className }) => /intern|private|vpn|corp/i.test(className ?? ''))) {
    found.push('the class of its Ingress')
  }
  if (ingresses.every((each) => isBehindInternalBalancer(scene, each))) {
    found.push('its controller')
  }
  return found
}

const insideOnes = new WeakMap<Controller, boolean>()

/** By the Service of the controller that serves it. */
export const isBehindInternalBalancer = (scene: Scene, ingress: IngressView): boolean => {
  const controller = scene.controllerOf(ingress)
  if (controller === undefined) return false
  const isInside = insideOnes.get(controller) ?? hasInternalDoorsOnly(scene.cluster, controller)
  insideOnes.set(controller, isInside)
  return isInside
}

const hasInternalDoorsOnly = (cluster: Cluster, { workload }: Controller): boolean => {
  const doors = cluster.services.filter(
    (service) =>
      service.type === 'LoadBalancer' &&
      workloadsBehind(cluster, service).some(({ object }) => object === workload.object),
  )
  return doors.length > 0 && doors.every((door) => internalBalancerAnnotation(door) !== undefined)
}
