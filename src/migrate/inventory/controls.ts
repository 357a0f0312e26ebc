import { type IngressView, isOff, isOn, nginxAnnotation } from '../views/ingress.ts'
import { type Controller } from './controllers.ts'
import { isEverybody, listItems } from './shown.ts'

/** What stands between the network and an application. */
export type Control = 'vestibule' | 'other_gate' | 'client_certificate' | 'password' | 'addresses'

export const ALLOWLISTS = ['whitelist-source-range', 'allowlist-source-range'] as const

/** As the controller reads it, which may have been told another prefix. */
const readBy = (
  controller: Controller | undefined,
  ingress: IngressView,
  name: string,
): string | undefined =>
  controller?.otherPrefix === undefined
    ? nginxAnnotation(ingress, name)
    : nginxAnnotation(ingress, name, `${controller.otherPrefix}/`)

/** The first annotation that lists addresses, with its name and ranges. */
export const allowlistOf = (
  ingress: IngressView,
  controller?: Controller,
): { readonly name: string; readonly ranges: readonly string[] } | undefined => {
  for (const name of ALLOWLISTS) {
    const value = readBy(controller, ingress, name)
    if (value !== undefined) return { name, ranges: listItems(value) }
  }
  return undefined
}

/** The URL that is asked for this Ingress: its own, else that of the controller's ConfigMap. */
export const authUrlOf = (
  ingress: IngressView,
  controller: Controller | undefined,
): { readonly url: string; readonly isGlobal: boolean } | undefined => {
  const own = readBy(controller, ingress, 'auth-url')
  if (own !== undefined) return { url: own, isGlobal: false }
  const url = controller?.settings['global-auth-url']
  const isAway = isOff(readBy(controller, ingress, 'enable-global-auth'))
  return url === undefined || url === '' || isAway ? undefined : { url, isGlobal: true }
}

/** By the Service that is asked, or by the parameters that only Vestibule knows. */
export const asksVestibule = (url: string): boolean =>
  /^https?:\/\/[^/:.]*vestibule[^/:.]*[.:/]/i.test(url) || /\/verify\?.*\bhost=/.test(url)

export const controlsOf = (
  ingress: IngressView,
  controller: Controller | undefined,
): readonly Control[] => {
  const authUrl = authUrlOf(ingress, controller)
  const found: Control[] = []
  if (authUrl !== undefined) found.push(asksVestibule(authUrl.url) ? 'vestibule' : 'other_gate')
  if (asksForCertificate(ingress, controller)) found.push('client_certificate')
  if (readBy(controller, ingress, 'auth-type') !== undefined) found.push('password')
  if (isLimitedToAddresses(ingress, controller)) found.push('addresses')
  return found
}

const asksForCertificate = (ingress: IngressView, controller: Controller | undefined): boolean => {
  const verify = readBy(controller, ingress, 'auth-tls-verify-client')?.toLowerCase() ?? 'on'
  return readBy(controller, ingress, 'auth-tls-secret') !== undefined && verify === 'on'
}

const isLimitedToAddresses = (
  ingress: IngressView,
  controller: Controller | undefined,
): boolean => {
  const ranges =
    allowlistOf(ingress, controller)?.ranges ??
    listItems(controller?.settings['whitelist-source-range'] ?? '')
  return ranges.length > 0 && !isEverybody(ranges)
}

/** With `satisfy: any` one of them is enough, so an address alone lets people in. */
export const isSatisfyAny = (ingress: IngressView): boolean =>
  nginxAnnotation(ingress, 'satisfy')?.toLowerCase() === 'any'

export const hasSslPassthrough = (ingress: IngressView): boolean =>
  isOn(nginxAnnotation(ingress, 'ssl-passthrough'))
