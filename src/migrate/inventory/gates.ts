import { DEFAULT_IDENTITY_HEADERS } from '../../core/identity-headers.ts'
import { type Place, placeIn } from '../cluster-object.ts'
import { annotationPath, type IngressView, nginxAnnotation } from '../views/ingress.ts'
import { type Controller } from './controllers.ts'
import { asksVestibule, authUrlOf, controlsOf } from './controls.ts'
import { type Finding, type FindingKinds, findingOf } from './finding.ts'
import { isDoor } from './known-applications.ts'
import { hostsOf, isCanary, isServed, type Scene } from './scene.ts'
import { listItems, shownUrl, someOf } from './shown.ts'

/** Who asks who it is, and how. */
export const GATE_FINDINGS = {
  no_auth: {
    severity: 'high',
    title: 'Nothing in front asks who it is',
    why: 'Whoever reaches the controller reaches the application; what it asks itself is all there is.',
    next: 'Decide: public on purpose, with an owner, or behind the gate. Inside a VPN that is trust in the network.',
  },
  other_gate: {
    severity: 'low',
    title: 'Another gate decides',
    why: 'Rules in two places drift apart, and its sessions do not end when ours do.',
    next: 'vestibule migrate translate reads the rules of oauth2-proxy, Authelia, vouch and others.',
  },
  auth_url_unpinned: {
    severity: 'high',
    title: 'auth-url does not say which host nginx routed to',
    why: 'A client can name another host than the one it reaches; Vestibule refuses such an auth-url.',
    next: 'Copy the auth-url that vestibule migrate ingress prints.',
  },
  auth_url_short_name: {
    severity: 'medium',
    title: 'auth-url names a Service by a short name',
    why: 'nginx does not know the search list of the cluster, so it cannot look the name up.',
    next: 'Write the whole name, with .svc.cluster.local.',
  },
  auth_url_public_host: {
    severity: 'medium',
    title: 'auth-url goes out and in again',
    why: 'The question passes the public ingress, so everybody can ask it, and each answer takes the longer way.',
    next: 'Name the Service inside the cluster.',
  },
  identity_headers_unlisted: {
    severity: 'high',
    title: 'Identity headers that a client can forge',
    why: 'A header that is not in auth-response-headers passes from the client to the application as it is.',
    next: 'List all identity headers; vestibule migrate ingress prints the line.',
  },
  session_cookie_passed: {
    severity: 'medium',
    title: 'The application sees the session cookie',
    why: 'Whoever has the cookie is that person on every host; it ends up in logs and error reports.',
    next: 'List Cookie in auth-response-headers, unless the policy says stripCookie: false.',
  },
  auth_method_missing: {
    severity: 'low',
    title: 'The gate may believe a forged X-Original-URI',
    why: 'Without auth-method the controller lets the client set X-Original-URI and X-Scheme.',
    next: 'Set auth-method: GET until the host has moved.',
  },
} as const satisfies FindingKinds

export const gateFindings = (scene: Scene): readonly Finding[] => [
  ...scene.ingresses
    .filter((ingress) => isServed(ingress) && !isCanary(ingress))
    .flatMap((ingress) => gateOf(scene, ingress)),
  ...scene.controllers.flatMap(globalFaults),
]

const gateOf = (scene: Scene, ingress: IngressView): readonly Finding[] => {
  const controller = scene.controllerOf(ingress)
  const hosts = hostsOf(ingress)
  const authUrl = authUrlOf(ingress, controller)
  if (authUrl === undefined) {
    if (controlsOf(ingress, controller).length > 0 || isDoor(scene, ingress)) return []
    const places = [placeIn(ingress.object)] as const
    return [findingOf(GATE_FINDINGS, 'no_auth', { what: openText(hosts), places, hosts })]
  }
  // The controller's own URL is judged once, with the controller.
  if (authUrl.isGlobal) return []
  const at = placeIn(ingress.object, ...annotationPath('auth-url'))
  const about = { ingress, url: authUrl.url, hosts, at }
  const special = asksVestibule(authUrl.url) ? ownFaults(about) : otherGate(about)
  return [...special, ...addressOfGate(scene, about)]
}

const openText = (hosts: readonly string[]): string =>
  `${someOf(hosts)} ${hosts.length === 1 ? 'has' : 'have'} no auth-url, no password, no certificate, and no address list that keeps anybody out`

type About = {
  readonly ingress: IngressView
  readonly url: string
  readonly hosts: readonly string[]
  readonly at: Place
}

const ownFaults = ({ ingress, url, hosts, at }: About): readonly Finding[] =>
  vestibuleFaults({
    url: ['auth-url', url, at],
    headers: [
      'auth-response-headers',
      nginxAnnotation(ingress, 'auth-response-headers') ?? '',
      placeIn(ingress.object, ...annotationPath('auth-response-headers')),
    ],
    hosts,
  })

/** What the ConfigMap says holds for every host that has no auth-url of its own. */
const globalFaults = ({ configMap, settings }: Controller): readonly Finding[] => {
  const url = settings['global-auth-url'] ?? ''
  if (configMap === undefined || !asksVestibule(url)) return []
  const headers = 'global-auth-response-headers'
  return vestibuleFaults({
    url: ['global-auth-url', url, placeIn(configMap, 'data', 'global-auth-url')],
    headers: [headers, settings[headers] ?? '', placeIn(configMap, 'data', headers)],
    hosts: [],
  })
}

type Setting = readonly [name: string, value: string, place: Place]

type Asked = {
  readonly url: Setting
  readonly headers: Setting
  readonly hosts: readonly string[]
}

const vestibuleFaults = ({
  url: [urlName, url, urlPlace],
  headers: [headersName, headers, headersPlace],
  hosts,
}: Asked): readonly Finding[] => {
  const listed = new Set(listItems(headers).map(lower))
  const missing = DEFAULT_IDENTITY_HEADERS.map(([name]) => name).filter(
    (name) => !listed.has(name.toLowerCase()),
  )
  const found = (id: keyof typeof GATE_FINDINGS, what: string, place: Place): Finding =>
    findingOf(GATE_FINDINGS, id, { what, places: [place], hosts })
  return [
    ...(/[?&]host=/.test(url)
      ? []
      : [found('auth_url_unpinned', `${urlName} asks ${shownUrl(url)} without host=`, urlPlace)]),
    ...(missing.length === 0
      ? []
      : [
          found(
            'identity_headers_unlisted',
            `${headersName} leaves out ${someOf(missing, 6)}`,
            headersPlace,
          ),
        ]),
    ...(listed.has('cookie')
      ? []
      : [found('session_cookie_passed', `${headersName} leaves out Cookie`, headersPlace)]),
  ]
}

const lower = (name: string): string => name.toLowerCase()

const otherGate = ({ ingress, url, hosts, at }: About): readonly Finding[] => {
  const gate = findingOf(GATE_FINDINGS, 'other_gate', {
    what: `auth-url asks ${shownUrl(url)}`,
    places: [at],
    hosts,
  })
  if (nginxAnnotation(ingress, 'auth-method') !== undefined) return [gate]
  const what = 'auth-url stands without auth-method'
  return [gate, findingOf(GATE_FINDINGS, 'auth_method_missing', { what, places: [at], hosts })]
}

const addressOfGate = (scene: Scene, { url, hosts, at }: About): readonly Finding[] => {
  const [, authority = ''] = /^https?:\/\/(?:[^/@]*@)?([^/:?]+)/i.exec(url) ?? []
  const what = `auth-url asks ${shownUrl(url)}`
  const isPublic = authority === '$host' || namesOf(scene).hosts.has(authority.toLowerCase())
  if (isPublic) {
    return [findingOf(GATE_FINDINGS, 'auth_url_public_host', { what, places: [at], hosts })]
  }
  return isShort(scene, authority)
    ? [findingOf(GATE_FINDINGS, 'auth_url_short_name', { what, places: [at], hosts })]
    : []
}

/** One label, or a Service and a namespace that some object is in, or all but the domain. */
const isShort = (scene: Scene, authority: string): boolean => {
  const [service = '', namespace, svc, ...more] = authority.toLowerCase().split('.')
  if (!/^[a-z][a-z0-9-]*$/.test(service) || more.length > 0) return false
  if (svc !== undefined) return svc === 'svc'
  return namespace === undefined || namesOf(scene).namespaces.has(namespace)
}

type Names = { readonly hosts: ReadonlySet<string>; readonly namespaces: ReadonlySet<string> }

const known = new WeakMap<Scene, Names>()

/** Collected once: every Ingress with an auth-url asks. */
const namesOf = (scene: Scene): Names => {
  const names = known.get(scene) ?? {
    hosts: new Set(scene.ingresses.flatMap(({ hosts }) => hosts)),
    namespaces: new Set(scene.cluster.objects.map(({ namespace }) => namespace)),
  }
  known.set(scene, names)
  return names
}
