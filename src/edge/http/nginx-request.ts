import { isIP } from 'node:net'
import { type AccessRequest, type RequestSketch } from '../../core/access-request.ts'
import { type AuthQuery, parseAuthQuery } from '../../core/auth-query.ts'
import { bearerCredential } from '../../core/credential.ts'
import { parseOriginalUrl, parsePlace } from '../../core/original-url.ts'
import { type DenyReason } from '../../core/reason.ts'
import { fail, ok, type Result } from '../../core/result.ts'
import { isAmbiguousPath, routedPath } from '../../core/routed-path.ts'
import { type Question } from '../../flow/verify.ts'
import { type HeaderMeanings, type NginxHeaders, readHeaders } from './nginx-headers.ts'
import { remembering } from './remembering.ts'
import { type SentCookies } from './sent-cookies.ts'

export type NginxRequestOptions = {
  readonly requireHost: boolean
  readonly readCookies: (lines: readonly string[]) => SentCookies
  readonly meanings: HeaderMeanings
}

export type NginxQuestion = Omit<Question, 'id'> & {
  /** The client's own credentials, for the application. */
  readonly sent: { readonly cookies: string; readonly authorization: string | undefined }
}

/**
 * Reads an auth subrequest of ingress-nginx: the query of the auth URL, the headers that nginx
 * overwrites, and the client's two kinds of proof. Nothing else in the request is looked at; every
 * other header is the client's own.
 *
 * @param url request target as received
 * @param headerLines names and values in turn, as received
 */
export const readNginxRequest = (
  url: string,
  headerLines: readonly string[],
  options: NginxRequestOptions,
): Result<NginxQuestion, Refusal> => {
  const query = readQuery(queryOf(url))
  const headers = readHeaders(headerLines, options.meanings)
  const about = (): RequestSketch => ({ ...query, ...describedBy(headers) })
  if (headers.reason !== undefined) return fail({ reason: headers.reason, about: about() })
  if (query === undefined || (query.host === undefined && options.requireHost)) {
    return fail({ reason: 'misconfigured_auth_url', about: about() })
  }
  const original = readOriginal(headers)
  if (original === undefined) return fail({ reason: 'malformed_request', about: about() })
  if (query.host !== undefined && query.host !== original.host) {
    return fail({ reason: 'host_mismatch', about: about() })
  }
  const cookies = options.readCookies(headers.cookies)
  return ok({
    request: requestOf(query, headers, original),
    bearer: bearerCredential(headers.authorization, headers.proofs),
    cookie: cookies.credential,
    sent: { cookies: cookies.others, authorization: headers.authorization },
  })
}

/** nginx writes the same query for all requests to one location, and browsers ask the same places. */
const readQuery = remembering(parseAuthQuery)
const readPlace = remembering(parsePlace)
const readAddress = remembering((text) => (isIP(text) === 0 ? undefined : text))

/** Why a request was not understood, and what of it the log may say all the same. */
export type Refusal = {
  readonly reason: DenyReason
  readonly about: RequestSketch
}

const queryOf = (url: string): string => {
  const mark = url.indexOf('?')
  return mark === -1 ? '' : url.slice(mark + 1)
}

/** Member by member: spreading objects costs more than all the rest of this file. */
const requestOf = (
  { host: _host, namespace, ingress, service }: AuthQuery,
  headers: NginxHeaders,
  original: Original,
): AccessRequest => {
  const { clientIp, requestId } = describedBy(headers)
  return {
    host: original.host,
    scheme: original.scheme,
    method: original.method,
    path: original.path,
    pathIsAmbiguous: original.pathIsAmbiguous,
    pathIsConfirmed: original.pathIsConfirmed,
    clientIp,
    requestId,
    isPreflight: original.isPreflight,
    clientCertificate: original.clientCertificate,
    namespace,
    ingress,
    service,
  }
}

type Original = Omit<AccessRequest, keyof ReturnType<typeof describedBy> | PlaceKey>

/** Client text, or advice: what is not well-formed counts as not sent. */
const describedBy = ({
  realIp = '',
  requestId = '',
}: NginxHeaders): Pick<AccessRequest, 'clientIp' | 'requestId'> => ({
  clientIp: readAddress(realIp),
  requestId: /^[A-Za-z0-9._-]{1,128}$/.test(requestId) ? requestId : undefined,
})

/** A method is a token (RFC 9110 section 9.1), compared with its case. */
const METHOD = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

const readOriginal = (headers: NginxHeaders): Original | undefined => {
  const { originalUrl = '', originalMethod = '', redirect } = headers
  const original = parseOriginalUrl(originalUrl, readPlace)
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
