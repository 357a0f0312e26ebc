import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
// The package's own entry warns on the console under every Node that is not yet an LTS release.
import { Provider } from 'oidc-provider/lib/provider.js'
import {
  type BrowserClient,
  browserClient,
  type WorkloadClient,
  workloadClient,
} from './idp/clients.ts'
import { type Lifetimes, type ProviderParts, providerConfiguration } from './idp/configuration.ts'
import { createMemoryStore } from './idp/memory-adapter.ts'
import { homePage, noticePage } from './idp/pages.ts'
import { createDirectory, PEOPLE, type Person } from './idp/people.ts'
import { handleSignIn } from './idp/sign-in.ts'
import {
  type Claims,
  createSigningKey,
  type SigningAlgorithm,
  type SigningKey,
  signClaims,
} from './idp/signing-keys.ts'
import { type Behaviour, createTraffic } from './idp/traffic.ts'
import { startLocalServer } from './local-server.ts'
import { PAGE_HEADERS } from './page.ts'

export type IdentityProviderSettings = {
  /** 0 or absent: any free port. */
  readonly port?: number
  readonly people?: readonly Person[]
  /** Clients through which people sign in. */
  readonly clients?: readonly BrowserClient[]
  readonly workloads?: readonly WorkloadClient[]
  readonly algorithm?: SigningAlgorithm
  readonly lifetimes?: Lifetimes
  /** A used refresh token that comes back then revokes all tokens of that sign-in. */
  readonly rotateRefreshTokens?: boolean
}

export type TokenOptions = {
  /** Members of the protected header, for example `{ typ: 'logout+jwt' }`. */
  readonly header?: Claims
  /** Signs with a key that the JWKS does not have, under the name of one that it has. */
  readonly forged?: boolean
}

export type IdentityProvider = {
  readonly issuer: string
  readonly port: number
  readonly setGroups: (person: string, groups: readonly string[]) => void
  /** A disabled person can neither sign in nor refresh. */
  readonly setDisabled: (person: string, disabled: boolean) => void
  /** Ends the sessions of a person at the IdP; the number of them. */
  readonly endSessions: (person: string) => number
  readonly setBehaviour: (behaviour: Behaviour) => void
  readonly count: (path: string) => number
  readonly counts: () => Readonly<Record<string, number>>
  readonly resetCounts: () => void
  /** Signs claims with the IdP's key; `iss`, `iat`, `exp` and `jti` are filled in, and may be overridden. */
  readonly issueToken: (claims: Claims, options?: TokenOptions) => Promise<string>
  /** The access token that a workload gets by client_credentials. */
  readonly workloadToken: (id?: string, resource?: string) => Promise<string>
  readonly rotateKeys: (options?: { readonly keepOld?: boolean }) => Promise<void>
  readonly stop: () => Promise<void>
}

export const WORKLOAD: WorkloadClient = { id: 'ci', secret: 'development-only-workload-secret' }

const TOKEN_SECONDS = 300

const internalError = (response: ServerResponse, error: unknown): void => {
  const text = error instanceof Error ? error.message : String(error)
  if (!response.headersSent) response.writeHead(400, PAGE_HEADERS)
  response.end(noticePage('That did not work', text))
}

/** A real OpenID provider for development and tests, on loopback, with one-click sign-in. */
export const startIdentityProvider = async (
  settings: IdentityProviderSettings = {},
): Promise<IdentityProvider> => {
  const { algorithm = 'ES256', workloads = [WORKLOAD], clients = [] } = settings
  const directory = createDirectory(settings.people ?? PEOPLE)
  const traffic = createTraffic()
  let keys: readonly SigningKey[] = [await createSigningKey(algorithm)]
  const foreignKey = await createSigningKey(algorithm)

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = (request.url ?? '/').split('?')[0] ?? '/'
    if (await traffic.intercept(path, response)) return
    if (path === '/') {
      response.writeHead(200, PAGE_HEADERS).end(homePage(issuer))
    } else if (path.startsWith('/interaction/')) {
      await handleSignIn(provider, directory, request, response)
    } else {
      await answer(request, response)
    }
  }
  const server = await startLocalServer((request, response) => {
    handle(request, response).catch((error: unknown) => internalError(response, error))
  }, settings.port)
  const issuer = `http://localhost:${server.port}`

  const parts: Omit<ProviderParts, 'keys'> = {
    clients: [...clients.map(browserClient), ...workloads.map(workloadClient)],
    cookieKey: randomBytes(32).toString('base64url'),
    directory,
    store: createMemoryStore(),
    lifetimes: settings.lifetimes ?? {},
    rotateRefreshTokens: settings.rotateRefreshTokens ?? true,
  }
  const createProvider = (): Provider =>
    new Provider(issuer, providerConfiguration({ ...parts, keys }))
  let provider = createProvider()
  let answer = provider.callback()

  const issueToken = async (claims: Claims, { header, forged }: TokenOptions = {}) => {
    const now = Math.floor(Date.now() / 1000)
    const standard = { iss: issuer, iat: now, exp: now + TOKEN_SECONDS, jti: crypto.randomUUID() }
    const key = keys[0] ?? foreignKey
    return await signClaims(
      { ...standard, ...claims },
      forged === true ? { ...foreignKey, kid: key.kid } : key,
      header,
    )
  }

  const workloadToken = async (id = workloads[0]?.id, resource?: string): Promise<string> => {
    const workload = workloads.find((candidate) => candidate.id === id)
    if (workload === undefined) throw new Error(`no workload ${id ?? ''}`)
    const response = await fetch(`${issuer}/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`${workload.id}:${workload.secret}`)}` },
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        ...(resource === undefined ? {} : { resource }),
      }),
    })
    const answered = (await response.json()) as { readonly access_token?: string }
    if (answered.access_token === undefined) throw new Error(JSON.stringify(answered))
    return answered.access_token
  }

  return {
    issuer,
    port: server.port,
    setGroups: directory.setGroups,
    setDisabled: directory.setDisabled,
    endSessions: parts.store.endSessions,
    setBehaviour: traffic.setBehaviour,
    count: traffic.count,
    counts: traffic.counts,
    resetCounts: traffic.resetCounts,
    issueToken,
    workloadToken,
    rotateKeys: async ({ keepOld = true } = {}) => {
      const fresh = await createSigningKey(algorithm)
      keys = keepOld ? [fresh, ...keys] : [fresh]
      provider = createProvider()
      answer = provider.callback()
    },
    stop: server.stop,
  }
}
