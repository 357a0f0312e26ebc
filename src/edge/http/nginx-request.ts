import { isIP } from 'node:net'
import { type AccessRequest, type RequestSketch } from '../../core/access-request.ts'
import { parseAuthQuery } from '../../core/auth-query.ts'
import { bearerCredential, cookieCredential } from '../../core/credential.ts'
import { parseOriginalUrl } from '../../core/original-url.ts'
import { type DenyReason } from '../../core/reason.ts'
import { fail, ok, type Result } from '../../core/result.ts'
import { isAmbiguousPath, routedPath } from '../../core/routed-path.ts'
import { type Question } from '../../flow/verify.ts'

export type NginxRequestOptions = {
  readonly requireHost: boolean
  readonly cookieName: string
  /** Names of all headers in which an application may be told who it is, in lower case. */
  readonly identityNames: ReadonlySet<string>
}

export type NginxQuestion = Omit<Question, 'id'>

/**
 * Reads an auth subrequest of ingress-nginx: the query of the auth URL, the headers that nginx
 * overwrites, and the client's two kinds of proof. Nothing else in the request is looked at; every
 * other header is the client's own.
 *
 * @param url request target as received
 * @param rawHeaders names and values in turn, as received
 */
export const readNginxRequest = (
  url: string,
  rawHeaders: readonly string[],
  options: NginxRequestOptions,
): Result<NginxQuestion, Refusal> => {
  const query = parseAuthQuery(queryOf(url))
  const headers = readHeaders(rawHeaders, options.identityNames)
  const { reason, ...plain } = headers
  const about = { ...query, ...describedBy(headers) }
  if (reason !== undefined) return fail({ reason, about })
  if (query === undefined || (query.host === undefined && options.requireHost)) {
    return fail({ reason: 'misconfigured_auth_url', about })
  }
  const original = readOriginal(plain)
  if (original === undefined) return fail({ reason: 'malformed_request', about })
  if (query.host !== undefined && query.host !== original.host) {
    return fail({ reason: 'host_mismatch', about })
  }
  return ok({
    request: { ...query, ...describedBy(headers), ...original },
    bearer: bearerCredential(plain.authorization, plain.proofs),
    cookie: cookieCredential(plain.cookies, options.cookieName),
  })
}

/** Why a request was not understood, and what of it the log may say all the same. */
export type Refusal = {
  readonly reason: DenyReason
  readonly about: RequestSketch
}

const queryOf = (url: string): string => {
  const mark = url.indexOf('?')
  return mark === -1 ? '' : url.slice(mark + 1)
}

type TrustedHeaders = {
  originalUrl?: string
  originalMethod?: string
  redirect?: string
  realIp?: string
  requestId?: string
  authorization?: string
  origin?: string
  requestedMethod?: string
  certificate?: string
  certificateVerdict?: string
}
type Headers = TrustedHeaders & {
  readonly cookies: string[]
  /** Lines of the DPoP header: more than one is a bad proof (RFC 9449 section 4.3). */
  readonly proofs: string[]
  /** Set where a header alone is ground for refusal. */
  reason?: DenyReason
}

const SINGLE: ReadonlyMap<string, keyof TrustedHeaders> = new Map([
  ['x-original-url', 'originalUrl'],
  ['x-original-method', 'originalMethod'],
  ['x-auth-request-redirect', 'redirect'],
  ['x-real-ip', 'realIp'],
  ['x-request-id', 'requestId'],
  ['authorization', 'authorization'],
  // The client's own; a rule may ask whether this is a CORS preflight, which is no privilege.
  ['origin', 'origin'],
  ['access-control-request-method', 'requestedMethod'],
  // The client's own too, unless the policy of the host says that the proxy sets them.
  ['ssl-client-cert', 'certificate'],
  ['ssl-client-verify', 'certificateVerdict'],
])

/** One pass over the raw headers; Node's own view would join or drop duplicates. */
const readHeaders = (
  raw: readonly string[],
  identityNames: NginxRequestOptions['identityNames'],
): Headers => {
  const headers: Headers = { cookies: [], proofs: [] }
  for (let index = 0; index < raw.length; index += 2) {
    const name = (raw[index] ?? '').toLowerCase()
    const value = raw[index + 1] ?? ''
    const key = SINGLE.get(name)
    if (key !== undefined) {
      if (headers[key] !== undefined) headers.reason = 'duplicate_header'
      headers[key] = value
    } else if (name === 'cookie') {
      headers.cookies.push(value)
    } else if (name === 'dpop') {
      headers.proofs.push(value)
    } else if (impersonates(name, identityNames)) {
      headers.reason = 'impersonation_header'
    }
  }
  return headers
}

/**
 * Whether a name claims to be somebody: `Impersonate-*`, or an identity header in a spelling that
 * nginx does not overwrite. Applications that fold `_` and `.` (CGI, WSGI, PHP) would see two.
 */
const impersonates = (name: string, identityNames: ReadonlySet<string>): boolean => {
  const folded = /[^a-z0-9-]/.test(name) ? name.replace(/[^a-z0-9-]/g, '-') : name
  return folded.startsWith('impersonate-') || (folded !== name && identityNames.has(folded))
}

/** Client text, or advice: what is not well-formed counts as not sent. */
const describedBy = ({
  realIp = '',
  requestId = '',
}: Headers): Pick<AccessRequest, 'clientIp' | 'requestId'> => ({
  clientIp: isIP(realIp) === 0 ? undefined : realIp,
  requestId: /^[A-Za-z0-9._-]{1,128}$/.test(requestId) ? requestId : undefined,
})

/** A method is a token (RFC 9110 section 9.1), compared with its case. */
const METHOD = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

const readOriginal = (
  headers: Headers,
): Omit<AccessRequest, keyof ReturnType<typeof describedBy> | PlaceKey> | undefined => {
  const { originalUrl = '', originalMethod = '', redirect } = headers
  const original = parseOriginalUrl(originalUrl)
  const path = original === undefined ? undefined : routedPath(original.target)
  if (original === undefined || path === undefined) return undefined
  if (!METHOD.test(originalMethod)) return undefined
  const { scheme, host, target } = original
  return {
    scheme,
    host,
    path,
    method: originalMethod,
    pathIsAmbiguous: isAmbiguousPath(target),
    pathIsConfirmed: redirect === undefined || redirect === target,
    isPreflight: headers.origin !== undefined && headers.requestedMethod !== undefined,
    clientCertificate: headers.certificateVerdict === 'SUCCESS' ? headers.certificate : undefined,
  }
}

type PlaceKey = 'namespace' | 'ingress' | 'service'
