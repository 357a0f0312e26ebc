import { objectName, placeIn } from '../cluster-object.ts'
import { COOKIE_HEADER, type GuardSettings, signInUrl, verifyUrl } from '../ingress/guard.ts'
import { type Controller } from '../inventory/controllers.ts'
import { authUrlOf } from '../inventory/controls.ts'
import { type Scene } from '../inventory/scene.ts'
import { type IngressView } from '../views/ingress.ts'
import { type DriftFinding, type DriftId } from './drift-finding.ts'
import { leadsToVestibule } from './ingress-drift.ts'

/** The controller whose ConfigMap lets this Ingress ask; undefined where it asks by itself, or not. */
export const globalGateOf = (
  scene: Scene,
  ingress: IngressView,
  guard: GuardSettings,
): Controller | undefined => {
  const controller = scene.controllerOf(ingress)
  const asked = authUrlOf(ingress, controller)
  return asked?.isGlobal === true && leadsToVestibule(asked.url, guard) ? controller : undefined
}

/** What the ConfigMap says holds for every Ingress of the class, so it is judged once. */
export const globalDrift = (
  { configMap, settings }: Controller,
  guard: GuardSettings,
): readonly DriftFinding[] => {
  if (configMap === undefined) return []
  const found = (id: DriftId, key: string, problem: string, remedy: string): DriftFinding => {
    const { file, line } = placeIn(configMap, 'data', key)
    return { id, object: objectName(configMap), file, line, problem, remedy }
  }
  const listed = new Set(
    (settings[HEADERS] ?? '').split(',').map((name) => name.trim().toLowerCase()),
  )
  const missing = guard.identityHeaders.filter((name) => !listed.has(name.toLowerCase()))
  const signIn = settings[SIGN_IN] ?? ''
  return [
    ...(settings[URL_KEY] === verifyUrl(guard)
      ? []
      : [
          found(
            'auth_url_changed',
            URL_KEY,
            `${URL_KEY} is not as it has to be, so nginx may tell Vestibule another host`,
            `Write ${verifyUrl(guard)}.`,
          ),
        ]),
    ...(missing.length === 0
      ? []
      : [
          found(
            'header_not_listed',
            HEADERS,
            `${HEADERS} lacks ${missing.join(', ')}, so a client can send them itself`,
            'List all identity headers.',
          ),
        ]),
    ...(listed.has(COOKIE_HEADER.toLowerCase())
      ? []
      : [
          found(
            'session_cookie_passed',
            HEADERS,
            `${HEADERS} lacks Cookie, so applications get the session cookie`,
            'List Cookie.',
          ),
        ]),
    ...(signIn === '' || signIn === signInUrl(guard)
      ? []
      : [
          found(
            'signin_changed',
            SIGN_IN,
            `${SIGN_IN} leads somewhere else`,
            `Write ${signInUrl(guard)}.`,
          ),
        ]),
  ]
}

const URL_KEY = 'global-auth-url'
const HEADERS = 'global-auth-response-headers'
const SIGN_IN = 'global-auth-signin'
