import { type Authenticated, subjectAtIssuer } from '../core/principal.ts'
import { type Revocable } from '../core/revocation.ts'
import { SERVICE_TOKENS } from '../core/service-token.ts'
import { parseStoreAddress } from '../core/store-address.ts'
import { type Config } from '../edge/config/config.ts'
import { createTurnstile } from '../edge/crowd/turnstile.ts'
import { type Metrics } from '../edge/observe/metrics.ts'
import { type KeyRing } from '../edge/sessions/key-ring.ts'
import { createMemoryRecordStore } from '../edge/sessions/memory-record-store.ts'
import { subjectDigest } from '../edge/sessions/names.ts'
import { type RecordStore } from '../edge/sessions/record-store.ts'
import { createRedisRecordStore, type RedisOptions } from '../edge/sessions/redis-record-store.ts'
import { createRevocations } from '../edge/sessions/revocations.ts'
import { createSessionDirectory } from '../edge/sessions/session-directory.ts'
import { createSessionIndex } from '../edge/sessions/session-index.ts'
import { createRefreshLeases } from '../edge/sessions/session-leases.ts'
import { createSessionStore } from '../edge/sessions/session-store.ts'
import { createSessionUse } from '../edge/sessions/session-use.ts'
import { type FindPorts } from '../flow/find-sessions.ts'
import { type SessionStore, type VerifyPorts } from '../flow/ports.ts'
import { type RevokePorts, type SubjectNames } from '../flow/revoke.ts'
import { type ServiceTokens } from '../flow/service-token-ports.ts'
import {
  type RefreshLeases,
  type Revocations,
  type SessionDirectory,
} from '../flow/session-ports.ts'
import { keptSessionBytes, storedSessionBytes } from './memory-shares.ts'
import { limitsOf, monotonicMs, nowMs, publicOrigin } from './parts.ts'
import { createServiceTokens } from './service-tokens.ts'

export type Sessions = {
  readonly store: SessionStore
  readonly leases: RefreshLeases
  readonly revocations: Revocations
  readonly directory: SessionDirectory
  readonly serviceTokens: ServiceTokens
}

/** What Redis answers in a few milliseconds, and few in a turn: the others wait for its end. */
const SESSIONS_IN_TURN = { most: 512, mostWaiting: 1024, perTurn: 4 }
const ATTEMPT_BYTES = 32 * 1024 * 1024

/**
 * Where sign-in attempts are kept. Anybody can start one: in memory they have room of their own, so
 * that a flood of them pushes out attempts, and no session.
 */
export const createAttemptRecords = ({ session }: Config, records: RecordStore): RecordStore =>
  session.store === 'memory'
    ? createMemoryRecordStore({ nowMs, monotonicMs, largestBytes: ATTEMPT_BYTES })
    : records

export const createRecords = (
  { session }: Config,
  events: Pick<RedisOptions, 'onLost' | 'onProven'>,
  observe: RedisOptions['observe'],
): RecordStore => {
  const address = parseStoreAddress(session.store)
  if (address === undefined || address.kind === 'memory') {
    return createMemoryRecordStore({ nowMs, monotonicMs, largestBytes: storedSessionBytes() })
  }
  const { tls } = session
  return createRedisRecordStore({
    address,
    password: session.password?.reveal(),
    sentinelPassword: session.sentinelPassword?.reveal(),
    tls: {
      ca: tls.ca?.reveal(),
      certificate: tls.certificate?.reveal(),
      key: tls.key?.reveal(),
    },
    timeoutMs: session.storeTimeout,
    connectTimeoutMs: Math.max(session.storeTimeout, 1000),
    monotonicMs,
    observe,
    ...events,
  })
}

/** What sessions are made of, over the records of one store. */
export const createSessions = (
  config: Config,
  records: RecordStore,
  ring: () => KeyRing,
  metrics: Pick<Metrics, 'sessionRead' | 'revocationLearnt'>,
): Sessions => {
  const limits = limitsOf(config)
  const idleMs = limits.idleSeconds * 1000
  const absoluteMs = limits.absoluteSeconds * 1000
  const serveKnownForMs = config.session.storeOutage.serveKnownFor
  const use = createSessionUse(records, idleMs, nowMs)
  const revocations = createRevocations({
    records,
    nowMs,
    monotonicMs,
    serveKnownForMs,
    longestLifeMs: longestLifeMs(config),
    onLearnt: metrics.revocationLearnt,
  })
  const index = createSessionIndex({
    records,
    ring,
    use,
    revocations,
    nowMs,
    absoluteMs,
    mostPerSubject: config.session.maxPerSubject,
  })
  return {
    store: createSessionStore({
      records,
      ring,
      limits,
      revocations,
      index,
      use,
      nowMs,
      monotonicMs,
      serveKnownForMs,
      observe: metrics.sessionRead,
      admit: createTurnstile(SESSIONS_IN_TURN),
      keptBytes: keptSessionBytes(),
    }),
    leases: createRefreshLeases(records, absoluteMs),
    revocations,
    directory: createSessionDirectory(records, index, use),
    serviceTokens: createServiceTokens(config, records, ring),
  }
}

/** What ending sessions and tokens takes, for routes and commands alike. */
export const revokePorts = (
  config: Config,
  { store, revocations, directory, serviceTokens }: Sessions,
): RevokePorts => ({
  sessions: store,
  revocations,
  directory,
  serviceTokens,
  names: subjectNames(config),
  nowMs,
  lifeMs: longestLifeMs(config),
})

/** What finding sessions takes. */
export const findPorts = (config: Config, { directory }: Sessions): FindPorts => ({
  directory,
  names: subjectNames(config),
})

const subjectNames = (config: Config): SubjectNames => ({
  people: config.identityProvider.issuer,
  tokenIssuers: [...config.tokenIssuers, { name: SERVICE_TOKENS, issuer: publicOrigin(config) }],
  digest: subjectDigest,
})

/**
 * No session and no bearer token lives longer; so long has a revocation to be remembered. A token
 * may be dated later than now by the tolerance, and is taken for as long after its end.
 */
export const longestLifeMs = ({ session, tokenIssuers }: Lives): number =>
  Math.max(
    session.absolute,
    ...tokenIssuers.map((each) => each.maxLifetime + 2 * each.clockTolerance),
  )

type Lives = {
  readonly session: Pick<Config['session'], 'absolute'>
  readonly tokenIssuers: readonly Pick<
    Config['tokenIssuers'][number],
    'maxLifetime' | 'clockTolerance'
  >[]
}

/**
 * What a revocation may know a bearer token by. Where an agent acts for a person the token ends with
 * either of them; it is as old as it says itself, wherever in it they are named.
 */
export const revocableTokens = ({ tokenIssuers }: Config): VerifyPorts['revocableToken'] => {
  const tolerances = new Map(tokenIssuers.map((each) => [each.issuer, each.clockTolerance]))
  const known = new WeakMap<Authenticated, Revocable>()
  return (principal) => {
    const last = known.get(principal)
    if (last !== undefined) return last
    const { onBehalfOf = principal, issuer } = principal
    const made = revocableOf([principal, onBehalfOf], tolerances.get(issuer) ?? 0)
    known.set(principal, made)
    return made
  }
}

const revocableOf = (
  who: readonly [asks: Authenticated, named: Authenticated],
  aheadMs: number,
): Revocable => {
  const [, { claims }] = who
  const issuedAt = Object.hasOwn(claims, 'iat') ? claims['iat'] : undefined
  return {
    sessionKey: undefined,
    subjects: [...new Set(who.flatMap(digestsOf))],
    providerSessions: [],
    began: {
      kind: 'token',
      // One that does not say when it was issued may be older than anything.
      issuedMs: typeof issuedAt === 'number' ? issuedAt * 1000 : 0,
      aheadMs,
    },
  }
}

/** People order by the name that they see, a provider by `sub`; a claim may make two of them. */
const digestsOf = (who: Authenticated): readonly string[] =>
  [who.subject.slice(who.subject.indexOf('/') + 1), subjectAtIssuer(who)].map((name) =>
    subjectDigest(who.issuer, name),
  )
