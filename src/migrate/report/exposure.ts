import { type Cluster } from '../cluster.ts'
import { type Place, placeIn } from '../cluster-object.ts'
import { type BackEnd, backEndsOf } from '../inventory/back-ends.ts'
import { type Controller } from '../inventory/controllers.ts'
import {
  allowlistOf,
  asksVestibule,
  authUrlOf,
  hasSslPassthrough,
  isSatisfyAny,
} from '../inventory/controls.ts'
import { type Finding } from '../inventory/finding.ts'
import { indexByHost, isBehindInternalBalancer } from '../inventory/hosts.ts'
import { otherWayFindings } from '../inventory/other-ways.ts'
import { hostsOf, isCanary, type Scene, sceneOf } from '../inventory/scene.ts'
import { sharedHostFindings } from '../inventory/shared-hosts.ts'
import { annotationPath, type IngressView, nginxAnnotation } from '../views/ingress.ts'
import { openWays, sideDoors, unknownWays } from './back-end-ways.ts'

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

/** Every host of the Ingresses, with what the objects say of it; `*` is any other host. */
export const exposuresOf = (cluster: Cluster): readonly Exposure[] => {
  const scene = sceneOf(cluster)
  const byHost = {
    own: indexByHost(scene.ingresses, hostsOf),
    foreign: indexByHost(scene.foreign, hostsOf),
    backEnds: indexByHost(backEndsOf(scene), ({ hosts }) => hosts),
    passing: indexByHost(waysPast(scene), ({ hosts }) => hosts),
  }
  const hosts = [...new Set([...byHost.own.keys(), ...byHost.foreign.keys()])].toSorted()
  return hosts.map((host) =>
    exposureOf(scene, {
      host,
      own: byHost.own.get(host) ?? [],
      foreign: byHost.foreign.get(host) ?? [],
      backEnds: byHost.backEnds.get(host) ?? [],
      passing: byHost.passing.get(host) ?? [],
    }),
  )
}

type Material = {
  readonly host: string
  readonly own: readonly IngressView[]
  readonly foreign: readonly IngressView[]
  readonly backEnds: readonly BackEnd[]
  readonly passing: readonly Finding[]
}

/** Other names and other proxies under which the same application is reached. */
const waysPast = (scene: Scene): readonly Finding[] =>
  [...sharedHostFindings(scene), ...otherWayFindings(scene)].filter(
    ({ id }) => id === 'shared_service' || id === 'other_route',
  )

const exposureOf = (
  scene: Scene,
  { host, own, foreign, backEnds, passing }: Material,
): Exposure => {
  return {
    host,
    ingresses: [...own, ...foreign].map(({ object }) => placeIn(object)),
    unguarded: [
      ...own.filter((each) => !isCanary(each)).flatMap((each) => gapsOf(scene, each)),
      ...foreign.map(({ object }) => ({
        place: placeIn(object),
        why: 'another controller serves it, of which nothing is known here',
      })),
    ],
    leftovers: [
      ...own.flatMap((each) => leftoversOf(scene, each)),
      ...backEnds.flatMap((backEnd) => sideDoors(scene.cluster, backEnd)),
      ...passing.map(({ places: [place], what: why }) => ({ place, why })),
    ],
    openBackends: unlike(backEnds.flatMap((backEnd) => openWays(scene.cluster, backEnd))),
    unknownBackends: unlike(backEnds.flatMap((backEnd) => unknownWays(backEnd, own[0]))),
  }
}

type Found = readonly [isThere: boolean, annotation: string, why: string]

const gapsOf = (scene: Scene, ingress: IngressView): readonly Way[] => {
  const asked = authUrlOf(ingress, scene.controllerOf(ingress))
  const gaps: readonly Found[] = [
    [asked === undefined, 'auth-url', 'has no auth-url'],
    [asked !== undefined && !asksVestibule(asked.url), 'auth-url', 'auth-url asks another service'],
    [isSatisfyAny(ingress), 'satisfy', 'satisfy: any lets an address be enough'],
    [
      hasSslPassthrough(ingress),
      'ssl-passthrough',
      'ssl-passthrough goes past the HTTP of the controller',
    ],
  ]
  return waysOf(ingress, gaps)
}

const leftoversOf = (scene: Scene, ingress: IngressView): readonly Way[] => {
  const list = allowlistOf(ingress)
  const has = (name: string): boolean => nginxAnnotation(ingress, name) !== undefined
  const left: readonly Found[] = [
    [list !== undefined, list?.name ?? '', 'a list of addresses still decides'],
    [has('denylist-source-range'), 'denylist-source-range', 'a list of addresses still decides'],
    [has('auth-type'), 'auth-type', 'a password of the controller is still asked for'],
  ]
  return [...waysOf(ingress, left), ...controllerLeftovers(scene, ingress)]
}

const controllerLeftovers = (scene: Scene, ingress: IngressView): readonly Way[] => {
  const controller = scene.controllerOf(ingress)
  if (controller === undefined) return []
  const place = placeIn(controller.configMap ?? controller.workload.object)
  return [
    ...(isListed(controller)
      ? [{ place, why: 'a list of addresses decides for the whole controller' }]
      : []),
    ...(isBehindInternalBalancer(scene, ingress)
      ? [
          {
            place: placeIn(controller.workload.object),
            why: 'the controller is reached from inside the network only',
          },
        ]
      : []),
  ]
}

const isListed = ({ settings }: Controller): boolean =>
  (settings['whitelist-source-range'] ?? '').trim() !== ''

const waysOf = ({ object }: IngressView, found: readonly Found[]): readonly Way[] =>
  found
    .filter(([isThere]) => isThere)
    .map(([, name, why]) => ({ place: placeIn(object, ...annotationPath(name)), why }))

const unlike = (ways: readonly Way[]): readonly Way[] => [
  ...new Map(ways.map((way) => [`${way.place.object} ${way.why}`, way])).values(),
]
