import { createLocalJWKSet, jwtVerify } from 'jose'
import { createKeySet } from '../src/edge/tokens/key-set.ts'
import { fileKeys } from '../src/edge/tokens/key-sources.ts'
import { createTokenVerifier } from '../src/edge/tokens/token-verifier.ts'
import { median } from './statistics.ts'
import { goodToken, publicJwk, type TokenKey, tokenKey } from './token-texts.ts'

export type Verification = {
  readonly algorithm: TokenKey['algorithm']
  readonly tokensPerSecond: number
  readonly cpuMicros: number
  readonly jose: { readonly tokensPerSecond: number; readonly cpuMicros: number }
  /** Medians of the ratios of each round, ours to jose alone. */
  readonly throughput: number
  readonly cpu: number
}

const ISSUER = 'https://ci.test'
/** Distinct ones for each round; none is seen twice. */
const TOKENS_PER_SECOND = 1000
const AT_A_TIME = 8
/** Until so many of each have passed, it is the compiler that is measured. */
const WARM_UP = 3000

type Taken = { readonly tokensPerSecond: number; readonly cpuMicros: number }
type Verify = (token: string) => Promise<boolean>

/** Fresh distinct tokens, proven by ours with all that it checks, and by `jwtVerify` alone. */
export const benchVerification = async (options: {
  readonly rounds: number
  readonly seconds: number
}): Promise<readonly Verification[]> => [
  await benchAlgorithm('RS256', options),
  await benchAlgorithm('ES256', options),
]

const benchAlgorithm = async (
  algorithm: TokenKey['algorithm'],
  { rounds, seconds }: { readonly rounds: number; readonly seconds: number },
): Promise<Verification> => {
  const key = tokenKey(algorithm, 'bench')
  const [ours, jose] = [verifierOf(key), joseOf(key)]
  const fresh = (count: number, round: number): readonly string[] =>
    Array.from({ length: count }, (_each, index) => goodToken(key, ISSUER, `${round}-${index}`))
  const first = fresh(WARM_UP, -1)
  await run(ours, first)
  await run(jose, first)
  const pairs: { readonly ours: Taken; readonly jose: Taken }[] = []
  for (let round = 0; round < rounds; round += 1) {
    const tokens = fresh(TOKENS_PER_SECOND * seconds, round)
    // The first of a round has a colder machine; so each is first in turn.
    const isOursFirst = round % 2 === 0
    const former = await run(isOursFirst ? ours : jose, tokens)
    const latter = await run(isOursFirst ? jose : ours, tokens)
    pairs.push(isOursFirst ? { ours: former, jose: latter } : { ours: latter, jose: former })
  }
  return {
    algorithm,
    ...middle(pairs.map((pair) => pair.ours)),
    jose: middle(pairs.map((pair) => pair.jose)),
    throughput: median(pairs.map((pair) => pair.ours.tokensPerSecond / pair.jose.tokensPerSecond)),
    cpu: median(pairs.map((pair) => pair.ours.cpuMicros / pair.jose.cpuMicros)),
  }
}

const middle = (all: readonly Taken[]): Taken => ({
  tokensPerSecond: median(all.map(({ tokensPerSecond }) => tokensPerSecond)),
  cpuMicros: median(all.map(({ cpuMicros }) => cpuMicros)),
})

/** Some at a time, as requests come; the library checks signatures in threads of their own. */
const run = async (verify: Verify, tokens: readonly string[]): Promise<Taken> => {
  const left = tokens.values()
  const startedAt = performance.now()
  const before = process.cpuUsage()
  await Promise.all(
    Array.from({ length: AT_A_TIME }, async () => {
      for (const token of left)
        if (!(await verify(token))) throw new Error('a good token is refused')
    }),
  )
  const seconds = (performance.now() - startedAt) / 1000
  const { user, system } = process.cpuUsage(before)
  return {
    tokensPerSecond: tokens.length / seconds,
    cpuMicros: (user + system) / tokens.length,
  }
}

const verifierOf = (key: TokenKey): Verify => {
  const keys = createKeySet({
    load: fileKeys(() => Promise.resolve(JSON.stringify({ keys: [publicJwk(key)] })), 'sig'),
    nowMs: () => Date.now(),
    onFailure: (detail) => {
      throw new Error(detail)
    },
  })
  const verify = createTokenVerifier(
    [
      {
        name: 'ci',
        issuer: ISSUER,
        trustDomain: undefined,
        audiences: ['vestibule'],
        actorOf: () => 'workload',
        mapping: {
          email: 'email',
          groups: 'groups',
          preferredUsername: 'preferred_username',
          trustEmail: false,
        },
        subjectClaim: 'sub',
        maxLifetimeSeconds: 86_400,
        toleranceSeconds: 30,
        requires: [],
        requiresIssuedAt: true,
        types: 'any',
        acceptsIdTokens: false,
        proof: { kind: 'signature', algorithms: ['RS256', 'ES256'], keys, review: undefined },
      },
    ],
    { nowSeconds: () => Math.floor(Date.now() / 1000) },
  )
  return async (token) => (await verify(token)).ok
}

const joseOf = (key: TokenKey): Verify => {
  const find = createLocalJWKSet({ keys: [publicJwk(key)] })
  const options = { issuer: ISSUER, audience: 'vestibule', algorithms: ['RS256', 'ES256'] }
  return async (token) => (await jwtVerify(token, find, options)).payload.iss === ISSUER
}
