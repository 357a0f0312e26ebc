import { type IngressView, nginxAnnotation } from '../views/ingress.ts'
import { type Controller } from './controllers.ts'
import { isTrue } from './scene.ts'
import { isEverybody, listItems } from './shown.ts'

/** What stands between the network and an application. */
export type Control = 'vestibule' | 'other_gate' | 'client_certificate' | 'password' | 'addresses'

export const ALLOWLISTS = ['whitelist-source-range', 'allowlist-source-range'] as const

/** The first annotation that lists addresses, with its name and ranges. */
export const allowlistOf = (
  ingress: IngressView,
): { readonly name: string; readonly ranges: readonly string[] } | undefined => {
  for (const name of ALLOWLISTS) {
    const value = nginxAnnotation(ingress, name)
    if (value !== undefined) return { name, ranges: listItems(value) }
  }
  return undefined
}

/** The URL that is asked for this Ingress: its own, else that of the controller's ConfigMap. */
export const authUrlOf = (
  ingress: IngressView,
  controller: Controller | undefined,
): { readonly url: string; readonly isGlobal: boolean } | undefined => {
  const own = nginxAnnotation(ingress, 'auth-url')
  if (own !== undefined) return { url: own, isGlobal: false }
  const url = controller?.settings['global-auth-url']
  const isOff = nginxAnnotation(ingress, 'enable-global-auth')?.toLowerCase() === 'false'
  return url === undefined || url === '' || isOff ? undefined : { url, isGlobal: true }
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
  if (asksForCertificate(ingress)) found.push('client_certificate')
  if (nginxAnnotation(ingress, 'auth-type') !== undefined) found.push('password')
  if (isLimitedToAddresses(ingress, controller)) found.push('addresses')
  return found
}

const asksForCertificate = (ingress: IngressView): boolean => {
  const verify = nginxAnnotation(ingress, 'auth-tls-verify-client')?.toLowerCase() ?? 'on'
  return nginxAnnotation(ingress, 'auth-tls-secret') !== undefined && verify === 'on'
}

const isLimitedToAddresses = (
  ingress: IngressView,
  controller: Controller | undefined,
): boolean => {
  const ranges =
    allowlistOf(ingress)?.ranges ?? listItems(controller?.settings['whitelist-source-range'] ?? '')
  return ranges.length > 0 && !ranges.some(isEverybody)
}

/** With `satisfy: any` one of them is enough, so an address alone lets people in. */
export const isSatisfyAny = (ingress: IngressView): boolean =>
  nginxAnnotation(ingress, 'satisfy')?.toLowerCase() === 'any'

export const hasSslPassthrough = (ingress: IngressView): boolean =>
  isTrue(nginxAnnotation(ingress, 'ssl-passthrough'))
