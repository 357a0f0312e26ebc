import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { exportJWK, type generateKeyPair, type JWK, SignJWT } from 'jose'
import { createBoundedFetch } from '../../src/edge/outbound/bounded-fetch.ts'
import { createKeySet, type KeySet } from '../../src/edge/tokens/key-set.ts'
import { remoteKeys } from '../../src/edge/tokens/key-sources.ts'
import { type TokenIssuer } from '../../src/edge/tokens/token-issuer.ts'
import { type TokenVerifier } from '../../src/flow/ports.ts'

export const NOW = 1_800_000_000

export type Keys = Awaited<ReturnType<typeof generateKeyPair>>
export type Claims = Readonly<Record<string, unknown>>

export const jwkOf = async ({ publicKey }: Keys, kid: string, alg = 'ES256'): Promise<JWK> => ({
  ...(await exportJWK(publicKey)),
  kid,
  alg,
})

export const fetchBriefly = createBoundedFetch({ timeoutMs: 1000, observe: () => undefined })

/** An issuer on loopback: whatever it publishes and answers can be replaced. */
export type IssuerServer = {
  readonly url: string
  publish: (jwks: unknown) => void
  /** Answers instead, whatever is asked for; nothing special without an argument. */
  readonly respond: (by?: (request: IncomingMessage, response: ServerResponse) => void) => void
  /** How often a path was asked for; everything without an argument. */
  readonly count: (path?: string) => number
  readonly bodies: () => readonly string[]
  readonly stop: () => Promise<void>
}

export const startIssuer = async (port = 0): Promise<IssuerServer> => {
  let published: unknown = { keys: [] }
  let instead: Parameters<IssuerServer['respond']>[0]
  const asked: string[] = []
  const bodies: string[] = []
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = request.url ?? ''
    asked.push(path)
    if (request.method === 'POST') bodies.push(await text(request))
    if (instead !== undefined) return instead(request, response)
    const found = path === '/jwks' ? published : { issuer: url, jwks_uri: `${url}/jwks` }
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(found))
  }
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy())
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url,
    publish: (jwks) => {
      published = jwks
    },
    respond: (by) => {
      instead = by
    },
    count: (path) => asked.filter((each) => path === undefined || each === path).length,
    bodies: () => bodies,
    stop: async () => {
      if (!server.listening) return
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** A clock that tests move by hand. */
export type Clock = { nowMs: number }

export const keySetOf = (issuer: string, clock: Clock): KeySet =>
  createKeySet({
    load: remoteKeys({ issuer, jwksUri: undefined, use: 'sig', fetch: fetchBriefly }),
    nowMs: () => clock.nowMs,
    onFailure: () => undefined,
  })

/** An issuer as most are, called `ci`. */
export const issuerOf = (
  issuer: string,
  clock: Clock,
  changes: Partial<TokenIssuer> = {},
): TokenIssuer => ({
  name: 'ci',
  issuer,
  trustDomain: undefined,
  audiences: ['vestibule'],
  actorOf: () => 'workload',
  mapping: {
    email: 'email',
    groups: 'groups',
    preferredUsername: 'preferred_username',
    trustEmail: false,
  },
  subjectClaim: 'sub',
  maxLifetimeSeconds: 86_400,
  toleranceSeconds: 30,
  requires: [],
  requiresIssuedAt: true,
  types: 'any',
  acceptsIdTokens: false,
  proof: {
    kind: 'signature',
    algorithms: ['ES256', 'RS256'],
    keys: keySetOf(issuer, clock),
    review: undefined,
  },
  ...changes,
})

export type Signing = {
  readonly claims?: Claims
  readonly header?: Claims
  readonly by: Keys
}

/** A claim that is undefined is left out. */
export const sign = ({ claims = {}, header = {}, by }: Signing): Promise<string> => {
  const payload: Record<string, unknown> = { ...claims }
  for (const [name, value] of Object.entries(payload)) if (value === undefined) delete payload[name]
  return new SignJWT(payload)
    .setProtectedHeader({ alg: 'ES256', kid: 'one', typ: 'JWT', ...header })
    .sign(by.privateKey)
}

/** `accepted`, or why not. */
export const failureOf = async (verify: TokenVerifier, token: string): Promise<string> => {
  const verified = await verify(token)
  return verified.ok ? 'accepted' : verified.failure
}
