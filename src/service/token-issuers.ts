import { type ClientAuth } from 'openid-client'
import { type Logger } from 'pino'
import { type Config } from '../edge/config/config.ts'
import { type IntrospectionConfig, type TokenIssuerConfig } from '../edge/config/token-issuers.ts'
import { createTurnstile } from '../edge/crowd/turnstile.ts'
import { readText } from '../edge/files/yaml-file.ts'
import { type Metrics } from '../edge/observe/metrics.ts'
import { type BoundedFetch, createBoundedFetch } from '../edge/outbound/bounded-fetch.ts'
import { createPrivateCaSend } from '../edge/outbound/private-ca.ts'
import { clientAuthentication } from '../edge/tokens/client-authentication.ts'
import { createIntrospection } from '../edge/tokens/introspection.ts'
import { createKeySet, type KeySet, LOCAL, REMOTE } from '../edge/tokens/key-set.ts'
import { fileKeys, type KeySource, remoteKeys } from '../edge/tokens/key-sources.ts'
import { type Proof, type TokenIssuer, type TokenReview } from '../edge/tokens/token-issuer.ts'
import { createTokenReview } from '../edge/tokens/token-review.ts'
import { createTokenVerifier } from '../edge/tokens/token-verifier.ts'
import { type TokenVerifier, type Turnstile } from '../flow/ports.ts'
import { now, nowMs } from './parts.ts'

type Surroundings = { readonly log: Logger; readonly metrics: Metrics }

/** A token takes up to some 100 µs of CPU; nobody whose token is known waits for more than a few. */
const TOKENS_IN_TURN = { most: 256, mostWaiting: 1024, perTurn: 4 }

export type Tokens = {
  readonly verify: TokenVerifier
  /** Fetches keys now and from time to time. */
  readonly start: () => void
  readonly stop: () => void
}

export const createTokens = ({ tokenIssuers }: Config, around: Surroundings): Tokens => {
  const issuers = tokenIssuers.map((each) => tokenIssuerOf(each, around))
  const keySets = issuers.flatMap(({ proof }) => (proof.kind === 'signature' ? [proof.keys] : []))
  return {
    verify: createTokenVerifier(issuers, {
      nowSeconds: now,
      observe: around.metrics.tokenVerified,
      turnstileOf: createTurnstiles(),
    }),
    start: () => {
      for (const keys of keySets) keys.start()
    },
    stop: () => {
      for (const keys of keySets) keys.stop()
    },
  }
}

/** One for each issuer, and one for tokens that are nobody's. */
const createTurnstiles = (): ((issuer: TokenIssuer | undefined) => Turnstile) => {
  const known = new Map<TokenIssuer | undefined, Turnstile>()
  return (issuer) => {
    const last = known.get(issuer)
    if (last !== undefined) return last
    const made = createTurnstile(TOKENS_IN_TURN)
    known.set(issuer, made)
    return made
  }
}

const tokenIssuerOf = (each: TokenIssuerConfig, around: Surroundings): TokenIssuer => ({
  name: each.name,
  issuer: each.issuer,
  trustDomain: each.isSvid ? each.trustDomain : undefined,
  audiences: each.audiences,
  actorOf: each.actorOf,
  mapping: { ...each.claims, trustEmail: each.trustEmail },
  subjectClaim: each.claims.subject,
  maxLifetimeSeconds: each.maxLifetime / 1000,
  toleranceSeconds: each.clockTolerance / 1000,
  requires: each.requires,
  requiresIssuedAt: each.requiresIssuedAt,
  types: each.isSvid ? 'svid' : each.accessTokensOnly ? 'access' : 'any',
  acceptsIdTokens: each.acceptIdTokens,
  proof: proofOf(each, around),
})

const proofOf = (each: TokenIssuerConfig, around: Surroundings): Proof => {
  const { introspection, algorithms } = each
  return introspection === undefined
    ? {
        kind: 'signature',
        algorithms,
        keys: keySetOf(each, around),
        review: reviewOf(each, around),
      }
    : {
        kind: 'introspection',
        introspect: createIntrospection({
          clientId: introspection.clientId,
          endpoint: introspection.endpoint,
          issuer: each.issuer,
          authentication: () => authenticationOf(introspection),
          cacheSeconds: introspection.cacheFor / 1000,
          fetch: fetchFor(each, around, 'introspection'),
          nowSeconds: now,
          onFailure: (detail) =>
            around.log.warn({ issuer: each.name, detail }, 'token not looked up'),
        }),
        tokenPrefix: introspection.tokenPrefix ?? '',
        requiresAudience: introspection.requireAudience,
      }
}

/** Was tried before the service started; a throw here is a bug. */
const authenticationOf = async ({
  authentication,
  secret,
}: IntrospectionConfig): Promise<ClientAuth> => {
  if (secret === undefined) throw new TypeError('no client secret')
  const made = await clientAuthentication(authentication, secret)
  if (!made.ok) throw new TypeError(made.failure)
  return made.value
}

const keySetOf = (each: TokenIssuerConfig, { log, metrics }: Surroundings): KeySet =>
  createKeySet({
    load: keySourceOf(each, fetchFor(each, { metrics }, 'token_issuer')),
    pace: each.jwksFile === undefined ? REMOTE : LOCAL,
    nowMs,
    onFailure: (detail) => log.warn({ issuer: each.name, detail }, 'issuer keys not fetched'),
    onChange: (keys, skipped) => log.info({ issuer: each.name, keys, skipped }, 'issuer keys'),
    onLoaded: () => metrics.issuerKeysConfirmed(each.name, now()),
  })

export const keySourceOf = (each: TokenIssuerConfig, fetch: BoundedFetch): KeySource => {
  const { issuer, jwksUri, jwksFile, bearerTokenFile } = each
  const use = each.isSvid ? 'jwt-svid' : 'sig'
  return jwksFile === undefined
    ? remoteKeys({
        issuer,
        jwksUri,
        use,
        fetch,
        readBearerToken:
          bearerTokenFile === undefined ? undefined : () => readFile(bearerTokenFile),
      })
    : fileKeys(() => readFile(jwksFile), use)
}

const reviewOf = (each: TokenIssuerConfig, around: Surroundings): TokenReview | undefined => {
  const { tokenReview, bearerTokenFile, audiences } = each
  if (tokenReview === undefined || bearerTokenFile === undefined) return undefined
  return createTokenReview({
    url: tokenReview.url,
    audiences,
    readBearerToken: () => readFile(bearerTokenFile),
    cacheSeconds: tokenReview.cacheFor / 1000,
    fetch: fetchFor(each, around, 'token_review'),
    nowSeconds: now,
    onFailure: (detail) => around.log.warn({ issuer: each.name, detail }, 'token not reviewed'),
  })
}

export const fetchFor = (
  { timeout, caFile }: Pick<TokenIssuerConfig, 'timeout' | 'caFile'>,
  { metrics }: { readonly metrics: Pick<Metrics, 'called'> },
  dependency: 'token_issuer' | 'introspection' | 'token_review',
): BoundedFetch =>
  createBoundedFetch({
    timeoutMs: timeout,
    observe: (outcome, seconds) => metrics.called(dependency, outcome, seconds),
    ...(caFile === undefined ? {} : { send: createPrivateCaSend(() => readFile(caFile)) }),
  })

/** Read each time: Kubernetes replaces mounted files while the service runs. */
const readFile = async (path: string): Promise<string> => {
  const read = await readText(path)
  if (!read.ok) throw new TypeError(`${path} ${read.failure.problem}`)
  return read.value.trim()
}
