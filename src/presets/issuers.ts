import { type Actor, type Claims, claimAt } from '../core/principal.ts'

/** What is the same for everybody who takes tokens of a well-known kind of issuer. */
export type IssuerPreset = {
  readonly about: string
  /** Undefined: every installation has its own, and the configuration names it. */
  readonly issuer: string | undefined
  /** Undefined: found by discovery. */
  readonly jwksUri: string | undefined
  /** Signs the certificate at `jwksUri`, where that is no public CA. */
  readonly caFile: string | undefined
  /** Vestibule's own token, where `jwksUri` answers nobody else. */
  readonly bearerTokenFile: string | undefined
  readonly algorithms: readonly string[]
  readonly actor: Actor | ((claims: Claims) => Actor)
  readonly claims: {
    readonly subject: string
    readonly email: string
    readonly groups: string
    readonly preferredUsername: string
  }
  /** Claims that its tokens always have; others that it signs with the same keys lack them. */
  readonly requires: readonly string[]
  readonly requiresIssuedAt: boolean
  readonly isSvid: boolean
  /** Its tokens are ID tokens by their form, meant for whoever is named in `aud`. */
  readonly acceptsIdTokens: boolean
}

export const ISSUER_PRESETS = [
  'kubernetes',
  'github-actions',
  'gitlab-ci',
  'spiffe',
  'google',
  'entra',
] as const
export type IssuerPresetName = (typeof ISSUER_PRESETS)[number]

const CLAIMS = {
  subject: 'sub',
  email: 'email',
  groups: 'groups',
  preferredUsername: 'preferred_username',
}

const PLAIN: IssuerPreset = {
  about: '',
  issuer: undefined,
  jwksUri: undefined,
  caFile: undefined,
  bearerTokenFile: undefined,
  algorithms: ['RS256'],
  actor: 'workload',
  claims: CLAIMS,
  requires: [],
  requiresIssuedAt: true,
  isSvid: false,
  acceptsIdTokens: false,
}

/** An issuer of which nothing is known but what the configuration says. */
export const NO_PRESET: IssuerPreset = {
  ...PLAIN,
  algorithms: ['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA'],
}

/** Where Kubernetes mounts a pod's own account. */
const ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount'

export const issuerPreset = (name: IssuerPresetName): IssuerPreset => PRESETS[name]

const PRESETS: Readonly<Record<IssuerPresetName, IssuerPreset>> = {
  kubernetes: {
    ...PLAIN,
    about: 'Projected service-account tokens of the cluster that Vestibule runs in.',
    issuer: 'https://kubernetes.default.svc.cluster.local',
    jwksUri: 'https://kubernetes.default.svc/openid/v1/jwks',
    caFile: `${ACCOUNT}/ca.crt`,
    bearerTokenFile: `${ACCOUNT}/token`,
    algorithms: ['RS256', 'ES256'],
    claims: { ...CLAIMS, preferredUsername: 'kubernetes.io/serviceaccount/name' },
    // Tokens of Secrets have neither these nor an end.
    requires: ['kubernetes.io/namespace', 'kubernetes.io/serviceaccount/uid'],
  },
  'github-actions': {
    ...PLAIN,
    about: 'Jobs of GitHub Actions (`permissions: { id-token: write }`).',
    issuer: 'https://token.actions.githubusercontent.com',
    claims: { ...CLAIMS, preferredUsername: 'repository' },
    requires: ['repository', 'repository_id', 'repository_owner_id', 'ref'],
  },
  'gitlab-ci': {
    ...PLAIN,
    about: 'Jobs of GitLab CI (`id_tokens`).',
    issuer: 'https://gitlab.com',
    claims: { ...CLAIMS, preferredUsername: 'project_path' },
    // GitLab signs ID tokens of people with the same keys, under the same issuer.
    requires: ['project_id', 'namespace_id', 'project_path', 'job_id', 'pipeline_source'],
  },
  spiffe: {
    ...PLAIN,
    about: 'JWT-SVIDs of one SPIFFE trust domain, by its trust bundle.',
    algorithms: ['RS256', 'RS384', 'RS512', 'ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512'],
    requiresIssuedAt: false,
    isSvid: true,
  },
  google: {
    ...PLAIN,
    about: 'ID tokens of Google service accounts and people, for an audience of your own.',
    issuer: 'https://accounts.google.com',
    jwksUri: 'https://www.googleapis.com/oauth2/v3/certs',
    actor: (claims) => (isPersonsAddress(claimAt(claims, 'email')) ? 'human' : 'workload'),
    claims: { ...CLAIMS, preferredUsername: 'email' },
    requires: ['azp'],
    acceptsIdTokens: true,
  },
  entra: {
    ...PLAIN,
    about: 'Access tokens (v2.0) of one Microsoft Entra tenant, for your application.',
    // `sub` differs from application to application; `oid` is the same throughout the tenant.
    claims: { ...CLAIMS, subject: 'oid', groups: 'roles' },
    actor: (claims) => (isDelegated(claims) ? 'human' : 'workload'),
    requires: ['oid', 'tid'],
  },
}

/** A service account may leave its address out. */
const isPersonsAddress = (value: unknown): boolean =>
  typeof value === 'string' && !value.endsWith('.gserviceaccount.com')

/** Only tokens that stand for a person have scopes; an application has roles at most. */
const isDelegated = (claims: Claims): boolean => {
  const scope = claimAt(claims, 'scp')
  return typeof scope === 'string' && scope !== '' && claimAt(claims, 'idtyp') !== 'app'
}
