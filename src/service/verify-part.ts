import { type AssertionSize, type HeaderBudget, headerBudget } from '../core/header-budget.ts'
import { type IdentityHeaderNames } from '../core/identity-source.ts'
import { type HostPolicy } from '../core/policy/policy.ts'
import { resourceOrigin } from '../core/protected-resource.ts'
import { SIGNATURE_BYTES } from '../edge/assertion/assertion-keys.ts'
import { createAssertionSigner } from '../edge/assertion/assertion-signer.ts'
import { createVerifyListener } from '../edge/http/verify-listener.ts'
import { type VerifyServer } from '../edge/http/verify-server.ts'
import { DPOP_ALGORITHMS } from '../edge/tokens/dpop-proof.ts'
import { createIdentityMemory } from '../flow/identity-memory.ts'
import { APPLICATION_PRESETS } from '../presets/applications.ts'
import { bugReporter, cookieName, limitsOf, now, type Parts, publicOrigin } from './parts.ts'
import { createNonces, createProofs } from './proofs.ts'
import { createFreshness } from './provider.ts'
import { bearerVerifier } from './service-tokens.ts'
import { revocableToken } from './sessions.ts'
import { createTokens } from './token-issuers.ts'

export const createVerifyPart = (parts: Parts): VerifyServer => {
  const { config, policies, assertionKeys, log, sessions, metrics, decisionLog } = parts
  const identityHeaders = Object.entries(config.identityHeaders)
  const nonces = createNonces(parts)
  const tokens = createTokens(config, { log, metrics })
  const signAssertion = createAssertionSigner({
    keys: assertionKeys,
    algorithm: config.assertion.algorithm,
    issuer: publicOrigin(config),
    lifetimeSeconds: config.assertion.lifetime / 1000,
    now,
  })
  const server = createVerifyListener({
    ports: {
      policies: policies.current,
      sessions: sessions.store,
      revocations: sessions.revocations,
      revocableToken,
      keepFresh: createFreshness(parts),
      verifyToken: bearerVerifier(sessions.serviceTokens.verify, tokens.verify),
      ...createProofs(parts, nonces),
      signAssertion,
      identityOf: createIdentityMemory(
        budgets(identityHeaders, {
          issuer: publicOrigin(config).length,
          signature: SIGNATURE_BYTES[config.assertion.algorithm],
        }),
      ),
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
    record: (answer, sent) => {
      metrics.decided(answer, sent)
      decisionLog.write(answer, sent)
    },
    onBug: bugReporter(log, metrics),
  })
  tokens.start()
  server.once('close', tokens.stop)
  return server
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
