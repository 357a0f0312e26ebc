import { type Actor, type Claims } from '../../core/principal.ts'
import { type Secret } from '../../core/secret.ts'
import { type IssuerPreset, issuerPreset, NO_PRESET } from '../../presets/issuers.ts'
import { type TokenIssuerFile } from './token-issuer-schema.ts'

type IntrospectionFile = NonNullable<TokenIssuerFile['introspection']>

/** One issuer of tokens, with what its preset fills in. */
export type TokenIssuerConfig = Omit<
  TokenIssuerFile,
  'preset' | 'issuer' | 'actor' | 'algorithms' | 'claims' | 'acceptIdTokens' | 'introspection'
> & {
  readonly issuer: string
  readonly isSvid: boolean
  readonly actorOf: (claims: Claims) => Actor
  readonly algorithms: readonly string[]
  readonly claims: IssuerPreset['claims']
  readonly requires: readonly string[]
  readonly requiresIssuedAt: boolean
  readonly acceptIdTokens: boolean
  readonly introspection: IntrospectionConfig | undefined
}

export type IntrospectionConfig = Omit<IntrospectionFile, 'clientSecret' | 'clientKey'> & {
  /** The client's secret, or its private keys. */
  readonly secret: Secret | undefined
}

export const presetOf = ({ preset }: TokenIssuerFile): IssuerPreset =>
  preset === undefined ? NO_PRESET : issuerPreset(preset)

/** Fills in what the preset knows; `secret` is what its introspection proves itself with. */
export const resolveTokenIssuer = (
  written: TokenIssuerFile,
  secret: Secret | undefined,
): TokenIssuerConfig => {
  const preset = presetOf(written)
  const { actor = preset.actor } = written
  const { preset: _preset, introspection, ...rest } = written
  return {
    ...rest,
    issuer: issuerOf(written) ?? '',
    isSvid: preset.isSvid,
    actorOf: typeof actor === 'function' ? actor : () => actor,
    algorithms: written.algorithms ?? preset.algorithms,
    claims: claimsOf(written, preset),
    requires: preset.requires,
    requiresIssuedAt: preset.requiresIssuedAt,
    acceptIdTokens: written.acceptIdTokens ?? preset.acceptsIdTokens,
    jwksUri: jwksUriOf(written),
    ...ownFiles(written),
    introspection: introspection === undefined ? undefined : withSecret(introspection, secret),
  }
}

/** Undefined where neither the entry nor its preset says it. */
export const issuerOf = (written: TokenIssuerFile): string | undefined => {
  const { issuer, tenant, trustDomain } = written
  if (issuer !== undefined) return issuer
  if (trustDomain !== undefined) return `spiffe://${trustDomain}`
  return tenant === undefined ? presetOf(written).issuer : `${ENTRA}/${tenant}/v2.0`
}

const ENTRA = 'https://login.microsoftonline.com'

/** An issuer of one's own is not found where that of the preset is, but a cluster's keys are. */
export const jwksUriOf = (written: TokenIssuerFile): string | undefined => {
  const { jwksUri, jwksFile, issuer, tenant, preset } = written
  if (jwksUri !== undefined || jwksFile !== undefined) return jwksUri
  if (tenant !== undefined) return `${ENTRA}/${tenant}/discovery/v2.0/keys`
  const isPresets = issuer === undefined || preset === 'kubernetes'
  return isPresets ? presetOf(written).jwksUri : undefined
}

/** A server that the configuration names itself is no place for the token of this cluster. */
export const ownFiles = (
  written: TokenIssuerFile,
): Pick<TokenIssuerFile, 'caFile' | 'bearerTokenFile'> => {
  const { caFile, bearerTokenFile, jwksUri, jwksFile, tokenReview } = written
  const asksThere = jwksUri === undefined && (jwksFile === undefined || tokenReview !== undefined)
  const preset = asksThere ? presetOf(written) : NO_PRESET
  return {
    caFile: caFile ?? preset.caFile,
    bearerTokenFile: bearerTokenFile ?? preset.bearerTokenFile,
  }
}

const claimsOf = ({ claims }: TokenIssuerFile, preset: IssuerPreset): IssuerPreset['claims'] => ({
  subject: claims.subject ?? preset.claims.subject,
  email: claims.email ?? preset.claims.email,
  groups: claims.groups ?? preset.claims.groups,
  preferredUsername: claims.preferredUsername ?? preset.claims.preferredUsername,
})

const withSecret = (
  { clientSecret: _secret, clientKey: _key, ...introspection }: IntrospectionFile,
  secret: Secret | undefined,
): IntrospectionConfig => ({ ...introspection, secret })
