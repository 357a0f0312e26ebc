import { placeIn } from '../cluster-object.ts'
import { annotationPath, type IngressView, isOff, nginxAnnotation } from '../views/ingress.ts'
import { type Controller } from './controllers.ts'
import { authUrlOf, hasSslPassthrough, isSatisfyAny } from './controls.ts'
import { type Finding, type FindingKinds, findingOf } from './finding.ts'
import { hostsOf, isCanary, isServed, type Scene } from './scene.ts'
import { someOf } from './shown.ts'

/** Annotations by which requests pass a gate that stands. */
export const SIDE_DOOR_FINDINGS = {
  satisfy_any: {
    severity: 'high',
    title: 'An address is enough',
    why: 'With satisfy: any nginx does not ask the gate at all when the address is on the list.',
    next: 'Take satisfy away first, before the gate is even observed.',
  },
  ssl_passthrough: {
    severity: 'high',
    title: 'TLS passes through unopened',
    why: 'nginx sees no request here, so no annotation of this Ingress has any effect, auth-url least of all.',
    next: 'Let nginx end TLS for this host, or let the application ask who it is.',
  },
  global_auth_off: {
    severity: 'medium',
    title: 'An Ingress opts out of the gate of its class',
    why: 'enable-global-auth: false takes the check of the controller away.',
    next: 'Take it away, or give the host a policy with a public rule, an owner and an end.',
  },
  auth_cache_key: {
    severity: 'high',
    title: 'Answers of the gate are cached by nginx',
    why: 'A cached yes outlives sign-out and revocation, and covers every path and method of the rule.',
    next: 'Take auth-cache-key and auth-cache-duration away; Vestibule forbids the cache anyway.',
  },
  auth_cache_shared: {
    severity: 'high',
    title: 'One cached answer for everybody',
    why: 'The key holds no cookie, so with sessions in cookies one person is served the identity of another.',
    next: 'Take auth-cache-key away today, whatever else waits.',
  },
  mirror_target: {
    severity: 'medium',
    title: 'Requests are copied to somewhere else',
    why: 'The copy carries cookies and tokens, and its target trusts them or keeps them.',
    next: 'End the mirror, or guard its target like the application.',
  },
  server_alias: {
    severity: 'medium',
    title: 'More host names than the rules say',
    why: 'A host that no policy names is refused by Vestibule, and guarded by nothing before that.',
    next: 'Name the aliases in the policy, or make them rules of the Ingress.',
  },
  default_backend: {
    severity: 'low',
    title: 'A default back end of its own',
    why: 'It answers for paths that no rule names and for errors; it may be an application without a gate.',
    next: 'See what it serves to a stranger.',
  },
  custom_errors: {
    severity: 'medium',
    title: 'Refusals are answered by an error page',
    why: 'The client sees the status of that page: one that answers 200 makes a refusal look like success.',
    next: 'Let the page return the code that it is told in X-Code; Vestibule has one at /denied.',
  },
  auth_redirect_overridden: {
    severity: 'low',
    title: 'The return address of sign-in is set by hand',
    why: 'Vestibule compares it with the path that nginx routes, and refuses where they differ.',
    next: 'Take auth-request-redirect away, or say authRequestRedirect: overridden in the policy.',
  },
} as const satisfies FindingKinds

type Id = keyof typeof SIDE_DOOR_FINDINGS

/** One annotation, when it is a side door, and what to say of it. */
type Door = {
  readonly id: Id
  readonly annotation: string
  readonly says: (ingress: IngressView, scene: Scene) => string | undefined
}

const whereSet =
  (annotation: string, say: (value: string) => string): Door['says'] =>
  (ingress) => {
    const value = nginxAnnotation(ingress, annotation)
    return value === undefined ? undefined : say(value)
  }

const satisfyText = (ingress: IngressView, scene: Scene): string | undefined => {
  if (!isSatisfyAny(ingress)) return undefined
  const asks = authUrlOf(ingress, scene.controllerOf(ingress)) !== undefined
  return asks
    ? 'satisfy is any: from an address on the list auth-url is never asked'
    : 'satisfy is any: an address on the list needs no password'
}

const holdsCookie = (key: string): boolean => /cookie/i.test(key)

const cacheText = (ingress: IngressView, wanted: (key: string) => boolean): string | undefined => {
  const key = nginxAnnotation(ingress, 'auth-cache-key')
  return key !== undefined && wanted(key) ? `auth-cache-key is ${key}` : undefined
}

const errorsText = (written: string | undefined): string | undefined => {
  const codes = (written ?? '').split(/[,\s]+/).filter((code) => code === '401' || code === '403')
  return codes.length === 0 ? undefined : `custom-http-errors catches ${codes.join(' and ')}`
}

const DOORS: readonly Door[] = [
  { id: 'satisfy_any', annotation: 'satisfy', says: satisfyText },
  {
    id: 'ssl_passthrough',
    annotation: 'ssl-passthrough',
    says: (ingress) => (hasSslPassthrough(ingress) ? 'ssl-passthrough is on' : undefined),
  },
  {
    id: 'global_auth_off',
    annotation: 'enable-global-auth',
    says: (ingress) =>
      isOff(nginxAnnotation(ingress, 'enable-global-auth'))
        ? 'enable-global-auth is false'
        : undefined,
  },
  {
    id: 'auth_cache_key',
    annotation: 'auth-cache-key',
    says: (ingress) => cacheText(ingress, holdsCookie),
  },
  {
    id: 'auth_cache_shared',
    annotation: 'auth-cache-key',
    says: (ingress) => cacheText(ingress, (key) => !holdsCookie(key)),
  },
  {
    id: 'mirror_target',
    annotation: 'mirror-target',
    says: whereSet('mirror-target', () => 'mirror-target copies every request'),
  },
  {
    id: 'server_alias',
    annotation: 'server-alias',
    says: whereSet('server-alias', (value) => `server-alias adds ${someOf(value.split(/[,\s]+/))}`),
  },
  {
    id: 'default_backend',
    annotation: 'default-backend',
    says: whereSet('default-backend', (value) => `default-backend is Service ${value}`),
  },
  {
    id: 'custom_errors',
    annotation: 'custom-http-errors',
    says: (ingress) => errorsText(nginxAnnotation(ingress, 'custom-http-errors')),
  },
  {
    id: 'auth_redirect_overridden',
    annotation: 'auth-request-redirect',
    says: whereSet('auth-request-redirect', () => 'auth-request-redirect is set'),
  },
]

export const sideDoorFindings = (scene: Scene): readonly Finding[] => [
  ...scene.ingresses.filter(isServed).flatMap((ingress) =>
    DOORS.flatMap(({ id, annotation, says }) => {
      const what = isCanary(ingress) ? undefined : says(ingress, scene)
      if (what === undefined) return []
      const places = [placeIn(ingress.object, ...annotationPath(annotation))] as const
      return [findingOf(SIDE_DOOR_FINDINGS, id, { what, places, hosts: hostsOf(ingress) })]
    }),
  ),
  ...scene.controllers.flatMap(controllerDoors),
]

/** The same in the ConfigMap holds for every host. */
const controllerDoors = ({ configMap, settings }: Controller): readonly Finding[] => {
  if (configMap === undefined) return []
  const found = (id: Id, key: string, what: string): Finding =>
    findingOf(SIDE_DOOR_FINDINGS, id, {
      what,
      places: [placeIn(configMap, 'data', key)],
      hosts: [],
    })
  const key = settings['global-auth-cache-key'] ?? ''
  const errors = errorsText(settings['custom-http-errors'])
  return [
    ...(key === ''
      ? []
      : [
          found(
            holdsCookie(key) ? 'auth_cache_key' : 'auth_cache_shared',
            'global-auth-cache-key',
            `global-auth-cache-key is ${key}`,
          ),
        ]),
    ...(errors === undefined ? [] : [found('custom_errors', 'custom-http-errors', errors)]),
  ]
}
