import { decodeProtectedHeader } from 'jose'
import * as client from 'openid-client'
import { type WantedProof } from '../../core/decision.ts'
import { type ClaimMapping, parseSubject, principalOf } from '../../core/principal.ts'
import { fail, ok, type Result } from '../../core/result.ts'
import { type Secret } from '../../core/secret.ts'
import {
  type ExchangeFailure,
  type IdentityProvider,
  type SignInAttempt,
} from '../../flow/ports.ts'
import { type BoundedFetch } from '../outbound/bounded-fetch.ts'
import { idTokenFault, personalClaims } from './id-token-claims.ts'

export type IdentityProviderOptions = {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: Secret | undefined
  readonly scopes: readonly string[]
  readonly mapping: ClaimMapping
  /** Origin of `publicUrl`; redirect URIs are made from it, never from a request. */
  readonly publicOrigin: string
  readonly fetch: BoundedFetch
  readonly nowSeconds: () => number
}

export const CALLBACK_PATH = '/oauth2/callback'
export const SIGNED_OUT_PATH = '/oauth2/signed_out'

/** The OpenID provider, found by discovery when it is first needed and until it answers. */
export const createIdentityProvider = (options: IdentityProviderOptions): IdentityProvider => {
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
    endSessionUrl: async (idToken, state) => {
      const config = await configuration()
      if (!config.ok || config.value.serverMetadata().end_session_endpoint === undefined) {
        return undefined
      }
      return client.buildEndSessionUrl(config.value, {
        post_logout_redirect_uri: `${options.publicOrigin}${SIGNED_OUT_PATH}`,
        state,
        ...(idToken === undefined ? {} : { id_token_hint: idToken }),
      })
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
    return signedIn(options, answer)
  } catch (error) {
    return fail(failureOf(error))
  }
}

const signedIn = (
  options: IdentityProviderOptions,
  answer: Awaited<ReturnType<typeof client.authorizationCodeGrant>>,
): Exchanged => {
  const claims = answer.claims()
  const idToken = answer.id_token
  if (claims === undefined || idToken === undefined) return refused('no ID token')
  const fault = idTokenFault(claims, decodeProtectedHeader(idToken).typ, options.nowSeconds())
  const subject = parseSubject(claims.sub)
  if (fault !== undefined || subject === undefined)
    return refused(`ID token: ${fault ?? 'subject'}`)
  return ok({
    principal: principalOf(personalClaims(claims), options.mapping, {
      actor: 'human',
      subject,
      issuer: claims.iss,
    }),
    tokens: {
      idToken,
      accessToken: answer.access_token,
      refreshToken: answer.refresh_token,
    },
  })
}

const refused = (detail: string): Exchanged => fail({ kind: 'refused', detail })

/**
 * The library's answers, told apart by class and code. A response it could not check is a refusal;
 * a call that found no answer, or an answer of a failing server, is not.
 */
const failureOf = (error: unknown): ExchangeFailure => {
  if (error instanceof client.ResponseBodyError) {
    const detail = `token endpoint: ${error.error}`
    return error.status >= 500
      ? { kind: 'provider_unreachable', detail }
      : { kind: 'refused', detail }
  }
  if (error instanceof client.AuthorizationResponseError) {
    return { kind: 'refused', detail: `callback: ${error.error}` }
  }
  if (error instanceof client.ClientError) {
    const isNoAnswer =
      error.code === 'OAUTH_TIMEOUT' || error.code === 'OAUTH_RESPONSE_IS_NOT_CONFORM'
    return {
      kind: isNoAnswer ? 'provider_unreachable' : 'refused',
      detail: error.code ?? 'client error',
    }
  }
  return { kind: 'provider_unreachable', detail: error instanceof Error ? error.name : 'unknown' }
}
