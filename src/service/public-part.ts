import { createHash, randomBytes } from 'node:crypto'
import { type WantedProof } from '../core/decision.ts'
import { parseHostName } from '../core/ids.ts'
import { parseOriginalUrl } from '../core/original-url.ts'
import { findPolicy } from '../core/policy/policy.ts'
import { ANONYMOUS } from '../core/principal.ts'
import { proofWanted } from '../core/proof.ts'
import { resourceMetadata, resourceOrigin } from '../core/protected-resource.ts'
import { type ReturnUrlRules } from '../core/return-url.ts'
import { routedPath } from '../core/routed-path.ts'
import { type Session } from '../core/session.ts'
import { isHttp } from '../edge/config/cross-checks.ts'
import { createSignInCookies } from '../edge/http/cookies.ts'
import { createPublicApp } from '../edge/http/public-app.ts'
import { createReturnSeal } from '../edge/sessions/return-seal.ts'
import { createSignInAttempts } from '../edge/sessions/sign-in-attempts.ts'
import { DPOP_ALGORITHMS } from '../edge/tokens/dpop-proof.ts'
import { createBackChannel } from './back-channel.ts'
import { bugReporter, cookieName, limitsOf, now, type Parts, publicOrigin } from './parts.ts'
import { createAttemptRecords, revokePorts } from './sessions.ts'

export const createPublic = (parts: Parts): ReturnType<typeof createPublicApp> => {
  const { config, ring, assertionKeys, log, records, sessions, metrics } = parts
  const seal = createReturnSeal(ring, now)
  return createPublicApp({
    ports: {
      attempts: createSignInAttempts(createAttemptRecords(config, records), ring),
      sessions: sessions.store,
      identityProvider: parts.identityProvider,
      now,
      random: () => randomBytes(32).toString('base64url'),
      hash: (text) => createHash('sha256').update(text).digest('base64url'),
    },
    cookies: createSignInCookies({
      name: cookieName(config),
      domain: config.cookie.domain,
      secure: !isHttp(config),
      maxAgeSeconds: config.session.absolute / 1000,
    }),
    issuer: config.identityProvider.issuer,
    backChannel: createBackChannel(parts),
    ownSessions: { directory: sessions.directory, revoke: revokePorts(config, sessions) },
    returnUrls: returnUrlRules(parts),
    limits: limitsOf(config),
    proofFor: (returnUrl, session) => proofForUrl(parts, returnUrl, session),
    resourceMetadata: (host) => metadataFor(parts, host),
    publicKeys: () => assertionKeys().map(({ publicJwk }) => publicJwk),
    sealReturn: seal.seal,
    unsealReturn: seal.unseal,
    observe: {
      signIn: (outcome, detail) => {
        metrics.signIn(outcome)
        if (detail !== undefined) log.warn({ outcome, detail }, 'sign-in failed')
      },
      signOut: metrics.signOut,
      returnUrlRefused: metrics.returnUrlRefused,
      bug: bugReporter(log, metrics),
    },
  })
}

/** The policy of the page that somebody wants to go to says what it asks of a sign-in. */
const proofForUrl = (
  { policies }: Parts,
  returnUrl: string,
  session: Session | undefined,
): WantedProof | undefined => {
  const original = parseOriginalUrl(returnUrl)
  const policy = original === undefined ? undefined : findPolicy(policies.current(), original.host)
  if (original === undefined || policy === undefined) return undefined
  return proofWanted(policy, {
    request: {
      ...original,
      method: 'GET',
      path: routedPath(original.target) ?? '/',
      pathIsAmbiguous: false,
      pathIsConfirmed: true,
      isPreflight: false,
      clientCertificate: undefined,
      clientIp: undefined,
      requestId: undefined,
      namespace: '',
      ingress: '',
      service: '',
    },
    principal: session?.principal ?? ANONYMOUS,
    sessionCreatedAt: session?.createdAt,
    now: now(),
  })
}

/** The policy of the host that is asked says what it says of itself. */
const metadataFor = (
  { policies, config }: Parts,
  hostHeader: string,
): ReturnType<typeof resourceMetadata> => {
  const host = parseHostName(hostHeader.replace(/:[0-9]{1,5}$/, ''))
  const policy = host === undefined ? undefined : findPolicy(policies.current(), host)
  return host === undefined || policy === undefined
    ? undefined
    : resourceMetadata(policy, resourceOrigin(publicOrigin(config), host), DPOP_ALGORITHMS)
}

const returnUrlRules = ({ config, policies }: Parts): ReturnUrlRules => ({
  publicOrigin: publicOrigin(config),
  allowHttp: isHttp(config),
  isRoutedHost: (host) => findPolicy(policies.current(), host) !== undefined,
})
