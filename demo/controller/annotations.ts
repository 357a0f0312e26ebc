import type { Ingress } from './ingress.ts'

const PREFIX = 'nginx.ingress.kubernetes.io/'

/** What the controller's annotation validators admit (`annotations/parser`, v1.12 and later). */
const URL_TEXT = /^[A-Za-z0-9\-._~/:,?&=$\s]*$/
const HEADER_NAMES = /^[A-Za-z0-9\-_, ]*$/
const METHOD = /^(?:GET|HEAD|POST|PUT|PATCH|DELETE|CONNECT|OPTIONS|TRACE)$/
const CACHE_KEY = /^[A-Za-z0-9\-_${}]*$/
const SIZE = /^\d+[kKmM]?$/
const CODES = /^\d{3}(?:\s*,\s*\d{3})*$/
const WORD = /^[A-Za-z0-9\-._/]*$/
const BOOLEAN = /^(?:true|false)$/
const CORS_TEXT = /^[A-Za-z0-9\-_.,:/* ]*$/
const DURATIONS = /^[A-Za-z0-9, ]*$/

const VALIDATORS: ReadonlyMap<string, RegExp> = new Map([
  ['auth-url', URL_TEXT],
  ['auth-method', METHOD],
  ['auth-signin', URL_TEXT],
  ['auth-signin-redirect-param', URL_TEXT],
  ['auth-response-headers', HEADER_NAMES],
  ['auth-proxy-set-headers', WORD],
  ['auth-request-redirect', URL_TEXT],
  ['auth-always-set-cookie', BOOLEAN],
  ['auth-cache-key', CACHE_KEY],
  ['auth-cache-duration', DURATIONS],
  ['proxy-buffer-size', SIZE],
  ['proxy-body-size', SIZE],
  // There is no global authentication here, so this changes nothing.
  ['enable-global-auth', BOOLEAN],
  ['enable-cors', BOOLEAN],
  ['cors-allow-origin', CORS_TEXT],
  ['cors-allow-methods', CORS_TEXT],
  ['cors-allow-headers', CORS_TEXT],
  ['cors-expose-headers', CORS_TEXT],
  ['cors-allow-credentials', BOOLEAN],
  ['cors-max-age', /^\d+$/],
  ['custom-http-errors', CODES],
  ['default-backend', WORD],
  ['auth-tls-secret', WORD],
  ['auth-tls-verify-client', /^(?:on|off|optional|optional_no_ca)$/],
  ['auth-tls-pass-certificate-to-upstream', BOOLEAN],
  ['ssl-redirect', BOOLEAN],
  ['force-ssl-redirect', BOOLEAN],
])

export type ExternalAuth = {
  readonly url: string
  readonly method: string | undefined
  readonly signin: string | undefined
  readonly signinRedirectParam: string
  readonly responseHeaders: readonly string[]
  readonly proxySetHeaders: string | undefined
  readonly requestRedirect: string
  readonly alwaysSetCookie: boolean
  readonly cacheKey: string | undefined
  readonly cacheDurations: readonly string[]
}

export type Cors = {
  readonly origins: readonly string[]
  readonly methods: string
  readonly headers: string
  readonly exposeHeaders: string | undefined
  readonly credentials: boolean
  readonly maxAge: string
}

export type ClientTls = {
  readonly secret: string
  readonly verify: string
  readonly passesCertificate: boolean
}

export type Annotations = {
  readonly clientTls: ClientTls | undefined
  readonly externalAuth: ExternalAuth | undefined
  readonly cors: Cors | undefined
  readonly customErrors: { readonly codes: readonly string[]; readonly service: string } | undefined
  readonly bufferSize: string
  readonly bodySize: string
  readonly sslRedirect: 'never' | 'with-tls' | 'always'
}

type Read = (name: string) => string | undefined

const commaList = (text: string | undefined): readonly string[] =>
  (text ?? '')
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')

const externalAuthOf = (read: Read): ExternalAuth | undefined => {
  const url = read('auth-url')
  if (url === undefined) return undefined
  const durations = commaList(read('auth-cache-duration'))
  return {
    url,
    method: read('auth-method'),
    signin: read('auth-signin'),
    signinRedirectParam: read('auth-signin-redirect-param') ?? 'rd',
    responseHeaders: commaList(read('auth-response-headers')),
    proxySetHeaders: read('auth-proxy-set-headers'),
    requestRedirect: read('auth-request-redirect') ?? '$request_uri',
    alwaysSetCookie: read('auth-always-set-cookie') === 'true',
    cacheKey: read('auth-cache-key'),
    cacheDurations: durations.length > 0 ? durations : ['200 202 401 5m'],
  }
}

const corsOf = (read: Read): Cors | undefined =>
  read('enable-cors') === 'true'
    ? {
        origins: commaList(read('cors-allow-origin') ?? '*'),
        methods: read('cors-allow-methods') ?? 'GET, PUT, POST, DELETE, PATCH, OPTIONS',
        headers:
          read('cors-allow-headers') ??
          'DNT,Keep-Alive,User-Agent,X-Requested-With,If-Modified-Since,Cache-Control,Content-Type,Range,Authorization',
        exposeHeaders: read('cors-expose-headers'),
        credentials: read('cors-allow-credentials') !== 'false',
        maxAge: read('cors-max-age') ?? '1728000',
      }
    : undefined

const clientTlsOf = (read: Read): ClientTls | undefined => {
  const secret = read('auth-tls-secret')
  if (secret === undefined) return undefined
  return {
    secret,
    verify: read('auth-tls-verify-client') ?? 'on',
    passesCertificate: read('auth-tls-pass-certificate-to-upstream') === 'true',
  }
}

const customErrorsOf = (read: Read): Annotations['customErrors'] => {
  const codes = commaList(read('custom-http-errors'))
  const service = read('default-backend')
  return codes.length > 0 && service !== undefined ? { codes, service } : undefined
}

const sslRedirectOf = (read: Read): Annotations['sslRedirect'] => {
  if (read('force-ssl-redirect') === 'true') return 'always'
  return read('ssl-redirect') === 'false' ? 'never' : 'with-tls'
}

const validate = (ingress: Ingress, name: string, value: string): void => {
  const where = `Ingress ${ingress.metadata.namespace}/${ingress.metadata.name}`
  const validator = VALIDATORS.get(name)
  if (validator === undefined) {
    throw new Error(`${where}: annotation ${name} is not rendered here`)
  }
  // The controller denies the whole location for a bad auth-url; see `authTarget`.
  if (name !== 'auth-url' && !validator.test(value)) {
    throw new Error(`${where}: the controller refuses annotation ${name}: ${value}`)
  }
}

export const isAdmissibleUrl = (text: string): boolean => URL_TEXT.test(text)

/** The annotations of an Ingress with the controller's defaults; unknown ones are refused. */
export const readAnnotations = (ingress: Ingress): Annotations => {
  const values = new Map<string, string>()
  for (const [key, value] of Object.entries(ingress.metadata.annotations ?? {})) {
    if (!key.startsWith(PREFIX)) continue
    const name = key.slice(PREFIX.length)
    validate(ingress, name, value)
    values.set(name, value)
  }
  const read: Read = (name) => values.get(name)
  return {
    clientTls: clientTlsOf(read),
    externalAuth: externalAuthOf(read),
    cors: corsOf(read),
    customErrors: customErrorsOf(read),
    bufferSize: read('proxy-buffer-size') ?? '4k',
    bodySize: read('proxy-body-size') ?? '1m',
    sslRedirect: sslRedirectOf(read),
  }
}
