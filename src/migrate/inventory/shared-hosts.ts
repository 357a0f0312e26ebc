import { objectName, placeIn } from '../cluster-object.ts'
import {
  annotationPath,
  type IngressPath,
  type IngressView,
  nginxAnnotation,
} from '../views/ingress.ts'
import { findBackEnd } from './back-ends.ts'
import { type Control, controlsOf } from './controls.ts'
import { type Finding, type FindingKinds, findingOf } from './finding.ts'
import { hostsOf, isCanary, isServed, type Scene } from './scene.ts'
import { someOf } from './shown.ts'

/** Hosts that several Ingresses serve. */
export const SHARED_HOST_FINDINGS = {
  second_ingress: {
    severity: 'high',
    title: 'A second Ingress opens what the first one guards',
    why: 'nginx merges the Ingresses of a host; a path of the weaker one is served without the check of the other.',
    next: 'Give both the same annotations, or take one away.',
  },
  contested_path: {
    severity: 'medium',
    title: 'Two Ingresses claim one path',
    why: 'The older one wins, silently, and when it is deleted the other one takes over with its annotations.',
    next: 'Leave the path to one of them.',
  },
  canary_ingress: {
    severity: 'low',
    title: 'A canary answers for this host',
    why: 'It takes the gate of the main Ingress and ignores its own auth annotations; its back end needs the NetworkPolicy too.',
    next: 'End it before the host moves, or include its back end.',
  },
  shared_service: {
    severity: 'high',
    title: 'The same application under a host that is guarded less',
    why: 'Whoever is refused at one name asks under the other.',
    next: 'Take the other host away, or guard it alike.',
  },
} as const satisfies FindingKinds

/** One path of one Ingress, with what guards it. */
type Entry = {
  readonly ingress: IngressView
  readonly path: IngressPath
  readonly controls: readonly Control[]
}

export const sharedHostFindings = (scene: Scene): readonly Finding[] => {
  const served = scene.ingresses.filter(isServed)
  const main = served.filter((ingress) => !isCanary(ingress))
  const entries = main.flatMap((ingress) => {
    const controls = controlsOf(ingress, scene.controllerOf(ingress))
    return ingress.paths.map((path): Entry => ({ ingress, path, controls }))
  })
  return [
    ...[...Map.groupBy(entries, ({ path }) => path.host ?? '*')].flatMap(hostFindings),
    ...serviceFindings(scene, entries),
    ...served.filter(isCanary).map(canaryFinding),
  ]
}

/** Asking who it is counts more than any network control. */
const STRENGTH: Readonly<Record<Control, number>> = {
  vestibule: 4,
  other_gate: 3,
  client_certificate: 3,
  password: 2,
  addresses: 1,
}

const strengthOf = ({ controls }: Entry): number =>
  Math.max(0, ...controls.map((control) => STRENGTH[control]))

const hostFindings = ([host, entries]: readonly [string, readonly Entry[]]): readonly Finding[] => {
  const byIngress = [...Map.groupBy(entries, ({ ingress }) => ingress.object).values()]
  if (byIngress.length < 2) return []
  const ordered = byIngress
    .flatMap(([first]) => (first === undefined ? [] : [first]))
    .toSorted((one, other) => strengthOf(one) - strengthOf(other))
  const strongest = ordered.at(-1)
  if (strongest === undefined) return []
  const weaker = ordered.filter((each) => strengthOf(each) < strengthOf(strongest))
  return [
    ...contested(host, entries),
    ...weaker.map((each) => {
      const paths = entries
        .filter(({ ingress }) => ingress === each.ingress)
        .map(({ path }) => path.path)
      const what = `${host}: ${someOf(paths)} of ${nameOf(each)} has ${controlText(each)}, ${nameOf(strongest)} has ${controlText(strongest)}`
      const places = [placeIn(each.ingress.object), placeIn(strongest.ingress.object)] as const
      return findingOf(SHARED_HOST_FINDINGS, 'second_ingress', { what, places, hosts: [host] })
    }),
  ]
}

const contested = (host: string, entries: readonly Entry[]): readonly Finding[] =>
  [...Map.groupBy(entries, ({ path }) => `${path.path} ${path.pathType}`).values()].flatMap(
    (claims) => {
      const claimants = new Map(claims.map((claim) => [claim.ingress.object, claim]))
      const [first, ...others] = [...claimants.values()].map(({ ingress, path }) =>
        placeIn(ingress.object, ...path.at),
      )
      if (first === undefined || others.length === 0) return []
      const names = [...claimants.values()].map(nameOf)
      const what = `${host}${claims[0]?.path.path ?? ''} is claimed by ${someOf(names)}`
      const seen = { what, places: [first, ...others], hosts: [host] } as const
      return [findingOf(SHARED_HOST_FINDINGS, 'contested_path', seen)]
    },
  )

const nameOf = ({ ingress }: Entry): string => `${ingress.namespace}/${ingress.name}`

const CONTROL_WORDS: Readonly<Record<Control, string>> = {
  vestibule: 'Vestibule',
  other_gate: 'another gate',
  client_certificate: 'client certificates',
  password: 'a password',
  addresses: 'an address list',
}

const controlText = ({ controls }: Entry): string =>
  controls.length === 0
    ? 'nothing'
    : controls.map((control) => CONTROL_WORDS[control]).join(' and ')

/** By the pods: several Services, or a name for one, may lead to the same. */
const serviceFindings = (scene: Scene, entries: readonly Entry[]): readonly Finding[] => {
  const byTarget = new Map<string, Entry[]>()
  for (const entry of entries) {
    for (const target of targetsOf(scene, entry)) {
      const found = byTarget.get(target)
      if (found === undefined) byTarget.set(target, [entry])
      else found.push(entry)
    }
  }
  const findings = [...byTarget].flatMap(([target, users]) => targetFinding(target, users))
  return [...new Map(findings.map((each) => [each.what, each])).values()]
}

const targetsOf = (scene: Scene, { ingress, path }: Entry): readonly string[] => {
  if (path.service === undefined) return []
  const name = `${ingress.namespace}/${path.service.name}`
  const behind = findBackEnd(scene, ingress.namespace, path.service.name)?.workloads ?? []
  return behind.length === 0 ? [`Service ${name}`] : behind.map(({ object }) => objectName(object))
}

const targetFinding = (target: string, users: readonly Entry[]): readonly Finding[] => {
  const strongest = users.toSorted((one, other) => strengthOf(other) - strengthOf(one))[0]
  if (strongest === undefined) return []
  const more = strongest.path.host ?? '*'
  return users
    .filter((each) => strengthOf(each) < strengthOf(strongest))
    .filter(({ path }) => (path.host ?? '*') !== more)
    .map((each) => {
      const less = each.path.host ?? '*'
      const [one, other] = [serviceOf(each), serviceOf(strongest)]
      const what =
        one === other
          ? `Service ${one} has ${controlText(each)} under ${less} and ${controlText(strongest)} under ${more}`
          : `Service ${one} has ${controlText(each)} under ${less}, Service ${other} has ${controlText(strongest)} under ${more}, and both lead to ${target}`
      const places = [
        placeIn(each.ingress.object, ...each.path.at),
        placeIn(strongest.ingress.object, ...strongest.path.at),
      ] as const
      return findingOf(SHARED_HOST_FINDINGS, 'shared_service', {
        what,
        places,
        hosts: [less, more],
      })
    })
}

const serviceOf = ({ ingress, path }: Entry): string =>
  `${ingress.namespace}/${path.service?.name ?? ''}`

const canaryFinding = (ingress: IngressView): Finding => {
  const own = ['auth-url', 'auth-type'].filter(
    (name) => nginxAnnotation(ingress, name) !== undefined,
  )
  const ignored = own.length === 0 ? '' : `, and its ${own.join(' and ')} is ignored`
  return findingOf(SHARED_HOST_FINDINGS, 'canary_ingress', {
    what: `it is a canary${ignored}`,
    places: [placeIn(ingress.object, ...annotationPath('canary'))],
    hosts: hostsOf(ingress),
  })
}
