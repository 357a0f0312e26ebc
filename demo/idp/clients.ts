import type { ClientMetadata } from 'oidc-provider'

export type BrowserClient = {
  readonly id?: string
  readonly secret?: string
  readonly redirectUris: readonly string[]
  readonly postLogoutRedirectUris?: readonly string[]
  /** Where it is given, ID tokens carry `sid` and a sign-out at the IdP is told to this address. */
  readonly backchannelLogoutUri?: string
}

export type WorkloadClient = { readonly id: string; readonly secret: string }

export const CLIENT_ID = 'vestibule'
export const CLIENT_SECRET = 'development-only-client-secret'

/** A client through which people sign in, such as Vestibule itself. */
export const browserClient = (client: BrowserClient): ClientMetadata => ({
  client_id: client.id ?? CLIENT_ID,
  client_secret: client.secret ?? CLIENT_SECRET,
  client_name: 'Vestibule',
  redirect_uris: [...client.redirectUris],
  post_logout_redirect_uris: [...(client.postLogoutRedirectUris ?? [])],
  response_types: ['code'],
  grant_types: ['authorization_code', 'refresh_token'],
  require_auth_time: true,
  ...(client.backchannelLogoutUri === undefined
    ? {}
    : {
        backchannel_logout_uri: client.backchannelLogoutUri,
        backchannel_logout_session_required: true,
      }),
})

/** A machine: it only gets tokens for itself. */
export const workloadClient = ({ id, secret }: WorkloadClient): ClientMetadata => ({
  client_id: id,
  client_secret: secret,
  redirect_uris: [],
  response_types: [],
  grant_types: ['client_credentials'],
})
