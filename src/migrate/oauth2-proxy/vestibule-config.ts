import { placeText, todo } from '../translate/draft.ts'
import { FATES } from './flags.ts'
import { issuerOf } from './provider.ts'
import { type Setting, type Settings } from './settings.ts'
import { sessionOf } from './store.ts'

/** What became of one flag. */
export type FlagFate = {
  readonly flag: string
  readonly place: string
  readonly fate: 'carried' | 'rule' | 'none'
  /** Where it went, or why it did not. */
  readonly text: string
}

export type Converted = {
  /** A configuration of Vestibule, as its file has it. */
  readonly config: Readonly<Record<string, unknown>>
  readonly flags: readonly FlagFate[]
}

/** Flags that became conditions of rules. */
const RULES: ReadonlySet<string> = new Set([
  'allowed-group',
  'allowed-role',
  'authenticated-emails-file',
  'azure-tenant',
  'bitbucket-repository',
  'bitbucket-team',
  'email-domain',
  'entra-id-allowed-tenant',
  'github-org',
  'github-repo',
  'github-team',
  'github-user',
  'gitlab-group',
  'gitlab-project',
  'google-group',
  'keycloak-group',
  'skip-auth-preflight',
  'skip-auth-regex',
  'skip-auth-route',
])

/** Where a flag went. */
const PLACES: ReadonlyMap<string, string> = new Map([
  ['acr-values', 'write require: { acr: […] } with these values in the policies that need them'],
  ['client-id', 'identityProvider.clientId'],
  ['client-secret', 'identityProvider.clientSecretFile: put it into that file'],
  ['client-secret-file', 'identityProvider.clientSecretFile'],
  ['cookie-domain', 'cookie.domain'],
  ['cookie-expire', 'session.absolute'],
  ['cookie-name', 'is not kept, so that both can run side by side; people sign in once more'],
  ['extra-jwt-issuers', 'tokenIssuers'],
  ['htpasswd-file', 'has no counterpart: people sign in at the provider'],
  ['htpasswd-user-group', 'has no counterpart: people sign in at the provider'],
  ['insecure-oidc-allow-unverified-email', 'identityProvider.trustEmail'],
  ['oidc-email-claim', 'identityProvider.claims.email'],
  ['oidc-groups-claim', 'identityProvider.claims.groups'],
  ['oidc-issuer-url', 'identityProvider.issuer'],
  ['provider', 'identityProvider.issuer'],
  ['redirect-url', 'publicUrl; register its /oauth2/callback at the provider'],
  ['redis-cluster-connection-urls', 'session.store takes one redis:// or rediss:// URL'],
  ['redis-connection-url', 'session.store, without the password'],
  ['redis-sentinel-connection-urls', 'session.store takes one redis:// or rediss:// URL'],
  ['redis-sentinel-master-name', 'session.store takes one redis:// or rediss:// URL'],
  ['redis-use-cluster', 'session.store takes one redis:// or rediss:// URL'],
  ['redis-use-sentinel', 'session.store takes one redis:// or rediss:// URL'],
  ['scope', 'identityProvider.scopes'],
  ['session-store-type', 'session.store'],
  ['skip-jwt-bearer-tokens', 'tokenIssuers; add bearer to credentials in the policies'],
  ['trusted-ip', 'is not carried over: an address alone is no ground for an allow'],
  ['user-id-claim', 'is not kept: the subject is sub; see identityHeaders for other claims'],
])

const LOST = /^(?:is not|has no|write |session\.store takes)/

export const convert = (settings: Settings): Converted => {
  const read = (flag: string): Setting | undefined => settings.byFlag.get(flag)
  return {
    config: compact({
      publicUrl: publicUrlOf(read('redirect-url')),
      cookie: { domain: cookieDomainOf(read('cookie-domain')) },
      identityProvider: providerOf(settings),
      session: sessionOf(settings),
      tokenIssuers: tokenIssuersOf(settings),
      policies: './policies',
    }),
    flags: [...settings.byFlag.values()].map(fateOf),
  }
}

const fateOf = ({ flag, origin }: Setting): FlagFate => {
  const place = placeText(origin)
  if (RULES.has(flag)) return { flag, place, fate: 'rule', text: 'the policies' }
  const where = PLACES.get(flag)
  if (where === undefined) return { flag, place, fate: 'none', text: FATES.get(flag) ?? '' }
  return { flag, place, fate: LOST.test(where) ? 'none' : 'carried', text: where }
}

const publicUrlOf = (setting: Setting | undefined): string =>
  /^https?:\/\/[^/?#]+/.exec(setting?.values[0] ?? '')?.[0] ??
  todo('the origin where people sign in')

/** It can have several; a session of Vestibule is good below one. */
const cookieDomainOf = (setting: Setting | undefined): string => {
  const domains = (setting?.values ?? []).map((domain) => domain.replace(/^\./, ''))
  const [only, ...others] = [...new Set(domains)]
  if (only !== undefined && others.length === 0) return only
  const choice = only === undefined ? '' : `, one of ${domains.join(', ')}`
  return todo(`the parent domain of all hosts${choice}`)
}

const providerOf = (settings: Settings): Readonly<Record<string, unknown>> => {
  const text = (flag: string): string | undefined => settings.byFlag.get(flag)?.values[0]
  const scopes = (text('scope') ?? '').split(/\s+/).filter((scope) => scope !== '')
  return compact({
    issuer: issuerOf(settings) ?? todo('the issuer of an OpenID provider'),
    clientId: text('client-id'),
    clientSecretFile: text('client-secret-file') ?? '/etc/vestibule/secrets/client-secret',
    scopes: scopes.length === 0 ? undefined : scopes,
    claims: compact({ email: text('oidc-email-claim'), groups: text('oidc-groups-claim') }),
    trustEmail: text('insecure-oidc-allow-unverified-email') === 'true' ? true : undefined,
  })
}

/** Its own clients' ID tokens count there, and those of `issuer=audience` pairs. */
const tokenIssuersOf = (settings: Settings): readonly unknown[] | undefined => {
  if (settings.byFlag.get('skip-jwt-bearer-tokens')?.values[0] !== 'true') return undefined
  const clientId = settings.byFlag.get('client-id')?.values[0]
  const pairs = settings.byFlag.get('extra-jwt-issuers')?.values ?? []
  const own = clientId === undefined ? [] : [{ issuer: issuerOf(settings), audience: clientId }]
  const others = pairs.map((pair) => {
    const end = pair.lastIndexOf('=')
    return { issuer: pair.slice(0, end), audience: pair.slice(end + 1) }
  })
  return [...own, ...others].map(({ issuer, audience }, index) => ({
    name: index === 0 && own.length > 0 ? 'provider' : `extra-${index}`,
    issuer: issuer ?? todo('the issuer of an OpenID provider'),
    audiences: [audience],
    actor: 'human',
  }))
}

/** Without what is undefined, and without sections that are empty then. */
const compact = (members: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    Object.entries(members).filter(
      ([, value]) =>
        value !== undefined &&
        !(typeof value === 'object' && value !== null && Object.keys(value).length === 0),
    ),
  )
