import type { IncomingMessage, ServerResponse } from 'node:http'
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose'
import {
  type Appearance,
  type Assertion,
  jsonOf,
  type Pair,
  pageOf,
  pairsOf,
  type ReceivedRequest,
} from './application-view.ts'
import { startLocalServer } from './local-server.ts'
import { PAGE_HEADERS } from './page.ts'

export type ApplicationSettings = Appearance & {
  /** Where the keys of the assertion are published; without it the claims are shown unverified. */
  readonly jwksUrl?: string
  readonly port?: number
}

export type Application = {
  readonly name: string
  readonly port: number
  readonly address: string
  readonly hits: () => number
  readonly lastRequest: () => ReceivedRequest | undefined
  /** Values of one header of the last request. */
  readonly received: (header: string) => readonly string[]
  readonly reset: () => void
  readonly stop: () => Promise<void>
}

const ASSERTION = 'x-vestibule-assertion'

const createAssertionReader = (jwksUrl: string | undefined) => {
  const keys = jwksUrl === undefined ? undefined : createRemoteJWKSet(new URL(jwksUrl))
  return async (headers: readonly Pair[]): Promise<Assertion | undefined> => {
    const token = headers.find(([name]) => name.toLowerCase() === ASSERTION)?.[1]
    if (token === undefined || token === '') return undefined
    try {
      if (keys === undefined) return { state: 'not verified', claims: decodeJwt(token) }
      const { payload } = await jwtVerify(token, keys, { algorithms: ['ES256'] })
      return { state: 'verified with the published keys', claims: payload }
    } catch (error) {
      return { state: `refused: ${error instanceof Error ? error.message : 'no JWT'}`, claims: {} }
    }
  }
}

const wantsJson = ({ headers }: IncomingMessage): boolean =>
  (headers.accept ?? '').includes('application/json')

/** A back end that shows what reaches it: as a page, or as JSON for those who accept that. */
export const startApplication = async (settings: ApplicationSettings): Promise<Application> => {
  const readAssertion = createAssertionReader(settings.jwksUrl)
  let hits = 0
  let last: ReceivedRequest | undefined

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = '', url = '', rawHeaders } = request
    const received = { method, url, rawHeaders }
    hits += 1
    last = received
    request.resume()
    const shown = {
      settings,
      request: received,
      assertion: await readAssertion(pairsOf(rawHeaders)),
    }
    const body = wantsJson(request) ? jsonOf(shown) : pageOf(shown)
    const headers = wantsJson(request) ? { 'content-type': 'application/json' } : PAGE_HEADERS
    response.writeHead(200, { ...headers, 'content-length': Buffer.byteLength(body) }).end(body)
  }

  const server = await startLocalServer((request, response) => {
    answer(request, response).catch(() => response.destroy())
  }, settings.port)
  return {
    name: settings.name,
    port: server.port,
    address: `127.0.0.1:${server.port}`,
    hits: () => hits,
    lastRequest: () => last,
    received: (header) =>
      pairsOf(last?.rawHeaders ?? [])
        .filter(([name]) => name.toLowerCase() === header.toLowerCase())
        .map(([, value]) => value),
    reset: () => {
      hits = 0
      last = undefined
    },
    stop: server.stop,
  }
}
