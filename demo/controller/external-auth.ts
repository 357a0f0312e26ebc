import { createHash } from 'node:crypto'
import { isAdmissibleUrl } from './annotations.ts'
import { clientCertificateHeaders } from './client-certificates.ts'
import type { Location } from './locations.ts'
import { block, type Lines, quote, when } from './nginx-text.ts'

export type AuthOptions = {
  /** Cluster DNS name with port → `127.0.0.1:port`. */
  readonly clusterNames: Readonly<Record<string, string>>
  /** ConfigMap `namespace/name` → its data, for `auth-proxy-set-headers`. */
  readonly configMaps?: Readonly<Record<string, Readonly<Record<string, string>>>>
  /** In seconds. The controller sets none, which leaves nginx's 60. */
  readonly authTimeout?: number
}

type AuthTarget =
  | { readonly kind: 'denied'; readonly reason: string }
  | { readonly kind: 'target'; readonly url: string; readonly host: string }

const AUTH_URL = /^(https?):\/\/([^/?#:]+)(?::(\d+))?(?=[/?#]|$)(.*)$/
const ADDRESS = /^(?:\d{1,3}\.){3}\d{1,3}$/

const addressOf = (authority: string, { clusterNames }: AuthOptions): string => {
  if (ADDRESS.test(authority.replace(/:\d+$/, ''))) return authority
  const address = clusterNames[authority]
  if (address === undefined) throw new Error(`no address is given for ${authority} of auth-url`)
  return address
}

/** An auth-url that cannot be parsed closes its location with 503; it never opens it. */
export const authTarget = (url: string, options: AuthOptions): AuthTarget => {
  const parts = AUTH_URL.exec(url)
  if (parts === null || !isAdmissibleUrl(url)) {
    return { kind: 'denied', reason: 'could not parse auth-url annotation' }
  }
  const [, scheme = '', host = '', port, rest = ''] = parts
  if (host.includes('..')) return { kind: 'denied', reason: 'invalid url host' }
  const authority = port === undefined ? host : `${host}:${port}`
  return { kind: 'target', host, url: `${scheme}://${addressOf(authority, options)}${rest}` }
}

/** `buildAuthLocation` of the controller. */
const authPathOf = ({ path, pathType }: Location): string =>
  `/_external-auth-${Buffer.from(path).toString('base64url')}-${pathType}`

/** `buildAuthSignURLLocation` of the controller. */
const signInNameOf = (path: string, signIn: string): string =>
  `@${createHash('sha1').update(path).update(signIn).digest('hex')}`

/** `buildAuthSignURL` of the controller: appends the parameter unless it is there already. */
const signInUrl = (signIn: string, parameter: string): string => {
  const query = new URLSearchParams(signIn.split('?').slice(1).join('?'))
  if ((query.get(parameter) ?? '') !== '') return signIn
  const joiner = query.size === 0 ? '?' : '&'
  return `${signIn}${joiner}${parameter}=$pass_access_scheme://$http_host$escaped_request_uri`
}

const cacheLines = (location: Location, host: string): Lines => {
  const auth = location.annotations.externalAuth
  if (auth?.cacheKey === undefined) return []
  // The controller hashes the key in Lua; the keyspace is the same without.
  return [
    `set $tmp_cache_key '${host}${authPathOf(location)}${auth.cacheKey}';`,
    'proxy_cache auth_cache;',
    ...auth.cacheDurations.map((duration) => `proxy_cache_valid ${duration};`),
    'proxy_cache_key "$tmp_cache_key";',
  ]
}

const proxySetHeaderLines = (name: string | undefined, { configMaps = {} }: AuthOptions): Lines => {
  if (name === undefined) return []
  const data = configMaps[name]
  if (data === undefined) throw new Error(`no ConfigMap ${name} for auth-proxy-set-headers`)
  return Object.entries(data).map(([header, value]) => `proxy_set_header "${header}" "${value}";`)
}

const timeoutLines = ({ authTimeout }: AuthOptions): Lines =>
  authTimeout === undefined
    ? []
    : ['connect', 'send', 'read'].map((what) => `proxy_${what}_timeout ${authTimeout}s;`)

/** The internal location from which nginx asks the auth service. */
export const authLocation = (location: Location, host: string, options: AuthOptions): Lines => {
  const { externalAuth: auth, bufferSize, bodySize } = location.annotations
  if (auth === undefined) return []
  const target = authTarget(auth.url, options)
  if (target.kind === 'denied') return []
  return block(`location = ${authPathOf(location)}`, [
    'internal;',
    'access_log off;',
    ...cacheLines(location, host),
    'proxy_intercept_errors off;',
    'proxy_pass_request_body off;',
    'proxy_set_header Content-Length "";',
    'proxy_set_header X-Forwarded-Proto "";',
    'proxy_set_header X-Request-ID $req_id;',
    ...when(auth.method !== undefined, [
      `proxy_method ${auth.method};`,
      'proxy_set_header X-Original-URI $request_uri;',
      'proxy_set_header X-Scheme $pass_access_scheme;',
    ]),
    `proxy_set_header Host ${target.host};`,
    'proxy_set_header X-Original-URL $scheme://$http_host$request_uri;',
    'proxy_set_header X-Original-Method $request_method;',
    'proxy_set_header X-Sent-From "nginx-ingress-controller";',
    'proxy_set_header X-Real-IP $remote_addr;',
    'proxy_set_header X-Forwarded-For $remote_addr;',
    `proxy_set_header X-Auth-Request-Redirect ${auth.requestRedirect};`,
    `proxy_buffering ${auth.cacheKey === undefined ? 'off' : 'on'};`,
    `proxy_buffer_size ${bufferSize};`,
    `proxy_buffers 4 ${bufferSize};`,
    'proxy_request_buffering on;',
    'proxy_ssl_server_name on;',
    ...when(target.url.startsWith('https:'), [`proxy_ssl_name ${target.host};`]),
    'proxy_pass_request_headers on;',
    `client_max_body_size ${bodySize};`,
    ...proxySetHeaderLines(auth.proxySetHeaders, options),
    'proxy_http_version 1.1;',
    ...clientCertificateHeaders(location),
    ...timeoutLines(options),
    `set $target ${target.url};`,
    'proxy_pass $target;',
  ])
}

/** The named location behind a 401; `extra` are headers that the controller adds to every answer. */
export const signInLocation = (location: Location, extra: Lines): Lines => {
  const { externalAuth: auth } = location.annotations
  if (auth?.signin === undefined) return []
  return block(`location ${signInNameOf(location.path, auth.signin)}`, [
    'internal;',
    'add_header Set-Cookie $auth_cookie;',
    ...extra,
    `return 302 ${signInUrl(auth.signin, auth.signinRedirectParam)};`,
  ])
}

/** What the main location says about authentication. */
export const authDirectives = (location: Location, canEscape: boolean): Lines => {
  const { externalAuth: auth } = location.annotations
  if (auth === undefined) return []
  return [
    `auth_request ${authPathOf(location)};`,
    'auth_request_set $auth_cookie $upstream_http_set_cookie;',
    `add_header Set-Cookie $auth_cookie${auth.alwaysSetCookie ? ' always' : ''};`,
    ...auth.responseHeaders.flatMap((header, index) => [
      `auth_request_set $authHeader${index} $upstream_http_${header.toLowerCase().replaceAll('-', '_')};`,
      `proxy_set_header '${header}' $authHeader${index};`,
    ]),
    ...when(auth.signin !== undefined, [
      canEscape
        ? 'set_escape_uri $escaped_request_uri $request_uri;'
        : 'set $escaped_request_uri $request_uri;',
      `error_page 401 = ${signInNameOf(location.path, auth.signin ?? '')};`,
    ]),
  ]
}

export const deniedReason = (location: Location, options: AuthOptions): string | undefined => {
  const { externalAuth: auth } = location.annotations
  const target = auth === undefined ? undefined : authTarget(auth.url, options)
  return target?.kind === 'denied' ? quote(target.reason) : undefined
}
