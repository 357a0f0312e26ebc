import { type HostName } from './ids.ts'
import { type HostPolicy } from './policy/policy.ts'

/** What a host says of itself, so that programs find where to get a token (RFC 9728). */
export type ProtectedResource = {
  readonly authorizationServers: readonly string[]
  readonly scopes: readonly string[]
  readonly name: string | undefined
  readonly documentation: string | undefined
}

export const RESOURCE_METADATA_PATH = '/.well-known/oauth-protected-resource'

/** A protected host as clients reach it: the scheme and port are those of the public listener. */
export const resourceOrigin = (publicOrigin: string, host: HostName): string => {
  const [scheme = '', port = ''] =
    /^(https?:\/\/)[^/]*?(:[0-9]+)?$/.exec(publicOrigin)?.slice(1) ?? []
  return `${scheme}${host}${port}`
}

/** The document (RFC 9728 section 2); undefined where the host says nothing of itself. */
export const resourceMetadata = (
  { protectedResource, requirements, readsClientCertificate }: HostPolicy,
  origin: string,
  dpopAlgorithms: readonly string[],
): Readonly<Record<string, unknown>> | undefined => {
  if (protectedResource === undefined) return undefined
  const { authorizationServers, scopes, name, documentation } = protectedResource
  return {
    resource: origin,
    authorization_servers: authorizationServers,
    bearer_methods_supported: ['header'],
    ...(scopes.length === 0 ? {} : { scopes_supported: scopes }),
    ...(name === undefined ? {} : { resource_name: name }),
    ...(documentation === undefined ? {} : { resource_documentation: documentation }),
    dpop_signing_alg_values_supported: dpopAlgorithms,
    dpop_bound_access_tokens_required: requirements.some(
      ({ bindings }) => bindings.size === 1 && bindings.has('dpop'),
    ),
    tls_client_certificate_bound_access_tokens: readsClientCertificate,
  }
}
