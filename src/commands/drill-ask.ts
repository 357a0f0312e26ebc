import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { type DrillAnswer } from '../flow/drill.ts'
import { printable } from './printable.ts'

/** One place to ask, and how its answers are read. */
export type DrillPlace = {
  readonly url: URL
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly read: (response: IncomingMessage) => DrillAnswer
}

export type DrillRequest = {
  readonly host: string
  readonly path: string
  readonly method: string
  readonly scheme: 'http' | 'https'
  /** The header that carries the proof, and its value. */
  readonly proof: readonly [name: string, value: string]
}

const TIMEOUT_MS = 2000

/** The verify listener, asked as nginx would ask it. */
export const verifyPlace = (address: string, request: DrillRequest): DrillPlace => {
  const { host, path, method, scheme, proof } = request
  const url = new URL('/verify', address)
  url.searchParams.set('host', host)
  return {
    url,
    method: 'GET',
    headers: {
      'X-Original-URL': `${scheme}://${host}${path}`,
      'X-Original-Method': method,
      'X-Auth-Request-Redirect': path,
      'X-Real-IP': '127.0.0.1',
      [proof[0]]: proof[1],
    },
    read: ({ statusCode = 0, headers }) => ({
      verdict: VERIFY_VERDICTS.get(statusCode) ?? 'unclear',
      detail: `${statusCode} ${printable(String(headers['x-vestibule-reason'] ?? ''))}`.trim(),
    }),
  }
}

const VERIFY_VERDICTS: ReadonlyMap<number, DrillAnswer['verdict']> = new Map([
  [200, 'allowed'],
  [401, 'refused'],
  [403, 'refused'],
])

/** The site itself, through everything that stands before it. */
export const sitePlace = (
  through: URL,
  { host, method, proof }: DrillRequest,
  publicOrigin: string,
): DrillPlace => ({
  url: through,
  method,
  headers: {
    // One controller of many can be asked by its address.
    Host: through.hostname === host ? through.host : host,
    Accept: 'text/html',
    [proof[0]]: proof[1],
  },
  read: ({ statusCode = 0, headers }) => {
    const to =
      statusCode >= 300 && statusCode < 400 ? targetOf(headers.location, through) : undefined
    return {
      verdict: siteVerdict(statusCode, to, publicOrigin),
      detail: printable(`${statusCode}${to === undefined ? '' : ` to ${to.origin}${to.pathname}`}`),
    }
  },
})

const targetOf = (location: string | undefined, from: URL): URL | undefined =>
  location !== undefined && URL.canParse(location, from.href) ? new URL(location, from) : undefined

const siteVerdict = (
  status: number,
  to: URL | undefined,
  publicOrigin: string,
): DrillAnswer['verdict'] => {
  if (status === 401 || status === 403) return 'refused'
  if (to !== undefined && isSignIn(to, publicOrigin)) return 'refused'
  return status >= 500 ? 'unclear' : 'allowed'
}

const isSignIn = (to: URL, publicOrigin: string): boolean =>
  to.origin === publicOrigin || /^\/oauth2\/(?:start|sign_in)$/.test(to.pathname)

/** All places must agree: one replica that still allows is one too many. */
export const askAll = async (places: readonly DrillPlace[]): Promise<DrillAnswer> => {
  const answers = await Promise.all(places.map(ask))
  const verdicts = new Set(answers.map(({ verdict }) => verdict))
  const [only = 'unclear', ...others] = verdicts
  return {
    verdict: others.length === 0 ? only : 'unclear',
    detail: [...new Set(answers.map(({ detail }) => detail))].join(', '),
  }
}

/** Each on a connection of its own, so that a balancer may choose another replica each time. */
const ask = async ({ url, method, headers, read }: DrillPlace): Promise<DrillAnswer> =>
  await new Promise((resolve) => {
    const failed = (error: Error): void =>
      resolve({ verdict: 'unclear', detail: `no answer of ${url.host}: ${error.message}` })
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest
    const signal = AbortSignal.timeout(TIMEOUT_MS)
    const servername = (headers['Host'] ?? url.hostname).replace(/:[0-9]+$/, '')
    const request = send(url, { method, headers, signal, agent: false, servername }, (response) => {
      response.on('error', failed)
      response.resume()
      resolve(read(response))
    })
    request.on('error', failed)
    request.end()
  })
