import { generateKeyPairSync } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { createBoundedFetch } from '../../src/edge/outbound/bounded-fetch.ts'
import { createKeySet, REMOTE } from '../../src/edge/tokens/key-set.ts'
import { remoteKeys } from '../../src/edge/tokens/key-sources.ts'
import { createTokenVerifier } from '../../src/edge/tokens/token-verifier.ts'
import { type TokenVerifier } from '../../src/flow/ports.ts'
import {
  failureOf,
  type IssuerServer,
  issuerOf,
  NOW,
  startIssuer,
} from '../tokens/support-tokens.ts'
import { createKey, encode, publicJwk, type SigningKey, signText } from './support-bearer.ts'

/* J8, J9, T48: what a key set holds. How it is fetched: jwks.test.ts. */

const KEY = createKey('one', 'ES256')
const OTHER = createKey('two', 'ES256')

let idp: IssuerServer
let verify: TokenVerifier
/** How many keys the last set held that can be used, and how many others. */
let taken: readonly [keys: number, skipped: number]

const tokenBy = (key: SigningKey): string => {
  const claims = { iss: idp.url, sub: 'ci', aud: 'vestibule', iat: NOW, exp: NOW + 300 }
  const input = `${encode({ alg: key.algorithm, kid: key.kid })}.${encode(claims)}`
  return `${input}.${signText(input, key)}`
}

/** Long enough for a busy machine. */
const fetch = createBoundedFetch({ timeoutMs: 10_000, observe: () => undefined })

const outcome = (key = KEY): Promise<string> => failureOf(verify, tokenBy(key))

beforeEach(async () => {
  const clock = { nowMs: NOW * 1000 }
  idp = await startIssuer()
  const keys = createKeySet({
    load: remoteKeys({ issuer: idp.url, jwksUri: undefined, use: 'sig', fetch }),
    pace: { ...REMOTE, longestWaitMs: 5000 },
    nowMs: () => clock.nowMs,
    onFailure: () => undefined,
    onChange: (...counts) => {
      taken = counts
    },
  })
  const issuer = issuerOf(idp.url, clock, {
    proof: { kind: 'signature', algorithms: ['ES256', 'RS256'], keys, review: undefined },
  })
  verify = createTokenVerifier([issuer], { nowSeconds: () => NOW })
})
afterEach(() => idp.stop())

describe('J8 J9 keys that are no good', () => {
  const rsa = (bits: number): object => publicJwk(createKey('bad', 'RS256', bits))
  const ec = publicJwk(KEY)
  const signer = createKey('bad', 'RS256')
  const strong = publicJwk(signer)

  test.each<readonly [string, object]>([
    ['a modulus that is no base64url', { kty: 'RSA', kid: 'bad', n: '!!', e: 'AQAB' }],
    ['no exponent', { ...strong, e: undefined }],
    ['exponent 1', { ...strong, e: 'AQ' }],
    ['exponent 3', { ...strong, e: 'Aw' }],
    ['an even exponent', { ...strong, e: 'AQAA' }],
    ['an exponent of five bytes', { ...strong, e: 'AQAAAAE' }],
    ['an unknown kind', { kty: 'XYZ', kid: 'bad' }],
    ['for encryption', { ...strong, use: 'enc' }],
    ['for other operations', { ...strong, key_ops: ['encrypt'] }],
    ['symmetric', { kty: 'oct', k: 'c2VjcmV0', kid: 'bad' }],
    ['symmetric and empty', { kty: 'oct', k: '', kid: 'bad' }],
    ['private', { ...ec, kid: 'bad', d: 'AAAA' }],
    ['RSA of 512 bits', rsa(512)],
    ['RSA of 1024 bits', rsa(1024)],
    ['RSA of 12,000 bits', { ...strong, n: Buffer.alloc(1500, 0xa5).toString('base64url') }],
    ['a point off its curve', { ...ec, kid: 'bad', x: ec['y'], y: ec['x'] }],
    ['an unknown curve', { ...ec, kid: 'bad', crv: 'P-192' }],
    ['a kid that is a number', { ...strong, kid: 1 }],
    ['alg none', { ...strong, alg: 'none' }],
    ['alg HS256', { ...strong, alg: 'HS256' }],
  ])('J9 T48 %s: it is left out, and the good one beside it works', async (_what, bad) => {
    idp.publish({ keys: [bad, publicJwk(KEY)] })
    expect(await outcome()).toBe('accepted')
    expect(taken).toEqual([1, 1])
    expect(await outcome(signer)).toBe('invalid')
    expect(await outcome()).toBe('accepted')
  })

  test('J9 T48 a small exponent proves nothing, though the signature is right', async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent: 3 })
    const small: SigningKey = { kid: 'bad', algorithm: 'RS256', privateKey }
    idp.publish({ keys: [publicJwk(small), publicJwk(KEY)] })
    expect([await outcome(small), await outcome()]).toEqual(['invalid', 'accepted'])
  })

  test.each([{ use: 'enc' }, { key_ops: ['encrypt'] }])(
    'J9 a key for something else proves nothing, though the signature is right: %j',
    async (purpose) => {
      idp.publish({ keys: [{ ...strong, ...purpose }, publicJwk(KEY)] })
      expect([await outcome(signer), await outcome()]).toEqual(['invalid', 'accepted'])
    },
  )

  test('T19 a key that names no algorithm counts for those that are listed, and no other', async () => {
    const listed = createKey('open', 'RS256')
    idp.publish({ keys: [{ ...publicJwk(listed), alg: undefined }] })
    expect([await outcome(listed), await outcome({ ...listed, algorithm: 'PS256' })]).toEqual([
      'accepted',
      'invalid',
    ])
  })

  test('J8 two keys of one kid prove nothing, and harm no other', async () => {
    const twin = { ...OTHER, kid: 'twin' }
    const again = { ...createKey('twin', 'ES256') }
    idp.publish({ keys: [publicJwk(twin), publicJwk(again), publicJwk(KEY)] })
    expect([await outcome(twin), await outcome(again), await outcome()]).toEqual([
      'invalid',
      'invalid',
      'accepted',
    ])
  })

  test('J8 two keys of one kid and different kinds are told apart', async () => {
    const rs = createKey('twin', 'RS256')
    const es = createKey('twin', 'ES256')
    idp.publish({ keys: [publicJwk(rs), publicJwk(es)] })
    expect([await outcome(rs), await outcome(es)]).toEqual(['accepted', 'accepted'])
  })
})
