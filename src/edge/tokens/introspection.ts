import * as client from 'openid-client'
import { type Claims } from '../../core/principal.ts'
import { type BoundedFetch } from '../outbound/bounded-fetch.ts'
import { discover, sameOrigin } from './key-sources.ts'
import { type Introspection } from './token-issuer.ts'

export type IntrospectionOptions = {
  readonly issuer: string
  /** Undefined: found in the issuer's discovery document. */
  readonly endpoint: string | undefined
  readonly clientId: string
  readonly authentication: () => Promise<client.ClientAuth>
  /** How long an answer is believed; a token that was revoked passes so long. */
  readonly cacheSeconds: number
  readonly fetch: BoundedFetch
  readonly nowSeconds: () => number
  /** Called when the answer was none. */
  readonly onFailure: (detail: string) => void
}

/** Questions under way at once; unknown tokens are free to send, and must not flood the issuer. */
const MOST_AT_ONCE = 32

/** Asks the issuer about tokens that say nothing themselves (RFC 7662). */
export const createIntrospection = (options: IntrospectionOptions): Introspection => {
  const configuration = createConfiguration(options)
  let atOnce = 0
  return async (token) => {
    if (atOnce >= MOST_AT_ONCE) return UNREACHABLE
    atOnce += 1
    try {
      return await ask(options, await configuration(), token)
    } catch (error) {
      options.onFailure(error instanceof Error ? error.message : 'unknown')
      return UNREACHABLE
    } finally {
      atOnce -= 1
    }
  }
}

const UNREACHABLE = { kind: 'unreachable' } as const
const INACTIVE = { kind: 'inactive' } as const

const ask = async (
  { fetch, cacheSeconds, nowSeconds, onFailure }: IntrospectionOptions,
  config: client.Configuration,
  token: string,
): ReturnType<Introspection> => {
  let hasAnswered = false
  config[client.customFetch] = async (url, init) => {
    const response = await fetch(url, requestInit(init))
    hasAnswered = response.ok
    return response
  }
  try {
    const claims = await client.tokenIntrospection(config, token, {
      token_type_hint: 'access_token',
    })
    return claims.active
      ? { kind: 'active', claims: withoutActive(claims), until: nowSeconds() + cacheSeconds }
      : INACTIVE
  } catch (error) {
    onFailure(error instanceof Error ? error.message : 'unknown')
    // Only `active: true` makes a token good; another status says that we could not ask.
    return hasAnswered ? INACTIVE : UNREACHABLE
  }
}

const withoutActive = ({ active: _active, ...claims }: Claims): Claims => claims

const requestInit = ({ method, headers, body }: client.CustomFetchOptions): RequestInit => ({
  method,
  headers,
  ...(body === undefined || body === null ? {} : { body }),
})

/** The endpoint is looked up when it is first needed, and until it is found. */
const createConfiguration = (
  options: IntrospectionOptions,
): (() => Promise<client.Configuration>) => {
  let endpoint = options.endpoint
  let running: Promise<string> | undefined
  return async () => {
    if (endpoint === undefined) {
      running ??= findEndpoint(options).finally(() => {
        running = undefined
      })
      endpoint = await running
    }
    const { issuer, clientId, authentication } = options
    const server = { issuer, introspection_endpoint: endpoint }
    const config = new client.Configuration(server, clientId, {}, await authentication())
    if (endpoint.startsWith('http:')) client.allowInsecureRequests(config)
    return config
  }
}

const findEndpoint = async ({ issuer, fetch }: IntrospectionOptions): Promise<string> => {
  const { introspection_endpoint: found } = await discover(issuer, fetch)
  if (found === undefined) throw new TypeError('discovery names no introspection endpoint')
  return sameOrigin(found, issuer)
}
