import { setTimeout as delay } from 'node:timers/promises'
import { SERVICE_TOKENS } from '../core/service-token.ts'
import { type Metrics } from '../edge/observe/metrics.ts'
import { createIdentityProvider, type OpenIdProvider } from '../edge/oidc/identity-provider.ts'
import { createBoundedFetch } from '../edge/outbound/bounded-fetch.ts'
import { createKeepFresh, type KeepFresh } from '../flow/keep-fresh.ts'
import { now, type Parts, publicOrigin, type ServiceInput } from './parts.ts'

export const createProvider = ({ config }: ServiceInput, metrics: Metrics): OpenIdProvider => {
  const { identityProvider } = config
  return createIdentityProvider({
    issuer: identityProvider.issuer,
    clientId: identityProvider.clientId,
    clientSecret: identityProvider.secret,
    scopes: identityProvider.scopes,
    mapping: { ...identityProvider.claims, trustEmail: identityProvider.trustEmail },
    tokenNames: [SERVICE_TOKENS, ...config.tokenIssuers.map(({ name }) => name)],
    publicOrigin: publicOrigin(config),
    fetch: createBoundedFetch({
      timeoutMs: identityProvider.timeout,
      observe: (outcome, seconds) => metrics.called('identity_provider', outcome, seconds),
    }),
    nowSeconds: () => now(),
  })
}

export const createFreshness = ({
  config,
  sessions,
  identityProvider,
  metrics,
}: Parts): KeepFresh =>
  createKeepFresh({
    sessions: sessions.store,
    leases: sessions.leases,
    identityProvider,
    limits: {
      revalidateEverySeconds: config.session.revalidateEvery / 1000,
      outageSeconds: config.session.providerOutage.serveFor / 1000,
    },
    now,
    delay: (ms) => delay(ms, undefined, { ref: false }),
    observe: metrics.revalidated,
  })
