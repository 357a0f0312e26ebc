import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import { CLIENT, PUBLIC_ORIGIN } from '../support/sign-in.ts'

export type Claims = Readonly<Record<string, unknown>>
export type TokenAnswer = Readonly<Record<string, unknown>>

/** One step of the token endpoint, replaced; each gets what an honest provider would use. */
export type Script = {
  readonly claims?: (honest: Claims) => Claims
  readonly header?: Readonly<Record<string, unknown>>
  /** Makes the ID token from the claims; else ES256 by the published key. */
  readonly idToken?: (claims: Claims, keys: ProviderKeys) => Promise<string>
  /** The JSON of the answer. */
  readonly answer?: (honest: TokenAnswer) => TokenAnswer
  /** Answers instead, in any way, or never. */
  readonly respond?: (response: ServerResponse) => void
  /** Runs before the answer is sent, when the code has been redeemed. */
  readonly meanwhile?: () => Promise<void> | void
}

export type ProviderKeys = {
  /** In the key set, as `es`. */
  readonly published: CryptoKey
  /** In the key set as `rs`, while the metadata offers ES256 alone. */
  readonly rsa: CryptoKey
  /** In no key set. */
  readonly foreign: CryptoKey
}

export type Authorization = {
  readonly state: string
  readonly nonce: string
  readonly redirectUri: string
  readonly challenge: string
  readonly parameters: URLSearchParams
}

export type ScriptedProvider = {
  readonly issuer: string
  readonly keys: ProviderKeys
  /** What happens at the token endpoint from now on; nothing special without an argument. */
  readonly play: (script?: Script) => void
  /** Signs somebody in, as if he had, and gives the path and query of the callback. */
  readonly authorize: (authorizationUrl: string, subject?: string) => string
  /** Mints a code for another client, or for nobody's PKCE challenge. */
  readonly codeFor: (authorization: Partial<Authorization>, subject?: string) => string
  /** Parameters of the token requests so far. */
  readonly tokenRequests: () => readonly URLSearchParams[]
  /** Every path asked for so far. */
  readonly requests: () => readonly string[]
  readonly stop: () => Promise<void>
}

type Grant = { readonly subject: string; readonly authorization: Partial<Authorization> }

export const readAuthorization = (authorizationUrl: string): Authorization => {
  const parameters = new URL(authorizationUrl).searchParams
  const of = (name: string): string => parameters.get(name) ?? ''
  return {
    state: of('state'),
    nonce: of('nonce'),
    redirectUri: of('redirect_uri'),
    challenge: of('code_challenge'),
    parameters,
  }
}

const createKeys = async (): Promise<{ keys: ProviderKeys; jwks: readonly JWK[] }> => {
  const published = await generateKeyPair('ES256', { extractable: true })
  const rsa = await generateKeyPair('RS256', { extractable: true })
  const foreign = await generateKeyPair('ES256')
  return {
    keys: {
      published: published.privateKey,
      rsa: rsa.privateKey,
      foreign: foreign.privateKey,
    },
    jwks: [
      { ...(await exportJWK(published.publicKey)), kid: 'es', use: 'sig', alg: 'ES256' },
      { ...(await exportJWK(rsa.publicKey)), kid: 'rs', use: 'sig', alg: 'RS256' },
    ],
  }
}

const json = (response: ServerResponse, status: number, body: unknown): void => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

/** A code counts once, for its own PKCE challenge and redirect URI. */
const redeem = (grants: Map<string, Grant>, form: URLSearchParams): Grant | undefined => {
  const code = form.get('code') ?? ''
  const grant = grants.get(code)
  grants.delete(code)
  const verifier = form.get('code_verifier') ?? ''
  const challenge = createHash('sha256').update(verifier).digest('base64url')
  return grant?.authorization.challenge === challenge &&
    grant.authorization.redirectUri === form.get('redirect_uri')
    ? grant
    : undefined
}

/** RFC 6749 section 2.3.1: both are form-encoded before base64. */
const isOurClient = ({ headers: { authorization = '' } }: IncomingMessage): boolean =>
  atob(authorization.replace(/^Basic /, ''))
    .split(':')
    .map(decodeURIComponent)
    .join(':') === `${CLIENT.id}:${CLIENT.secret}`

/**
 * A small OpenID provider on loopback that does what a real one does, and at the token endpoint
 * whatever a test wants: answers that no correct provider gives.
 */
export const startScriptedProvider = async (
  metadata: Readonly<Record<string, unknown>> = {},
): Promise<ScriptedProvider> => {
  const { keys, jwks } = await createKeys()
  const grants = new Map<string, Grant>()
  const tokenRequests: URLSearchParams[] = []
  const requests: string[] = []
  /** Of those who asked for offline access; they are not rotated. */
  const refreshTokens = new Map<string, Grant>()
  let script: Script = {}

  const signIdToken = async (claims: Claims): Promise<string> =>
    await new SignJWT({ ...claims })
      .setProtectedHeader({ alg: 'ES256', kid: 'es', ...script.header })
      .sign(keys.published)

  const honestClaims = ({ subject, authorization }: Grant): Claims => {
    const now = Math.floor(Date.now() / 1000)
    return {
      iss: issuer,
      sub: subject,
      aud: CLIENT.id,
      iat: now,
      exp: now + 300,
      auth_time: now,
      nonce: authorization.nonce,
      groups: ['sre'],
    }
  }

  const refreshToken = ({ subject, authorization }: Grant): TokenAnswer => {
    const scope = authorization.parameters?.get('scope') ?? ''
    if (!scope.includes('offline_access')) return {}
    const refreshed = randomBytes(24).toString('base64url')
    refreshTokens.set(refreshed, { subject, authorization: {} })
    return { refresh_token: refreshed }
  }

  const tokenAnswer = async (grant: Grant): Promise<TokenAnswer> => {
    const honest = honestClaims(grant)
    const claims = script.claims?.(honest) ?? honest
    const answer: TokenAnswer = {
      access_token: randomBytes(24).toString('base64url'),
      token_type: 'Bearer',
      expires_in: 300,
      id_token: await (script.idToken?.(claims, keys) ?? signIdToken(claims)),
      ...refreshToken(grant),
    }
    return script.answer?.(answer) ?? answer
  }

  const token = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const form = new URLSearchParams(await text(request))
    tokenRequests.push(form)
    if (!isOurClient(request)) return json(response, 401, { error: 'invalid_client' })
    const grant = refreshTokens.get(form.get('refresh_token') ?? '') ?? redeem(grants, form)
    if (grant === undefined) return json(response, 400, { error: 'invalid_grant' })
    await script.meanwhile?.()
    if (script.respond === undefined) json(response, 200, await tokenAnswer(grant))
    else script.respond(response)
  }

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = (request.url ?? '').split('?')[0] ?? ''
    requests.push(path)
    if (path === '/token') return await token(request, response)
    if (path === '/jwks') return json(response, 200, { keys: jwks })
    if (path !== '/.well-known/openid-configuration') return json(response, 404, {})
    return json(response, 200, {
      issuer,
      authorization_endpoint: `${issuer}/authorize`,
      token_endpoint: `${issuer}/token`,
      jwks_uri: `${issuer}/jwks`,
      end_session_endpoint: `${issuer}/end`,
      response_types_supported: ['code'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['ES256'],
      code_challenge_methods_supported: ['S256'],
      authorization_response_iss_parameter_supported: true,
      ...metadata,
    })
  }

  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const issuer = `http://127.0.0.1:${port}`

  const codeFor: ScriptedProvider['codeFor'] = (authorization, subject = 'alice') => {
    const code = randomBytes(24).toString('base64url')
    grants.set(code, { subject, authorization })
    return code
  }
  return {
    issuer,
    keys,
    play: (next = {}) => {
      script = next
    },
    authorize: (authorizationUrl, subject) => {
      const authorization = readAuthorization(authorizationUrl)
      const query = new URLSearchParams({
        code: codeFor(authorization, subject),
        state: authorization.state,
        iss: issuer,
      })
      return `${authorization.redirectUri.slice(PUBLIC_ORIGIN.length)}?${query.toString()}`
    },
    codeFor,
    tokenRequests: () => tokenRequests,
    requests: () => requests,
    stop: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
