import { type Settings } from './settings.ts'

/** Providers of oauth2-proxy that have an issuer of their own. */
const KNOWN: ReadonlyMap<string, string> = new Map([
  ['google', 'https://accounts.google.com'],
  ['gitlab', 'https://gitlab.com'],
])

/** The issuer; undefined for providers that do not speak OpenID Connect, such as GitHub. */
export const issuerOf = (settings: Settings): string | undefined => {
  const text = (flag: string): string | undefined => settings.byFlag.get(flag)?.values[0]
  const written = text('oidc-issuer-url')
  if (written !== undefined && written !== '') return written
  const provider = text('provider') ?? 'google'
  const tenant = text('azure-tenant')
  if (provider === 'azure' || provider === 'entra-id') {
    // `common` is everybody's; an issuer is one tenant's.
    return tenant === undefined || tenant === 'common'
      ? undefined
      : `https://login.microsoftonline.com/${tenant}/v2.0`
  }
  return KNOWN.get(provider)
}
