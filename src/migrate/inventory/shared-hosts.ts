import { placeIn } from '../cluster-object.ts'
import {
  annotationPath,
  type IngressPath,
  type IngressView,
  nginxAnnotation,
} from '../views/ingress.ts'
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
    ...serviceFindings(entries),
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
  const [weakest, strongest] = [ordered[0], ordered.at(-1)]
  if (weakest === undefined || strongest === undefined) return []
  const found = contested(host, entries)
  if (strengthOf(weakest) === strengthOf(strongest)) return found
  const paths = entries
    .filter(({ ingress }) => ingress === weakest.ingress)
    .map(({ path }) => path.path)
  const what = `${host}: ${someOf(paths)} of ${nameOf(weakest)} has ${controlText(weakest)}, ${nameOf(strongest)} has ${controlText(strongest)}`
  const places = [placeIn(weakest.ingress.object), placeIn(strongest.ingress.object)] as const
  return [
    ...found,
    findingOf(SHARED_HOST_FINDINGS, 'second_ingress', { what, places: [...places], hosts: [host] }),
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

const serviceFindings = (entries: readonly Entry[]): readonly Finding[] => {
  const byService = Map.groupBy(entries, ({ ingress, path }) =>
    path.service === undefined ? '' : `${ingress.namespace}/${path.service.name}`,
  )
  return [...byService].flatMap(([service, users]) => {
    const hosts = new Set(users.map(({ path }) => path.host ?? '*'))
    if (service === '' || hosts.size < 2) return []
    const ordered = users.toSorted((one, other) => strengthOf(one) - strengthOf(other))
    const [weakest, strongest] = [ordered[0], ordered.at(-1)]
    if (weakest === undefined || strongest === undefined) return []
    if (strengthOf(weakest) === strengthOf(strongest)) return []
    if (weakest.path.host === strongest.path.host) return []
    const [less, more] = [weakest.path.host ?? '*', strongest.path.host ?? '*']
    const what = `Service ${service} has ${controlText(weakest)} under ${less} and ${controlText(strongest)} under ${more}`
    const places = [
      placeIn(weakest.ingress.object, ...weakest.path.at),
      placeIn(strongest.ingress.object, ...strongest.path.at),
    ] as const
    const seen = { what, places: [...places], hosts: [less, more] } as const
    return [
      findingOf(SHARED_HOST_FINDINGS, 'shared_service', {
        ...seen,
        places: [places[0], places[1]],
      }),
    ]
  })
}

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
