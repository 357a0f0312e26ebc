import { generateKeyPairSync, sign } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import { createKeySet, LOCAL } from '../../src/edge/tokens/key-set.ts'
import { fileKeys } from '../../src/edge/tokens/key-sources.ts'
import { type TokenReview } from '../../src/edge/tokens/token-issuer.ts'
import { createTokenVerifier } from '../../src/edge/tokens/token-verifier.ts'
import {
  createVerificationCache,
  type Verification,
} from '../../src/edge/tokens/verification-cache.ts'
import {
  createKey,
  encode,
  publicJwk,
  type SigningKey,
  signText,
} from '../attacks/support-bearer.ts'
import { failureOf, issuerOf, NOW } from './support-tokens.ts'

const PRINCIPAL = {
  kind: 'authenticated',
  actor: 'workload',
  subject: 'ci/a',
  issuer: 'https://a.test',
  email: undefined,
  preferredUsername: undefined,
  groups: undefined,
  claims: {},
} as const

const good = (until: number, stillHolds = (): boolean => true): Verification => ({
  outcome: { ok: true, value: PRINCIPAL },
  until,
  stillHolds,
})
const bad = (until: number): Verification => ({
  outcome: { ok: false, failure: 'invalid' },
  until,
  stillHolds: () => true,
})

/** A memory with a clock moved by hand, that counts what was looked at. */
const world = () => {
  const state = { now: NOW, looked: 0, seen: [] as string[] }
  const remember = createVerificationCache({
    nowSeconds: () => state.now,
    observe: (outcome) => state.seen.push(outcome),
  })
  const ask = (token: string, verification: Verification) =>
    remember(token, () => {
      state.looked += 1
      return Promise.resolve(verification)
    })
  return { state, ask }
}

describe('what is remembered of a token', () => {
  test('is used until the moment it says, and not at that moment', async () => {
    const { state, ask } = world()
    await ask('a', good(NOW + 10))
    state.now = NOW + 9
    await ask('a', good(NOW + 10))
    expect(state.looked).toBe(1)
    state.now = NOW + 10
    await ask('a', good(NOW + 20))
    expect([state.looked, state.seen]).toEqual([2, ['miss', 'hit', 'miss']])
  })

  test('is dropped once it holds no more', async () => {
    const { state, ask } = world()
    let holds = true
    await ask(
      'a',
      good(NOW + 100, () => holds),
    )
    holds = false
    expect(await ask('a', bad(NOW + 10))).toEqual({ ok: false, failure: 'invalid' })
    expect(state.looked).toBe(2)
  })

  test('is of this token to the last byte', async () => {
    const { ask } = world()
    await ask('a.b.c', good(NOW + 100))
    for (const other of ['a.b.C', 'a.b.c=', 'a.b', 'a.b.c.', ' a.b.c']) {
      expect((await ask(other, bad(NOW + 10))).ok).toBe(false)
    }
    expect((await ask('a.b.c', bad(NOW + 10))).ok).toBe(true)
  })

  test('is nothing where it could not be found out', async () => {
    const { state, ask } = world()
    await ask('a', bad(0))
    await ask('a', good(NOW + 10))
    expect(state.looked).toBe(2)
  })

  test('is there in the same turn where it was found out in one', () => {
    const { state } = world()
    const remember = createVerificationCache({
      nowSeconds: () => NOW,
      observe: (outcome) => state.seen.push(outcome),
    })
    const once = (): Verification => {
      state.looked += 1
      return good(NOW + 1)
    }
    expect([remember('a', once), remember('a', once)]).toEqual([
      { ok: true, value: PRINCIPAL },
      { ok: true, value: PRINCIPAL },
    ])
    expect([state.looked, state.seen]).toEqual([1, ['miss', 'hit']])
  })

  test('is nothing where looking throws', () => {
    const remember = createVerificationCache({ nowSeconds: () => NOW, observe: () => undefined })
    const broken = (): Verification => {
      throw new Error('a bug')
    }
    expect(() => remember('a', broken)).toThrow('a bug')
    expect(remember('a', () => good(NOW + 1))).toMatchObject({ ok: true })
  })

  test('is shared while it is being found out, and an error is nobody else’s for long', async () => {
    const { state } = world()
    const remember = createVerificationCache({ nowSeconds: () => NOW, observe: () => undefined })
    const slow = Promise.withResolvers<Verification>()
    const all = Array.from({ length: 100 }, () =>
      remember('a', () => {
        state.looked += 1
        return slow.promise
      }),
    )
    slow.reject(new Error('a bug'))
    const outcomes = await Promise.allSettled(all.map((each) => Promise.resolve(each)))
    expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true)
    expect(state.looked).toBe(1)
    expect((await remember('a', () => Promise.resolve(good(NOW + 1)))).ok).toBe(true)
  })

  test('is not pushed out by a flood of bad tokens', async () => {
    const { state, ask } = world()
    await ask('good', good(NOW + 100))
    for (let count = 0; count < 20_000; count += 1) await ask(`bad-${count}`, bad(NOW + 10))
    state.looked = 0
    expect((await ask('good', bad(NOW + 10))).ok).toBe(true)
    expect(state.looked).toBe(0)
  })
})

const tokenBy = (key: SigningKey, lifetime = 300, now = NOW): string => {
  const claims = {
    iss: 'https://a.test',
    sub: 'a',
    aud: 'vestibule',
    iat: now,
    exp: now + lifetime,
  }
  const input = `${encode({ alg: key.algorithm, kid: key.kid })}.${encode(claims)}`
  return `${input}.${signText(input, key)}`
}

const withFile = (clock: { nowMs: number }, read: () => string, review?: TokenReview) => {
  const keys = createKeySet({
    load: fileKeys(() => Promise.resolve(read()), 'sig'),
    pace: LOCAL,
    nowMs: () => clock.nowMs,
    onFailure: () => undefined,
  })
  const issuer = issuerOf('https://a.test', clock, {
    proof: { kind: 'signature', algorithms: ['ES256', 'RS256'], keys, review },
  })
  return createTokenVerifier([issuer], { nowSeconds: () => Math.floor(clock.nowMs / 1000) })
}

describe('a verified token', () => {
  const key = createKey('one', 'ES256')
  const file = JSON.stringify({ keys: [publicJwk(key)] })

  test('is refused from the moment it expires, however well it is known', async () => {
    const clock = { nowMs: NOW * 1000 }
    const verify = withFile(clock, () => file)
    const token = tokenBy(key, 60)
    const at = async (seconds: number): Promise<string> => {
      clock.nowMs = (NOW + seconds) * 1000
      return await failureOf(verify, token)
    }
    // A tolerance of 30 seconds: what is good with it is good in memory too.
    expect([await at(0), await at(59), await at(89), await at(90)]).toEqual([
      'accepted',
      'accepted',
      'accepted',
      'expired',
    ])
  })

  test('is refused then, too, where a cluster that was asked vouches for it longer', async () => {
    const clock = { nowMs: NOW * 1000 }
    const until = NOW + 3600
    const verify = withFile(
      clock,
      () => file,
      () => Promise.resolve({ kind: 'good', until }),
    )
    const token = tokenBy(key, 60)
    expect(await failureOf(verify, token)).toBe('accepted')
    clock.nowMs += 90_000
    expect(await failureOf(verify, token)).toBe('expired')
  })

  test('is looked at again where the file of keys was replaced', async () => {
    const clock = { nowMs: NOW * 1000 }
    const renewed = createKey('two', 'ES256')
    let text = file
    const verify = withFile(clock, () => text)
    const old = tokenBy(key)
    expect(await failureOf(verify, old)).toBe('accepted')
    text = JSON.stringify({ keys: [publicJwk(renewed)] })
    expect(await failureOf(verify, tokenBy(renewed))).toBe('accepted')
    expect(await failureOf(verify, old)).toBe('invalid')
  })

  test('is good as before while the file of keys is half written', async () => {
    const clock = { nowMs: NOW * 1000 }
    let text = file
    const verify = withFile(clock, () => text)
    expect(await failureOf(verify, tokenBy(key))).toBe('accepted')
    text = file.slice(0, 20)
    clock.nowMs += 60_000
    expect(await failureOf(verify, tokenBy(key, 301, NOW + 60))).toBe('accepted')
  })

  test.each(['ed25519', 'P-384'])('may be signed with %s', async (curve) => {
    const { privateKey, publicKey } =
      curve === 'ed25519'
        ? generateKeyPairSync('ed25519')
        : generateKeyPairSync('ec', { namedCurve: curve })
    const alg = curve === 'ed25519' ? 'EdDSA' : 'ES384'
    const set = JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'k' }] })
    const clock = { nowMs: NOW * 1000 }
    const keys = createKeySet({
      load: fileKeys(() => Promise.resolve(set), 'sig'),
      nowMs: () => clock.nowMs,
      onFailure: () => undefined,
    })
    const issuer = issuerOf('https://a.test', clock, {
      proof: { kind: 'signature', algorithms: ['EdDSA', 'ES384'], keys, review: undefined },
    })
    const verify = createTokenVerifier([issuer], { nowSeconds: () => NOW })
    const claims = { iss: 'https://a.test', sub: 'a', aud: 'vestibule', iat: NOW, exp: NOW + 60 }
    const input = `${encode({ alg, kid: 'k' })}.${encode(claims)}`
    const hash = alg === 'EdDSA' ? null : 'sha384'
    const signature = sign(hash, Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' })
    const token = `${input}.${signature.toString('base64url')}`
    expect(await failureOf(verify, token)).toBe('accepted')
  })
})
