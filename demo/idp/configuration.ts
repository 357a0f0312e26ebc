import type { Account, ClientMetadata, Configuration, KoaContextWithOIDC } from 'oidc-provider'
import { base, Check } from 'oidc-provider/lib/helpers/interaction_policy/index.js'
import type { MemoryStore } from './memory-adapter.ts'
import { noticePage, signOutPage } from './pages.ts'
import type { Directory, Person } from './people.ts'
import type { SigningKey } from './signing-keys.ts'

/** `pwd` is what a click stands for; `mfa` when the client asks for it. */
export const ACR_VALUES = ['pwd', 'mfa'] as const

/** What a workload's token is for when it names no resource. */
const DEFAULT_RESOURCE = 'urn:vestibule'
const DEFAULT_AUDIENCE = 'vestibule'

const SCOPES = ['openid', 'offline_access', 'email', 'profile', 'groups']

export type Lifetimes = {
  readonly accessToken?: number
  readonly idToken?: number
  readonly refreshToken?: number
  readonly session?: number
}

export type ProviderParts = {
  readonly clients: readonly ClientMetadata[]
  /** Newest first; the first one signs. */
  readonly keys: readonly SigningKey[]
  readonly cookieKey: string
  readonly directory: Directory
  readonly store: MemoryStore
  readonly lifetimes: Lifetimes
  readonly rotateRefreshTokens: boolean
}

const accountOf = (person: Person): Account => ({
  accountId: person.id,
  claims: () => ({
    sub: person.id,
    name: person.name,
    preferred_username: person.preferredUsername,
    email: person.email,
    email_verified: person.emailVerified,
    groups: [...person.groups],
  }),
})

/** The library takes `acr_values` as a wish; here a session that is too weak signs in again. */
const strictPolicy = () => {
  const policy = base()
  const known: readonly string[] = ACR_VALUES
  policy.get('login')?.checks.add(
    new Check('acr_values', 'a stronger sign-in is required', ({ oidc }) => {
      const wanted = oidc.claims.id_token?.['acr']?.values?.filter((acr) => known.includes(acr))
      return (wanted ?? []).length > 0 && wanted?.includes(oidc.acr ?? '') === false
    }),
  )
  return policy
}

/** First-party clients get what they ask for; a consent page would only be in the way. */
const grantEverything = async ({ oidc }: KoaContextWithOIDC) => {
  const { client, session, provider } = oidc
  const known = client === undefined ? undefined : session?.grantIdFor(client.clientId)
  if (known !== undefined) return await provider.Grant.find(known)
  const grant = new provider.Grant({
    clientId: client?.clientId,
    accountId: session?.accountId,
  })
  grant.addOIDCScope(SCOPES.join(' '))
  await grant.save()
  return grant
}

const html = (ctx: KoaContextWithOIDC, body: string): void => {
  ctx.type = 'html'
  ctx.body = body
}

const features = ({ keys }: ProviderParts): Configuration['features'] => ({
  devInteractions: { enabled: false },
  clientCredentials: { enabled: true },
  pushedAuthorizationRequests: { enabled: true },
  backchannelLogout: { enabled: true },
  revocation: {
    enabled: true,
    allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId,
  },
  rpInitiatedLogout: {
    enabled: true,
    logoutSource: (ctx, form) => html(ctx, signOutPage(form)),
    postLogoutSuccessSource: (ctx) =>
      html(ctx, noticePage('Signed out', 'Your session has ended.')),
  },
  resourceIndicators: {
    enabled: true,
    // Without the condition, a person's access token would not be accepted by the userinfo endpoint.
    defaultResource: ({ oidc }) =>
      oidc.params?.['grant_type'] === 'client_credentials' ? DEFAULT_RESOURCE : [],
    getResourceServerInfo: (_ctx, resource) => ({
      scope: '',
      audience: resource === DEFAULT_RESOURCE ? DEFAULT_AUDIENCE : resource,
      accessTokenFormat: 'jwt',
      jwt: { sign: { alg: keys[0]?.algorithm ?? 'ES256' } },
    }),
  },
})

/** Everything that oidc-provider would otherwise warn about on the console is said here. */
export const providerConfiguration = (parts: ProviderParts): Configuration => {
  const { clients, keys, cookieKey, directory, store, lifetimes, rotateRefreshTokens } = parts
  const algorithm = keys[0]?.algorithm ?? 'ES256'
  return {
    adapter: store.adapter,
    clients: [...clients],
    jwks: { keys: keys.map(({ privateJwk }) => privateJwk) },
    cookies: { keys: [cookieKey] },
    findAccount: (_ctx, id) => {
      const person = directory.find(id)
      return person === undefined ? undefined : accountOf(person)
    },
    clientDefaults: { id_token_signed_response_alg: algorithm },
    responseTypes: ['code'],
    scopes: SCOPES,
    claims: {
      openid: ['sub', 'sid', 'acr', 'amr', 'auth_time'],
      email: ['email', 'email_verified'],
      profile: ['name', 'preferred_username'],
      groups: ['groups'],
    },
    conformIdTokenClaims: false,
    acrValues: ACR_VALUES,
    enabledJWA: { idTokenSigningAlgValues: [algorithm] },
    pkce: { required: () => true },
    // Many providers give refresh tokens without `offline_access`; so does this one.
    issueRefreshToken: (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    rotateRefreshToken: rotateRefreshTokens,
    loadExistingGrant: grantEverything,
    interactions: {
      policy: strictPolicy(),
      url: (_ctx, interaction) => `/interaction/${interaction.uid}`,
    },
    renderError: (ctx, out) => html(ctx, noticePage(out.error, out.error_description ?? '')),
    clientBasedCORS: () => false,
    // The library's dispatcher refuses special-use addresses, and here every client lives on loopback.
    fetch: async (input, { dispatcher: _refusesLoopback, ...init } = {}) =>
      await fetch(input, init),
    features: features(parts),
    ttl: {
      AccessToken: lifetimes.accessToken ?? 300,
      ClientCredentials: lifetimes.accessToken ?? 300,
      AuthorizationCode: 60,
      IdToken: lifetimes.idToken ?? 3600,
      RefreshToken: lifetimes.refreshToken ?? 86_400,
      Interaction: 3600,
      Session: lifetimes.session ?? 86_400,
      Grant: 86_400,
    },
  }
}
