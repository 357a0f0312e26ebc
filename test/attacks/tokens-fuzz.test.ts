import { createHash } from 'node:crypto'
import { beforeAll, describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { createLocalJWKSet } from 'jose'
import { epochSeconds } from '../../src/core/ids.ts'
import { ok } from '../../src/core/result.ts'
import { createDpopVerifier } from '../../src/edge/tokens/dpop-proof.ts'
import { createIntrospection } from '../../src/edge/tokens/introspection.ts'
import { createKeySet, LOCAL } from '../../src/edge/tokens/key-set.ts'
import { fileKeys } from '../../src/edge/tokens/key-sources.ts'
import { parsePublicKeys } from '../../src/edge/tokens/public-keys.ts'
import { type Proof } from '../../src/edge/tokens/token-issuer.ts'
import { createTokenVerifier } from '../../src/edge/tokens/token-verifier.ts'
import { type DpopVerifier } from '../../src/flow/ports.ts'
import { aRequest } from '../support/policies.ts'
import { issuerOf, NOW } from '../tokens/support-tokens.ts'
import { type Claims, createKey, encode, publicJwk, signText } from './support-bearer.ts'
import { createDpopKey, type DpopKey } from './support-dpop.ts'

/*
 * What a client may make up, and what an issuer may answer, without end. Nothing of it is an error
 * that nobody handles, and what is let through is right in every respect that this can see.
 */

const RUNS = Number(process.env['VESTIBULE_FUZZ_RUNS'] ?? 400)
const ISSUER = 'https://a.test'
const KEY = createKey('one', 'ES256')
const clock = { nowMs: NOW * 1000 }

const check = async <Value>(
  arbitrary: fc.Arbitrary<Value>,
  holds: (value: Value) => Promise<void>,
): Promise<void> => {
  await fc.assert(fc.asyncProperty(arbitrary, holds), { seed: 0x7043e4, numRuns: RUNS })
}

const time = fc.oneof(
  fc.integer({ min: -120, max: 120 }).map((offset) => NOW + offset),
  fc.constantFrom(NOW + 0.5, NOW + 1e9, 1e308, -1, 0),
)
const odd: fc.Arbitrary<unknown> = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  time,
  fc.constantFrom('vestibule', ['vestibule'], ISSUER, 'https://b.test', { sub: 'x' }, 'a\u0000'),
)
const NAMES = ['iss', 'sub', 'aud', 'exp', 'iat', 'nbf', 'act', 'cnf', 'nonce', 'typ', 'events']
const changed = fc.dictionary(
  fc.constantFrom(...NAMES, '__proto__', 'constructor', 'groups'),
  odd,
  {
    maxKeys: 4,
  },
)
const heading = fc.dictionary(
  fc.constantFrom('alg', 'kid', 'typ', 'crit', 'b64', 'jwk', 'zip'),
  odd,
  {
    maxKeys: 2,
  },
)

const verifierBy = (proof: Proof) =>
  createTokenVerifier([issuerOf(ISSUER, clock, { proof })], { nowSeconds: () => NOW })

const keys = createKeySet({
  load: fileKeys(() => Promise.resolve(JSON.stringify({ keys: [publicJwk(KEY)] })), 'sig'),
  pace: LOCAL,
  nowMs: () => clock.nowMs,
  onFailure: () => undefined,
})

const named = (audience: unknown): readonly unknown[] =>
  Array.isArray(audience) ? audience : [audience]

/** Whatever else it says: by whom, for whom, of whom, and when. */
const expectRight = (claims: Claims): void => {
  expect(claims['iss']).toBe(ISSUER)
  expect(named(claims['aud'])).toContain('vestibule')
  expect(typeof claims['sub']).toBe('string')
  expect(claims['exp']).toBeGreaterThan(NOW - 30)
  expect(claims['exp']).toBeLessThanOrEqual(NOW + 30 + 86_400)
  for (const name of ['iat', 'nbf']) expect(claims[name] ?? NOW).toBeLessThanOrEqual(NOW + 30)
}

describe('tokens', () => {
  const verify = verifierBy({
    kind: 'signature',
    algorithms: ['ES256'],
    keys,
    review: undefined,
  })

  test('signed by the right key, with any claims and header, are right or refused', async () => {
    const good = { iss: ISSUER, sub: 'ci', aud: 'vestibule', iat: NOW, exp: NOW + 300 }
    let accepted = 0
    await check(fc.tuple(changed, heading), async ([changes, header]) => {
      const claims = { ...good, ...changes }
      const input = `${encode({ alg: 'ES256', kid: 'one', ...header })}.${encode(claims)}`
      const verified = await verify(`${input}.${signText(input, KEY)}`)
      if (!verified.ok) return
      accepted += 1
      expectRight(JSON.parse(JSON.stringify(claims)) as Claims)
    })
    // Else this would show little.
    expect(accepted).toBeGreaterThan(RUNS / 50)
  })

  test('of any text are refused', async () => {
    const piece = fc.oneof(fc.string(), fc.base64String(), fc.json().map(encode))
    await check(fc.array(piece, { maxLength: 6 }), async (parts) => {
      expect((await verify(parts.join('.'))).ok).toBe(false)
    })
  })
})

describe('proofs of a key', () => {
  let key: DpopKey
  let verify: DpopVerifier
  beforeAll(async () => {
    key = await createDpopKey()
    verify = createDpopVerifier({
      scheme: 'https',
      windowSeconds: 60,
      isNonce: undefined,
      claim: () => Promise.resolve(ok(true)),
      now: () => epochSeconds(NOW),
    })
  })

  test('signed by it, with any claims and header, are right or refused', async () => {
    const request = aRequest({ path: '/x' })
    const good = {
      jti: 'a',
      htm: 'GET',
      htu: 'https://app.test/x',
      iat: NOW,
      ath: createHash('sha256').update('token').digest('base64url'),
    }
    const shown = fc.dictionary(fc.constantFrom('kty', 'crv', 'x', 'y', 'd', 'n', 'e', 'k'), odd)
    const of = fc.record(
      {
        claims: fc.dictionary(fc.constantFrom(...Object.keys(good), 'exp', 'nbf', 'nonce'), odd),
        header: heading,
        jwk: shown,
      },
      { requiredKeys: [] },
    )
    const about = { token: 'token', thumbprint: key.thumbprint, request }
    let accepted = 0
    await check(of, async ({ claims = {}, header = {}, jwk = {} }) => {
      const head = { typ: 'dpop+jwt', alg: 'ES256', jwk: { ...key.jwk, ...jwk }, ...header }
      const said = { ...good, ...claims }
      const input = `${encode(head)}.${encode(said)}`
      const bytes = new TextEncoder().encode(input)
      const how = { name: 'ECDSA', hash: 'SHA-256' }
      const signature = await crypto.subtle.sign(how, key.privateKey, bytes)
      const verified = await verify(
        `${input}.${Buffer.from(signature).toString('base64url')}`,
        about,
      )
      if (!verified.ok) return
      accepted += 1
      expect([said.htm, said.ath]).toEqual([good.htm, good.ath])
      expect(Math.abs(said.iat - NOW)).toBeLessThanOrEqual(60)
      for (const name of ['kty', 'crv', 'x', 'y'] as const)
        expect(head.jwk[name]).toBe(key.jwk[name])
    })
    expect(accepted).toBeGreaterThan(RUNS / 50)
  })
})

describe('what an issuer answers', () => {
  test('in place of keys holds public keys, or is none', async () => {
    const good = publicJwk(KEY)
    const member = fc.constantFrom(...Object.keys(good), 'd', 'k', 'key_ops', 'n', 'e', 'x5c')
    const bad = fc.dictionary(member, odd).map((changes) => ({ ...good, ...changes }))
    const set = fc.oneof(
      fc.jsonValue(),
      fc.array(fc.oneof(bad, odd), { maxLength: 5 }).map((all) => ({ keys: all })),
    )
    await check(set, async (value) => {
      let taken: ReturnType<typeof parsePublicKeys> | undefined
      try {
        taken = parsePublicKeys(value, 'sig')
      } catch {
        return
      }
      for (const each of taken.keys) expect(Object.keys(each)).not.toContain('d')
      const find = createLocalJWKSet({ keys: [...taken.keys] })
      await find({ alg: 'ES256', kid: 'one' }).catch(() => undefined)
    })
  })

  test('about a token makes it good with active: true alone', async () => {
    const answer = fc.oneof(
      fc.jsonValue(),
      fc
        .tuple(fc.constantFrom<unknown>(true, true, 'true', 1, null), changed)
        .map(([active, changes]) => ({ active, sub: 'ci', aud: 'vestibule', ...changes })),
    )
    let accepted = 0
    await check(answer, async (body) => {
      const verify = verifierBy({
        kind: 'introspection',
        introspect: createIntrospection({
          issuer: ISSUER,
          endpoint: `${ISSUER}/introspect`,
          clientId: 'vestibule',
          authentication: () => Promise.resolve(() => undefined),
          cacheSeconds: 30,
          fetch: () => Promise.resolve(Response.json(body)),
          nowSeconds: () => NOW,
          onFailure: () => undefined,
        }),
        tokenPrefix: '',
        requiresAudience: true,
      })
      if (!(await verify('opaque')).ok) return
      accepted += 1
      const said = body as Claims
      expect(said['active']).toBe(true)
      expectRight({ iss: ISSUER, exp: NOW, ...said })
    })
    expect(accepted).toBeGreaterThan(RUNS / 50)
  })
})
