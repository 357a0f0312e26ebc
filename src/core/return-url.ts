import { type HostName } from './ids.ts'
import { type OriginalUrl, parseOriginalUrl } from './original-url.ts'
import { routedPath } from './routed-path.ts'

/** Which places sign-in and sign-out may send a browser to. */
export type ReturnUrlRules = {
  /** Origin of `publicUrl`, such as `https://auth.example.com`. */
  readonly publicOrigin: string
  /** Plain http is for development, when `publicUrl` itself is http. */
  readonly allowHttp: boolean
  /** True for hosts that some policy names. */
  readonly isRoutedHost: (host: HostName) => boolean
}

const LONGEST = 2048

/** Our own flow: sending somebody there would loop, or sign him out. One page only shows. */
const OWN_PATH = /^\/(?:oauth2(?!\/sessions$)|\.well-known)(?:\/|$)/i

/**
 * Rebuilds a return URL from its checked parts, so that what is sent is what was checked. Knows
 * three spellings: a path, a whole URL, and the controller's half-escaped form, in which
 * `$escaped_request_uri` follows an unescaped scheme and host.
 *
 * @returns a path for a path, else an absolute URL; undefined sends the caller to `/`.
 */
export const parseReturnUrl = (text: string, rules: ReturnUrlRules): string | undefined => {
  if (text.length > LONGEST || !/^[\x21-\x7e]+$/.test(text)) return undefined
  if (text.startsWith('/')) return isSafeTarget(text) && !isOwn(text) ? text : undefined
  const whole = withPath(unescapeTarget(text))
  const parsed = parseOriginalUrl(whole)
  const authority = AUTHORITY.exec(whole)
  if (parsed === undefined || authority === null) return undefined
  return isSafeTarget(parsed.target) ? rebuild(parsed, authority[2], rules) : undefined
}

/** People leave the slash out of `https://app.example.com`. */
const withPath = (text: string): string =>
  /^[a-z]+:\/\/[^/?#%\\]+$/i.test(text) ? `${text}/` : text

const AUTHORITY = /^[^/]*\/\/([^/:]*[^/:.])(?::([0-9]+))?(?:\/|$)/

const rebuild = (
  { scheme, host, target }: OriginalUrl,
  port: string | undefined,
  rules: ReturnUrlRules,
): string | undefined => {
  const isDefault = port === undefined || port === DEFAULT_PORT[scheme]
  const origin = `${scheme}://${host}${isDefault ? '' : `:${port}`}`
  if (origin === rules.publicOrigin) return isOwn(target) ? undefined : `${origin}${target}`
  const allowed =
    (scheme === 'https' || rules.allowHttp) &&
    (isDefault || rules.publicOrigin.endsWith(`:${port}`)) &&
    rules.isRoutedHost(host)
  return allowed ? `${origin}${target}` : undefined
}

const DEFAULT_PORT = { http: '80', https: '443' } as const

const isOwn = (target: string): boolean => OWN_PATH.test(routedPath(target) ?? '/oauth2')

/** `https://app.test%2Fa%3Fb` → `https://app.test/a?b`; anything malformed stays as it is. */
const unescapeTarget = (text: string): string => {
  const match = /^(https?:\/\/[^/%]*)(%2f.*)$/i.exec(text)
  if (match === null) return text
  const [, origin = '', target = ''] = match
  try {
    return `${origin}${decodeURIComponent(target)}`
  } catch {
    return text
  }
}

/**
 * No control character, no backslash, and no second slash at the head of the path, in any number
 * of percent layers or behind dot segments: somebody may glue it to something or resolve it again.
 * Dot segments can bring any two slashes to the head, so both together are refused.
 */
const isSafeTarget = (target: string): boolean => {
  const [path = ''] = target.split(/[?#]/, 1)
  const flat = withoutLayers(path)
  if (flat === undefined || /\\|\p{Cc}/u.test(flat) || flat.startsWith('//')) return false
  return !(flat.includes('//') && /\/\.\.?(?:\/|$)/.test(flat))
}

const MOST_LAYERS = 8

/** Decodes ASCII until there is nothing left to decode; undefined where that takes too long. */
const withoutLayers = (text: string): string | undefined => {
  let flat = text
  for (let layer = 0; layer <= MOST_LAYERS; layer += 1) {
    const next = flat.replace(/%([0-7][0-9a-f])/gi, (_match, pair: string) =>
      String.fromCharCode(Number.parseInt(pair, 16)),
    )
    if (next === flat) return flat
    flat = next
  }
  return undefined
}
