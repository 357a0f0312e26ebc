import { objectName } from '../cluster-object.ts'
import { decidesAccess } from '../ingress/annotation-change.ts'
import {
  COOKIE_HEADER,
  type GuardSettings,
  isLargeEnough,
  signInUrl,
  verifyUrl,
} from '../ingress/guard.ts'
import { findHostRules } from '../ingress/host-rules.ts'
import { annotationPath, type IngressView, isOn, nginxAnnotation } from '../views/ingress.ts'
import { type DriftFinding, type DriftId } from './drift-finding.ts'
import { type DriftSettings } from './drift-settings.ts'

export const leadsToVestibule = (url: string, { verifyOrigin }: GuardSettings): boolean =>
  url.startsWith(`${verifyOrigin}/verify`)

export const asksVestibule = (ingress: IngressView, guard: GuardSettings): boolean =>
  leadsToVestibule(nginxAnnotation(ingress, 'auth-url') ?? '', guard)

/** A finding about an annotation, at its line; about the Ingress, where it is not there. */
export const ingressFinding = (
  ingress: IngressView,
  id: DriftId,
  annotation: string | undefined,
  [problem, remedy]: readonly [string, string],
): DriftFinding => {
  const { object } = ingress
  const isThere = annotation !== undefined && nginxAnnotation(ingress, annotation) !== undefined
  const line = isThere ? object.lineOf(annotationPath(annotation)) : object.origin.line
  return { id, object: objectName(object), file: object.origin.file, line, problem, remedy }
}

/** An Ingress that does not ask, although its class or a policy says that it should. */
export const notGuarded = (
  ingress: IngressView,
  { classes, policies }: DriftSettings,
): readonly DriftFinding[] => {
  const host = ingress.hosts.find((each) => findHostRules(policies ?? [], each) !== undefined)
  const isOfClass = classes.includes(ingress.className ?? '')
  if (host === undefined && !isOfClass) return []
  const because =
    host === undefined
      ? `its class ${ingress.className ?? ''} is guarded`
      : `a policy names ${host}`
  const other = nginxAnnotation(ingress, 'auth-url')
  const now = other === undefined ? 'has no auth-url' : 'asks another service'
  return [
    ingressFinding(ingress, 'ingress_not_guarded', 'auth-url', [
      `${now}, though ${because}`,
      'vestibule migrate ingress has the annotations.',
    ]),
  ]
}

export const ingressDrift = (
  ingress: IngressView,
  settings: DriftSettings,
): readonly DriftFinding[] => [
  ...urlDrift(ingress, settings.guard),
  ...headerDrift(ingress, settings),
  ...cookieDrift(ingress, settings),
  ...defeats(ingress),
]

const urlDrift = (ingress: IngressView, guard: GuardSettings): readonly DriftFinding[] => {
  const signIn = nginxAnnotation(ingress, 'auth-signin')
  const size = nginxAnnotation(ingress, 'proxy-buffer-size')
  return [
    ...(nginxAnnotation(ingress, 'auth-url') === verifyUrl(guard)
      ? []
      : [
          ingressFinding(ingress, 'auth_url_changed', 'auth-url', [
            'auth-url is not as it has to be, so nginx may tell Vestibule another host',
            `Write ${verifyUrl(guard)}.`,
          ]),
        ]),
    ...(signIn === undefined || signIn === signInUrl(guard)
      ? []
      : [
          ingressFinding(ingress, 'signin_changed', 'auth-signin', [
            'auth-signin leads somewhere else',
            `Write ${signInUrl(guard)}.`,
          ]),
        ]),
    ...(size === undefined || isLargeEnough(size)
      ? []
      : [
          ingressFinding(ingress, 'buffer_too_small', 'proxy-buffer-size', [
            `proxy-buffer-size ${size} does not hold the identity headers`,
            'Write 8k, or leave it out.',
          ]),
        ]),
  ]
}

const headerDrift = (ingress: IngressView, settings: DriftSettings): readonly DriftFinding[] => {
  const { guard, policies, presetHeaders } = settings
  const apps = ingress.hosts.flatMap((host) => findHostRules(policies ?? [], host)?.app ?? [])
  // Programs bring their own Authorization, which their twin must not take away.
  const isForPrograms = nginxAnnotation(ingress, 'auth-signin') === undefined
  const wanted = [...guard.identityHeaders, ...apps.flatMap(presetHeaders)].filter(
    (name) => !(isForPrograms && name.toLowerCase() === 'authorization'),
  )
  const listed = listedHeaders(ingress)
  const missing = [...new Set(wanted)].filter((name) => !listed.has(name.toLowerCase()))
  return missing.length === 0
    ? []
    : [
        ingressFinding(ingress, 'header_not_listed', 'auth-response-headers', [
          `auth-response-headers lacks ${missing.join(', ')}, so a client can send them itself`,
          'List all identity headers, and those of the preset.',
        ]),
      ]
}

const listedHeaders = (ingress: IngressView): ReadonlySet<string> =>
  new Set(
    (nginxAnnotation(ingress, 'auth-response-headers') ?? '')
      .split(',')
      .map((name) => name.trim().toLowerCase()),
  )

const cookieDrift = (
  ingress: IngressView,
  { policies }: DriftSettings,
): readonly DriftFinding[] => {
  const rules = ingress.hosts.flatMap((host) => findHostRules(policies ?? [], host) ?? [])
  const passing = rules.find(({ passesCookies }) => passesCookies)
  const isListed = listedHeaders(ingress).has(COOKIE_HEADER.toLowerCase())
  if (isListed && passing !== undefined) {
    return [
      ingressFinding(ingress, 'cookies_taken', 'auth-response-headers', [
        `auth-response-headers lists Cookie, and ${passing.file} says stripCookie: false, so the application gets no cookies`,
        'Take one of them away.',
      ]),
    ]
  }
  return isListed || passing !== undefined
    ? []
    : [
        ingressFinding(ingress, 'session_cookie_passed', 'auth-response-headers', [
          'auth-response-headers lacks Cookie, so the application gets the session cookie',
          'List Cookie, or write stripCookie: false in the policy if the application needs it.',
        ]),
      ]
}

/** Annotations that keep nginx from asking, by the value that does it; undefined means any. */
const DEFEATS: readonly (readonly [string, string | undefined, string])[] = [
  ['satisfy', 'any', 'lets in whoever has the address or password, without asking'],
  ['auth-cache-key', undefined, 'lets a yes outlive sign-out and revocation'],
  ['auth-keepalive', undefined, 'answers 500 or swaps identity headers from controller 1.13.0 on'],
  ['auth-snippet', undefined, 'may change what is asked'],
  ['ssl-passthrough', 'true', 'hides the requests from nginx'],
]

export const defeats = (ingress: IngressView): readonly DriftFinding[] => [
  ...DEFEATS.flatMap(([name, value, effect]) => {
    const found = nginxAnnotation(ingress, name)
    if (found === undefined || (value === 'any' && found !== value)) return []
    if (value === 'true' && !isOn(found)) return []
    return [ingressFinding(ingress, 'check_defeated', name, [`${name} ${effect}`, 'Remove it.'])]
  }),
  ...['configuration-snippet', 'server-snippet'].flatMap((name) =>
    decidesAccess(nginxAnnotation(ingress, name) ?? '')
      ? [
          ingressFinding(ingress, 'check_defeated', name, [
            `${name} decides who gets in`,
            'Remove it, or what in it does.',
          ]),
        ]
      : [],
  ),
]
