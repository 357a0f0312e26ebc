import { DEFAULT_IDENTITY_HEADERS } from '../../core/identity-headers.ts'
import { PREFIX } from './annotation-rules.ts'

/** How the Ingresses of this cluster ask Vestibule. */
export type GuardSettings = {
  /** Origin of the verify listener inside the cluster. */
  readonly verifyOrigin: string
  /** Origin of the public listener, as browsers reach it. */
  readonly publicUrl: string
  /** Names of the configured identity headers. */
  readonly identityHeaders: readonly string[]
}

export const DEFAULT_VERIFY_ORIGIN = 'http://vestibule.vestibule.svc.cluster.local:8080'

export const STANDARD_HEADERS: readonly string[] = DEFAULT_IDENTITY_HEADERS.map(([name]) => name)

/** nginx fills in the variables for each Ingress; `$host` is the host that it routed to. */
const VERIFY_QUERY =
  'host=$host&ns=$namespace&ing=$ingress_name&svc=$service_name&lp=$location_path'

export const verifyUrl = ({ verifyOrigin }: GuardSettings): string =>
  `${verifyOrigin}/verify?${VERIFY_QUERY}`

export const signInUrl = ({ publicUrl }: GuardSettings): string => `${publicUrl}/oauth2/start`

/** Listed like an identity header: the application gets its own cookies, and never the session's. */
export const COOKIE_HEADER = 'Cookie'

/** All identity headers have to fit one buffer; Vestibule stays below 3 KiB. */
const SMALLEST_BUFFER = 4096

/** Room for cookies of the application besides; drafts of policies say the same. */
export const BUFFER_SIZE = '8k'

/** What the controller takes where an Ingress says nothing. */
const DEFAULT_BUFFER = '4k'

/** Who is behind an Ingress: people, who can be sent to sign in, or programs, who cannot. */
export type Audience = 'people' | 'programs'

/**
 * The annotations that guard an Ingress, by their full names, in the order of the guide. Headers are
 * those of the preset, and `Cookie` unless the policy leaves cookies alone.
 */
export const guardAnnotations = (
  settings: GuardSettings,
  audience: Audience,
  moreHeaders: readonly string[],
): ReadonlyMap<string, string> =>
  new Map([
    [`${PREFIX}auth-url`, verifyUrl(settings)],
    ...(audience === 'people' ? [[`${PREFIX}auth-signin`, signInUrl(settings)] as const] : []),
    [`${PREFIX}auth-response-headers`, headerList(settings, moreHeaders)],
    [`${PREFIX}proxy-buffer-size`, BUFFER_SIZE],
  ])

/** A header that is not listed passes from the client to the application. */
const headerList = ({ identityHeaders }: GuardSettings, more: readonly string[]): string => {
  const names = new Map([...identityHeaders, ...more].map((name) => [name.toLowerCase(), name]))
  return [...names.values()].join(',')
}

/** What nginx makes of a size; undefined where it is none. */
const bytesOf = (size: string): number | undefined => {
  const [, digits = '', unit = ''] = /^(\d{1,9})([bkmg]?)$/i.exec(size) ?? []
  if (digits === '') return undefined
  const exponent = ['', 'k', 'm', 'g'].indexOf(unit.toLowerCase())
  return Number(digits) * 1024 ** Math.max(exponent, 0)
}

export const isLargeEnough = (size: string): boolean => (bytesOf(size) ?? 0) >= SMALLEST_BUFFER

/** Whether a buffer, as an Ingress says it or leaves it out, holds what another size would. */
export const isAtLeast = (size: string | undefined, least: string): boolean =>
  (bytesOf(size ?? DEFAULT_BUFFER) ?? 0) >= (bytesOf(least) ?? 0)
