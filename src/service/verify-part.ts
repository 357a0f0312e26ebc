import { type Server } from 'node:http'
import { type Logger } from 'pino'
import { type AssertionSize, type HeaderBudget, headerBudget } from '../core/header-budget.ts'
import { type IdentityHeaderNames } from '../core/identity-source.ts'
import { type HostPolicy } from '../core/policy/policy.ts'
import { resourceOrigin } from '../core/protected-resource.ts'
import { SIGNATURE_BYTES } from '../edge/assertion/assertion-keys.ts'
import { createAssertionSigner } from '../edge/assertion/assertion-signer.ts'
import { type Config } from '../edge/config/config.ts'
import { createVerifyListener } from '../edge/http/verify-listener.ts'
import { type Metrics } from '../edge/observe/metrics.ts'
import { createBoundedFetch } from '../edge/outbound/bounded-fetch.ts'
import { DPOP_ALGORITHMS } from '../edge/tokens/dpop-proof.ts'
import { createKeySet } from '../edge/tokens/key-set.ts'
import { createTokenVerifier, type TokenIssuer } from '../edge/tokens/token-verifier.ts'
import { APPLICATION_PRESETS } from '../presets/applications.ts'
import { bugReporter, cookieName, limitsOf, now, nowMs, type Parts, publicOrigin } from './parts.ts'
import { createNonces, createProofs } from './proofs.ts'
import { createFreshness } from './provider.ts'

export const createVerifyServer = (parts: Parts): Server => {
  const { config, policies, assertionKeys, log, sessions, metrics, decisionLog } = parts
  const identityHeaders = Object.entries(config.identityHeaders)
  const nonces = createNonces(parts)
  const signAssertion = createAssertionSigner({
    keys: () => assertionKeys,
    algorithm: config.assertion.algorithm,
    issuer: publicOrigin(config),
    lifetimeSeconds: config.assertion.lifetime / 1000,
    now,
  })
  return createVerifyListener({
    ports: {
      policies: policies.current,
      sessions,
      keepFresh: createFreshness(parts),
      verifyToken: createTokenVerifier(tokenIssuers(config, log, metrics), () => now()),
      ...createProofs(parts, nonces),
      signAssertion,
      headerBudget: budgets(identityHeaders, {
        issuer: publicOrigin(config).length,
        signature: SIGNATURE_BYTES[config.assertion.algorithm],
      }),
      sessionLimits: limitsOf(config),
      now,
    },
    requireHost: config.verify.requireHost,
    cookieName: cookieName(config),
    identityHeaders,
    originOf: (host) => resourceOrigin(publicOrigin(config), host),
    dpop: { algorithms: DPOP_ALGORITHMS, nonce: () => nonces?.current() },
    identityNames: new Set(
      [...identityHeaders, ...APPLICATION_PRESETS.flatMap(({ headers }) => headers)].map(([name]) =>
        name.toLowerCase(),
      ),
    ),
    record: (answer, status, seconds) => {
      metrics.decided(answer, seconds)
      decisionLog.write(answer, status, seconds)
    },
    onBug: bugReporter(log, metrics),
  })
}

/** One budget for each policy, worked out when it is first needed. */
const budgets = (
  names: IdentityHeaderNames,
  size: AssertionSize,
): ((policy: HostPolicy) => HeaderBudget) => {
  const known = new WeakMap<HostPolicy, HeaderBudget>()
  return (policy) => {
    const found = known.get(policy)
    if (found !== undefined) return found
    const budget = headerBudget([...names, ...policy.presetHeaders], size)
    known.set(policy, budget)
    return budget
  }
}

const tokenIssuers = (config: Config, log: Logger, metrics: Metrics): readonly TokenIssuer[] =>
  config.tokenIssuers.map((each) => ({
    name: each.name,
    issuer: each.issuer,
    audiences: each.audiences,
    algorithms: each.algorithms,
    actor: each.actor,
    mapping: { ...each.claims, trustEmail: each.trustEmail },
    maxLifetimeSeconds: each.maxLifetime / 1000,
    toleranceSeconds: each.clockTolerance / 1000,
    keys: createKeySet({
      issuer: each.issuer,
      jwksUri: each.jwksUri,
      fetch: createBoundedFetch({
        timeoutMs: config.identityProvider.timeout,
        observe: (outcome, seconds) => metrics.called('token_issuer', outcome, seconds),
      }),
      nowMs,
      onFailure: (detail) => log.warn({ issuer: each.name, detail }, 'issuer keys not fetched'),
    }),
  }))
