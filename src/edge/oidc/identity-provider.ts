import * as client from 'openid-client'
import { type WantedProof } from '../../core/decision.ts'
import { type ClaimMapping } from '../../core/principal.ts'
import { fail, ok, type Result } from '../../core/result.ts'
import { type Secret } from '../../core/secret.ts'
import {
  type ExchangeFailure,
  type IdentityProvider,
  type SignInAttempt,
} from '../../flow/ports.ts'
import { type BoundedFetch } from '../outbound/bounded-fetch.ts'
import { personOf } from './person.ts'
import { revalidate } from './revalidation.ts'

export type IdentityProviderOptions = {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: Secret | undefined
  readonly scopes: readonly string[]
  readonly mapping: ClaimMapping
  /** Names of the issuers of bearer tokens. */
  readonly tokenNames: readonly string[]
  /** Origin of `publicUrl`; redirect URIs are made from it, never from a request. */
  readonly publicOrigin: string
  readonly fetch: BoundedFetch
  readonly nowSeconds: () => number
}

export type OpenIdProvider = IdentityProvider & {
  /** How it may sign ID tokens, as its discovery says; RS256 where it does not say. */
  readonly idTokenAlgorithms: () => Promise<Result<readonly string[], 'unreachable'>>
}

export const CALLBACK_PATH = '/oauth2/callback'
export const SIGNED_OUT_PATH = '/oauth2/signed_out'

/** The OpenID provider, found by discovery when it is first needed and until it answers. */
export const createIdentityProvider = (options: IdentityProviderOptions): OpenIdProvider => {
  const configuration = createDiscovery(options)
  return {
    authorizationUrl: async (attempt) => {
      const config = await configuration()
      if (!config.ok) return config
      try {
        const parameters = await requestParameters(options, attempt)
        const offersPar = config.value.serverMetadata().pushed_authorization_request_endpoint
        return ok(
          offersPar === undefined
            ? client.buildAuthorizationUrl(config.value, parameters)
            : await client.buildAuthorizationUrlWithPAR(config.value, parameters),
        )
      } catch {
        return fail('unreachable')
      }
    },
    exchange: async (query, attempt) => {
      const config = await configuration()
      if (!config.ok) return fail({ kind: 'provider_unreachable', detail: 'discovery' })
      return await exchangeCode(options, config.value, query, attempt)
    },
    revalidate: async (tokens, principal, refreshMayBeSpent) => {
      const config = await configuration()
      if (!config.ok) return config
      return await revalidate(options, config.value, { tokens, principal, refreshMayBeSpent })
    },
    endSessionUrl: async (idToken, state) => {
      const config = await configuration()
      if (!config.ok || config.value.serverMetadata().end_session_endpoint === undefined) {
        return undefined
      }
      try {
        return client.buildEndSessionUrl(config.value, {
          post_logout_redirect_uri: `${options.publicOrigin}${SIGNED_OUT_PATH}`,
          state,
          ...(idToken === undefined ? {} : { id_token_hint: idToken }),
        })
      } catch {
        // An address that is none must not keep anybody signed in.
        return undefined
      }
    },
    idTokenAlgorithms: async () => {
      const config = await configuration()
      if (!config.ok) return config
      return ok(config.value.serverMetadata().id_token_signing_alg_values_supported ?? ['RS256'])
    },
  }
}

/** Discovery is shared while it runs, kept once it succeeded, and repeated after a failure. */
const createDiscovery = (
  options: IdentityProviderOptions,
): (() => Promise<Result<client.Configuration, 'unreachable'>>) => {
  let known: client.Configuration | undefined
  let running: Promise<client.Configuration> | undefined
  return async () => {
    if (known !== undefined) return ok(known)
    running ??= discover(options)
    try {
      known = await running
      return ok(known)
    } catch {
      return fail('unreachable')
    } finally {
      running = undefined
    }
  }
}

const discover = async (options: IdentityProviderOptions): Promise<client.Configuration> => {
  const isHttp = options.issuer.startsWith('http:')
  const config = await client.discovery(
    new URL(options.issuer),
    options.clientId,
    {},
    clientAuthentication(options.clientSecret),
    {
      [client.customFetch]: (url, init) => options.fetch(url, requestInit(init)),
      execute: isHttp ? [client.allowInsecureRequests] : [],
    },
  )
  // The library trusts TLS for the ID token and skips its signature unless asked.
  client.enableNonRepudiationChecks(config)
  return config
}

const requestInit = ({ method, headers, body }: client.CustomFetchOptions): RequestInit => ({
  method,
  headers,
  ...(body === undefined || body === null ? {} : { body }),
})

/** `client_secret_basic` unless the provider lists methods without it (OIDC Core section 9). */
const clientAuthentication = (clientSecret: Secret | undefined): client.ClientAuth => {
  if (clientSecret === undefined) return client.None()
  const basic = client.ClientSecretBasic(clientSecret.reveal())
  const post = client.ClientSecretPost(clientSecret.reveal())
  return (server, metadata, body, headers) => {
    const methods = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic']
    return (methods.includes('client_secret_basic') ? basic : post)(server, metadata, body, headers)
  }
}

const requestParameters = async (
  { scopes, publicOrigin }: IdentityProviderOptions,
  attempt: SignInAttempt,
): Promise<Record<string, string>> => ({
  redirect_uri: `${publicOrigin}${CALLBACK_PATH}`,
  scope: scopes.join(' '),
  state: attempt.state,
  nonce: attempt.nonce,
  code_challenge: await client.calculatePKCECodeChallenge(attempt.codeVerifier),
  code_challenge_method: 'S256',
  ...(attempt.askedProof === undefined ? {} : proofParameters(attempt.askedProof)),
})

const proofParameters = ({ acr, maxAgeSeconds }: WantedProof): Record<string, string> => ({
  ...(acr.length === 0 ? {} : { acr_values: acr.join(' ') }),
  ...(maxAgeSeconds === undefined ? {} : { max_age: String(maxAgeSeconds) }),
})

type Exchanged = Awaited<ReturnType<IdentityProvider['exchange']>>

const exchangeCode = async (
  options: IdentityProviderOptions,
  config: client.Configuration,
  query: string,
  attempt: SignInAttempt,
): Promise<Exchanged> => {
  try {
    const callback = new URL(`${options.publicOrigin}${CALLBACK_PATH}?${query}`)
    const answer = await client.authorizationCodeGrant(config, callback, {
      pkceCodeVerifier: attempt.codeVerifier,
      expectedState: attempt.state,
      expectedNonce: attempt.nonce,
      idTokenExpected: true,
    })
    const person = await personOf(options, config, answer)
    return person.ok ? person : fail({ kind: 'refused', detail: person.failure })
  } catch (error) {
    return fail(failureOf(error))
  }
}

/**
 * The library's answers, told apart by class and code. A response it could not check is a refusal;
 * a call that found no answer, or an answer of a failing server or a misconfigured client, is not:
 * trying again may help, and the person did nothing wrong.
 */
const failureOf = (error: unknown): ExchangeFailure => {
  if (error instanceof client.ResponseBodyError) {
    return {
      kind: isTrouble(error) ? 'provider_unreachable' : 'refused',
      detail: `token endpoint: ${codeOf(error.error)}`,
    }
  }
  if (error instanceof client.AuthorizationResponseError) {
    return { kind: 'refused', detail: `callback: ${codeOf(error.error)}` }
  }
  if (error instanceof client.ClientError) {
    const isNoAnswer = error.code === undefined || NO_ANSWER.has(error.code)
    return {
      kind: isNoAnswer ? 'provider_unreachable' : 'refused',
      detail: error.code ?? 'client error',
    }
  }
  return { kind: 'provider_unreachable', detail: error instanceof Error ? error.name : 'unknown' }
}

const isTrouble = ({ status, error }: client.ResponseBodyError): boolean =>
  status >= 500 || status === 429 || NOT_A_NO.has(error)

/** Error codes (RFC 6749 section 5.2) that say nothing about the code that was to be redeemed. */
const NOT_A_NO: ReadonlySet<string> = new Set([
  'invalid_client',
  'unauthorized_client',
  'server_error',
  'temporarily_unavailable',
])

const NO_ANSWER: ReadonlySet<string> = new Set([
  'OAUTH_TIMEOUT',
  'OAUTH_ABORT',
  'OAUTH_RESPONSE_IS_NOT_CONFORM',
  'OAUTH_RESPONSE_IS_NOT_JSON',
])

/** For the log: a provider may write anything where a code belongs. */
const codeOf = (error: string): string => (/^[\w.-]{1,64}$/.test(error) ? error : 'no error code')
