import { ok } from '../core/result.ts'
import { ALGORITHMS } from '../edge/config/fields.ts'
import {
  type BackChannelOptions,
  type BackChannelOutcome,
} from '../edge/http/back-channel-routes.ts'
import { createCostLimit } from '../edge/http/cost-limit.ts'
import { createBoundedFetch } from '../edge/outbound/bounded-fetch.ts'
import { providerSessionDigest, subjectDigest } from '../edge/sessions/names.ts'
import { createUsedLogoutTokens } from '../edge/sessions/used-logout-tokens.ts'
import { createKeySet } from '../edge/tokens/key-set.ts'
import { remoteKeys } from '../edge/tokens/key-sources.ts'
import { createLogoutTokenVerifier, type LogoutKeys } from '../edge/tokens/logout-token.ts'
import { backChannelLogout } from '../flow/back-channel-logout.ts'
import { monotonicMs, now, nowMs, type Parts } from './parts.ts'
import { longestLifeMs } from './sessions.ts'

/** Signatures that may turn out wrong; a few milliseconds of work in each second. */
const LIMIT = { perSecond: 50, burst: 200 }

/** Anybody can send these at any rate; they are counted. */
const UNSPOKEN: ReadonlySet<BackChannelOutcome> = new Set(['not_understood', 'limited'])

/** What the identity provider may say is over. */
export const createBackChannel = (parts: Parts): BackChannelOptions => {
  const { config, records, sessions, identityProvider, metrics, log } = parts
  const { issuer, clientId, logoutTokens } = config.identityProvider
  const ports = {
    verify: createLogoutTokenVerifier({
      ...logoutTokens,
      issuer,
      clientId,
      algorithms: async () => {
        const offered = await identityProvider.idTokenAlgorithms()
        return offered.ok ? ok(ALGORITHMS.filter((each) => offered.value.includes(each))) : offered
      },
      keys: providerKeys(parts),
      nowSeconds: now,
    }),
    used: createUsedLogoutTokens(records),
    revocations: sessions.revocations,
    directory: sessions.directory,
    names: { subject: subjectDigest, session: providerSessionDigest },
    nowMs,
    lifeMs: longestLifeMs(config),
  }
  return {
    logout: (token) => backChannelLogout(ports, token),
    limit: createCostLimit({ ...LIMIT, monotonicMs }),
    observe: (outcome) => {
      metrics.logoutToken(outcome)
      if (outcome === 'done') metrics.signOut('back_channel')
      else if (!UNSPOKEN.has(outcome)) log.warn({ outcome }, 'logout token not carried out')
    },
  }
}

const providerKeys = ({ config, metrics, log }: Parts): LogoutKeys =>
  createKeySet({
    load: remoteKeys({
      issuer: config.identityProvider.issuer,
      jwksUri: undefined,
      use: 'sig',
      anyOrigin: true,
      fetch: createBoundedFetch({
        timeoutMs: config.identityProvider.timeout,
        observe: (outcome, seconds) => metrics.called('identity_provider', outcome, seconds),
      }),
    }),
    nowMs,
    onFailure: (detail) => log.warn({ detail }, 'keys of the identity provider not fetched'),
  })
