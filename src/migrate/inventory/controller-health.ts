import { placeIn } from '../cluster-object.ts'
import { annotationPath, type IngressView, isOff, nginxAnnotation } from '../views/ingress.ts'
import {
  bestRelease,
  holesOf,
  isAtLeast,
  KEEPALIVE_BROKEN_SINCE,
  releaseText,
} from './controller-release.ts'
import { type Controller } from './controllers.ts'
import { asksVestibule } from './controls.ts'
import { type Finding, type FindingKinds, findingOf } from './finding.ts'
import { hostsOf, type Scene } from './scene.ts'
import { countOf, listItems, shownUrl, someOf } from './shown.ts'

/** The controller itself: its age, its holes, and what its ConfigMap switches. */
export const CONTROLLER_FINDINGS = {
  controller_retired: {
    severity: 'medium',
    title: 'The controller gets no fixes any more',
    why: 'ingress-nginx was retired in March 2026; holes found since then stay open.',
    next: 'Plan the way out; policies and sessions of Vestibule stay the same behind other proxies.',
  },
  controller_holes: {
    severity: 'high',
    title: 'The controller has known holes',
    why: 'Whoever controls the controller passes every gate behind it.',
    next: 'Go to the last release of its line today; it is the last there will be.',
  },
  controller_unknown: {
    severity: 'low',
    title: 'The release of the controller is unknown',
    why: 'Its image carries no version, so its holes cannot be named.',
    next: 'Ask it: kubectl exec into the controller, /nginx-ingress-controller --version.',
  },
  annotations_prefix: {
    severity: 'high',
    title: 'The controller reads other annotations',
    why: 'It passes over everything that begins with nginx.ingress.kubernetes.io, auth-url among it.',
    next: 'Take --annotations-prefix away, or write the annotations under its prefix.',
  },
  no_auth_locations: {
    severity: 'medium',
    title: 'Paths that no gate guards',
    why: 'no-auth-locations takes every Ingress path that begins so out of the check, on all hosts.',
    next: 'Leave only /.well-known/acme-challenge, which is the default.',
  },
  auth_keepalive: {
    severity: 'high',
    title: 'auth-keepalive is broken',
    why: 'From 1.13.0 on it answers 500, or gives the application the identity headers of another field.',
    next: 'Take auth-keepalive and its companions away; Vestibule does not need it.',
  },
  auth_keepalive_idle: {
    severity: 'low',
    title: 'auth-keepalive is set',
    why: 'It does nothing while HTTP/2 is on, and breaks identity headers in newer controllers when it is off.',
    next: 'Take auth-keepalive and its companions away.',
  },
  global_gate: {
    severity: 'info',
    title: 'The controller asks a gate for every host',
    why: 'Hosts of this class are guarded without annotations of their own.',
    next: 'See that it asks Vestibule, with host=, and that nobody opts out without need.',
  },
  no_controller: {
    severity: 'info',
    title: 'No controller was among the objects',
    why: 'Its release, its holes and its ConfigMap are unknown, so some findings are missing.',
    next: 'Add deployments, daemonsets and configmaps of its namespace to what kubectl gets.',
  },
} as const satisfies FindingKinds

export const controllerFindings = (scene: Scene): readonly Finding[] => [
  ...scene.controllers.flatMap(releaseFindings),
  ...scene.controllers.flatMap(prefixFinding),
  ...scene.controllers.flatMap(settingsFindings),
  ...scene.ingresses.flatMap((ingress) => keepaliveFinding(scene, ingress)),
  ...withoutController(scene),
]

const releaseFindings = ({ workload, container, release }: Controller): readonly Finding[] => {
  const places = [placeIn(workload.object, ...container.at, 'image')] as const
  const found = (id: keyof typeof CONTROLLER_FINDINGS, what: string): Finding =>
    findingOf(CONTROLLER_FINDINGS, id, { what, places, hosts: [] })
  if (release === undefined) {
    return [
      found('controller_retired', 'it runs ingress-nginx'),
      found('controller_unknown', 'its image has no version'),
    ]
  }
  const retired = found('controller_retired', `it runs ingress-nginx ${releaseText(release)}`)
  const holes = holesOf(release)
  if (holes.length === 0) return [retired]
  const list = someOf(
    holes.map(({ id, what }) => `${id} (${what})`),
    20,
  )
  const what = `${releaseText(release)} has ${countOf(holes.length, 'known hole')}, none of them is in ${releaseText(bestRelease(release))}: ${list}`
  return [retired, found('controller_holes', what)]
}

const prefixFinding = ({ workload, container, otherPrefix }: Controller): readonly Finding[] => {
  if (otherPrefix === undefined) return []
  const places = [placeIn(workload.object, ...container.at, 'args')] as const
  const what = `it reads annotations that begin with ${otherPrefix}/`
  return [findingOf(CONTROLLER_FINDINGS, 'annotations_prefix', { what, places, hosts: [] })]
}

const DEFAULT_NO_AUTH = '/.well-known/acme-challenge'

const settingsFindings = ({ configMap, settings }: Controller): readonly Finding[] => {
  if (configMap === undefined) return []
  const found: Finding[] = []
  const spared = listItems(settings['no-auth-locations'] ?? '').filter(
    (path) => path !== DEFAULT_NO_AUTH,
  )
  if (spared.length > 0) {
    const places = [placeIn(configMap, 'data', 'no-auth-locations')] as const
    const what = `no-auth-locations names ${someOf(spared)}`
    found.push(findingOf(CONTROLLER_FINDINGS, 'no_auth_locations', { what, places, hosts: [] }))
  }
  const url = settings['global-auth-url'] ?? ''
  if (url !== '') {
    const places = [placeIn(configMap, 'data', 'global-auth-url')] as const
    const whom = asksVestibule(url) ? 'Vestibule' : 'another gate'
    const what = `global-auth-url asks ${whom} at ${shownUrl(url)}`
    found.push(findingOf(CONTROLLER_FINDINGS, 'global_gate', { what, places, hosts: [] }))
  }
  return found
}

const keepaliveFinding = (scene: Scene, ingress: IngressView): readonly Finding[] => {
  const value = nginxAnnotation(ingress, 'auth-keepalive')
  if (value === undefined || value === '0') return []
  const controller = scene.controllerOf(ingress)
  const release = controller?.release
  const isReused = isOff(controller?.settings['use-http2'])
  const isBroken = isReused && (release === undefined || isAtLeast(release, KEEPALIVE_BROKEN_SINCE))
  return [
    findingOf(CONTROLLER_FINDINGS, isBroken ? 'auth_keepalive' : 'auth_keepalive_idle', {
      what: `auth-keepalive is ${value}, and HTTP/2 is ${isReused ? 'off' : 'on'} in the controller`,
      places: [placeIn(ingress.object, ...annotationPath('auth-keepalive'))],
      hosts: hostsOf(ingress),
    }),
  ]
}

const withoutController = ({ controllers, ingresses }: Scene): readonly Finding[] => {
  const [first] = ingresses
  if (controllers.length > 0 || first === undefined) return []
  const what = `${countOf(ingresses.length, 'Ingress', 'Ingresses')}, and nothing that serves them`
  const places = [placeIn(first.object)] as const
  return [findingOf(CONTROLLER_FINDINGS, 'no_controller', { what, places, hosts: [] })]
}
