import { createHash, randomBytes } from 'node:crypto'
import { type Server } from 'node:http'
import { type Logger } from 'pino'
import { headerBudget } from './core/header-budget.ts'
import { epochSeconds } from './core/ids.ts'
import { findPolicy, type PolicySet } from './core/policy/policy.ts'
import { type ReturnUrlRules } from './core/return-url.ts'
import { isLive, type SessionLimits } from './core/session.ts'
import { type AssertionKeys } from './edge/assertion/assertion-keys.ts'
import { createAssertionSigner } from './edge/assertion/assertion-signer.ts'
import { type Config } from './edge/config/config.ts'
import { isHttp } from './edge/config/cross-checks.ts'
import { createSignInCookies } from './edge/http/cookies.ts'
import { createOpsApp } from './edge/http/ops-app.ts'
import { createPublicApp } from './edge/http/public-app.ts'
import { createVerifyListener } from './edge/http/verify-listener.ts'
import { createDecisionLog } from './edge/observe/decision-log.ts'
import { createMetrics, type Metrics } from './edge/observe/metrics.ts'
import { createIdentityProvider } from './edge/oidc/identity-provider.ts'
import { createBoundedFetch } from './edge/outbound/bounded-fetch.ts'
import { type KeyRing } from './edge/sessions/key-ring.ts'
import { withKnownSessions } from './edge/sessions/known-sessions.ts'
import { createMemoryRecordStore } from './edge/sessions/memory-record-store.ts'
import { type RecordStore } from './edge/sessions/record-store.ts'
import { createRedisRecordStore } from './edge/sessions/redis-record-store.ts'
import { createReturnSeal } from './edge/sessions/return-seal.ts'
import { createSessionStore } from './edge/sessions/session-store.ts'
import { createSignInAttempts } from './edge/sessions/sign-in-attempts.ts'
import { createKeySet } from './edge/tokens/key-set.ts'
import { createTokenVerifier, type TokenIssuer } from './edge/tokens/token-verifier.ts'
import { type SessionStore } from './flow/ports.ts'
import { type Listeners, listenAll } from './listeners.ts'

/** Everything that was read and checked before the service starts. */
export type ServiceInput = {
  readonly config: Config
  readonly policies: PolicySet
  readonly ring: KeyRing
  readonly assertionKeys: AssertionKeys
  readonly log: Logger
}

export type Service = Listeners & {
  /** Stops taking connections, lets running requests finish, then lets go of everything. */
  readonly drain: () => Promise<void>
}

const nowMs = (): number => Date.now()
const now = (): ReturnType<typeof epochSeconds> => epochSeconds(Date.now() / 1000)

/** Builds every edge, hands them to the flows, and listens. Fails where an address is taken. */
export const startService = async (input: ServiceInput): Promise<Service> => {
  const { config, policies, log } = input
  const metrics = createMetrics()
  metrics.policiesLoaded(policies, now())
  if (!config.verify.requireHost) metrics.insecure('verify.requireHost')
  const decisionLog = createDecisionLog({
    to: config.decisionLog.to,
    now: () => new Date(),
    onDropped: metrics.decisionDropped,
  })
  const records = createRecords(input, metrics)
  const sessions = createSessions(input, records, metrics)
  let isDraining = false
  const verifyServer = createVerifyServer(input, sessions, metrics, decisionLog.write)
  const listeners = await listenAll(config.listen, {
    verify: verifyServer,
    public: createPublic(input, sessions, records, metrics),
    ops: createOpsApp({
      metrics: async () => ({ text: await metrics.text(), contentType: metrics.contentType }),
      readiness: {
        draining: () => Promise.resolve(!isDraining),
        'session-store': async () => (await records.ping()).ok,
      },
      onBug: bugReporter(log, metrics),
    }),
  })
  return {
    ...listeners,
    drain: async () => {
      isDraining = true
      await listeners.close(config.shutdown.drain)
      await decisionLog.close()
      await records.close()
    },
  }
}

export const bugReporter =
  (log: Logger, metrics: Pick<Metrics, 'bug'>) =>
  (error: unknown): void => {
    metrics.bug()
    log.error({ error: error instanceof Error ? error.stack : String(error) }, 'internal error')
  }

const createRecords = ({ config, log }: ServiceInput, metrics: Metrics): RecordStore =>
  config.session.store === 'memory'
    ? createMemoryRecordStore(nowMs)
    : createRedisRecordStore({
        url: config.session.store,
        timeoutMs: config.session.storeTimeout,
        observe: (outcome, seconds) => metrics.called('session_store', outcome, seconds),
        onLost: (detail) => log.warn({ detail }, 'session store unreachable'),
      })

const limitsOf = ({ session }: Config): SessionLimits => ({
  idleSeconds: session.idle / 1000,
  absoluteSeconds: session.absolute / 1000,
})

const createSessions = (
  { config, ring }: ServiceInput,
  records: RecordStore,
  metrics: Metrics,
): SessionStore => {
  const limits = limitsOf(config)
  return withKnownSessions(createSessionStore({ records, ring, limits, now }), {
    serveKnownForMs: config.session.storeOutage.serveKnownFor,
    nowMs,
    isLive: (session) => isLive(session, limits, now()),
    onServed: metrics.servedWithoutStore,
  })
}

const publicOrigin = ({ publicUrl }: Config): string => new URL(publicUrl).origin

export const cookieName = (config: Config): string =>
  config.cookie.name ?? (isHttp(config) ? 'vestibule' : '__Secure-vestibule')

const createVerifyServer = (
  { config, policies, assertionKeys, log }: ServiceInput,
  sessions: SessionStore,
  metrics: Metrics,
  write: ReturnType<typeof createDecisionLog>['write'],
): Server => {
  const identityHeaders = Object.entries(config.identityHeaders)
  const signs = identityHeaders.some(([, source]) => source === 'assertion')
  const signAssertion = createAssertionSigner({
    keys: () => assertionKeys,
    issuer: publicOrigin(config),
    lifetimeSeconds: config.assertion.lifetime / 1000,
    now,
  })
  return createVerifyListener({
    ports: {
      policies: () => policies,
      sessions,
      verifyToken: createTokenVerifier(tokenIssuers(config, log, metrics), () => now()),
      signAssertion: signs ? signAssertion : () => Promise.resolve(''),
      headerBudget: headerBudget(identityHeaders, publicOrigin(config).length),
      now,
    },
    requireHost: config.verify.requireHost,
    cookieName: cookieName(config),
    identityHeaders,
    record: (answer, status, seconds) => {
      metrics.decided(answer, seconds)
      write(answer, status, seconds)
    },
    onBug: bugReporter(log, metrics),
  })
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

const createPublic = (
  input: ServiceInput,
  sessions: SessionStore,
  records: RecordStore,
  metrics: Metrics,
): ReturnType<typeof createPublicApp> => {
  const { config, ring, assertionKeys, log } = input
  const { identityProvider } = config
  const seal = createReturnSeal(ring, now)
  return createPublicApp({
    ports: {
      attempts: createSignInAttempts(records, ring),
      sessions,
      identityProvider: createIdentityProvider({
        issuer: identityProvider.issuer,
        clientId: identityProvider.clientId,
        clientSecret: identityProvider.secret,
        scopes: identityProvider.scopes,
        mapping: { ...identityProvider.claims, trustEmail: identityProvider.trustEmail },
        publicOrigin: publicOrigin(config),
        fetch: createBoundedFetch({
          timeoutMs: identityProvider.timeout,
          observe: (outcome, seconds) => metrics.called('identity_provider', outcome, seconds),
        }),
        nowSeconds: () => now(),
      }),
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
    returnUrls: returnUrlRules(input),
    limits: limitsOf(config),
    publicKeys: () => assertionKeys.map(({ publicJwk }) => publicJwk),
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

const returnUrlRules = ({ config, policies }: ServiceInput): ReturnUrlRules => ({
  publicOrigin: publicOrigin(config),
  allowHttp: isHttp(config),
  isRoutedHost: (host) => findPolicy(policies, host) !== undefined,
})
