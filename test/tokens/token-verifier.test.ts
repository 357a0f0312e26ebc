import { createHmac, createSign, KeyObject } from 'node:crypto'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { exportJWK, exportSPKI, generateKeyPair } from 'jose'
import { createTokenVerifier } from '../../src/edge/tokens/token-verifier.ts'
import { type TokenVerifier } from '../../src/flow/ports.ts'
import {
  failureOf as askFor,
  type IssuerServer,
  issuerOf,
  jwkOf,
  type Keys,
  NOW,
  type Signing,
  sign,
  startIssuer,
} from './support-tokens.ts'

const GOOD = { sub: 'repo:org/app', aud: 'vestibule', iat: NOW, exp: NOW + 300, groups: ['deploy'] }

let server: IssuerServer
let issuer: string
let keys: Keys
let otherKeys: Keys
const clock = { nowMs: NOW * 1000 }

beforeAll(async () => {
  keys = await generateKeyPair('ES256', { extractable: true })
  otherKeys = await generateKeyPair('ES256', { extractable: true })
})

beforeEach(async () => {
  server = await startIssuer()
  issuer = server.url
  server.publish({ keys: [await jwkOf(keys, 'one')] })
  clock.nowMs = NOW * 1000
})
afterEach(() => server.stop())

const fails = (): void =>
  server.respond((_request, response) => {
    response.writeHead(500).end()
  })

const verifier = (issuers: readonly string[] = [issuer]): TokenVerifier =>
  createTokenVerifier(
    issuers.map((each) => issuerOf(each, clock)),
    { nowSeconds: () => Math.floor(clock.nowMs / 1000) },
  )

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

const token = ({ claims = {}, header = {}, by = keys }: Partial<Signing> = {}): Promise<string> =>
  sign({ claims: { iss: issuer, ...GOOD, ...claims }, header, by })

const failureOf = (text: string, verify = verifier()): Promise<string> => askFor(verify, text)

describe('the token verifier', () => {
  test('names the principal after issuer and subject', async () => {
    expect(await verifier()(await token())).toMatchObject({
      ok: true,
      value: { actor: 'workload', subject: 'ci/repo:org/app', issuer, groups: ['deploy'] },
    })
  })

  test.each([
    ['without exp', { exp: undefined }, 'invalid'],
    ['without iat', { iat: undefined }, 'invalid'],
    ['without sub', { sub: undefined }, 'invalid'],
    ['with an empty sub', { sub: '' }, 'invalid'],
    ['with a sub that holds a line break', { sub: 'a\r\nb' }, 'invalid'],
    ['with a number for sub', { sub: 7 }, 'invalid'],
    ['for another audience', { aud: 'other' }, 'invalid'],
    ['for an audience that only begins alike', { aud: 'vestibule2' }, 'invalid'],
    ['of an issuer with a slash more', { iss: 'http://127.0.0.1/' }, 'invalid'],
    ['expired', { exp: NOW - 31, iat: NOW - 100 }, 'expired'],
    ['not valid yet', { nbf: NOW + 100 }, 'not_yet_valid'],
    ['issued tomorrow', { iat: NOW + 86_400, exp: NOW + 86_500 }, 'not_yet_valid'],
    ['with exp in milliseconds', { exp: NOW * 1000 }, 'invalid'],
    ['that lives too long', { exp: NOW + 86_401 }, 'invalid'],
    ['within the tolerance after exp', { exp: NOW - 29, iat: NOW - 100 }, 'accepted'],
    ['for several audiences, one of them ours', { aud: ['x', 'vestibule'] }, 'accepted'],
  ] as const)('a token %s', async (_name, claims, expected) => {
    expect(await failureOf(await token({ claims }))).toBe(expected)
  })

  test.each([
    ['JWT', 'accepted'],
    ['at+jwt', 'accepted'],
    ['application/at+jwt', 'accepted'],
    ['AT+JWT', 'accepted'],
    [undefined, 'accepted'],
    ['logout+jwt', 'invalid'],
    ['dpop+jwt', 'invalid'],
    ['secevent+jwt', 'invalid'],
  ])('a token of type %s', async (typ, expected) => {
    expect(await failureOf(await token({ header: { typ } }))).toBe(expected)
  })

  test('refuses alg none, HMAC with the public key, and keys that a token brings along', async () => {
    const claims = encode({ iss: issuer, ...GOOD })
    expect(await failureOf(`${encode({ alg: 'none' })}.${claims}.`)).toBe('invalid')
    const head = encode({ alg: 'HS256', kid: 'one' })
    for (const secret of [
      await exportSPKI(keys.publicKey),
      JSON.stringify(await jwkOf(keys, 'one')),
    ]) {
      const mac = createHmac('sha256', secret).update(`${head}.${claims}`).digest('base64url')
      expect(await failureOf(`${head}.${claims}.${mac}`)).toBe('invalid')
    }
    const jwk = await jwkOf(otherKeys, 'one')
    for (const header of [{ jwk }, { jku: `${issuer}/evil` }, { x5u: `${issuer}/evil` }]) {
      expect(await failureOf(await token({ header, by: otherKeys }))).toBe('invalid')
    }
  })

  test('refuses crit, other spellings of a signature, and duplicate members', async () => {
    const good = await token()
    const [head = '', , signature = ''] = good.split('.')
    expect(await failureOf(`${good}=`)).toBe('invalid')
    const last = signature.slice(-1)
    const alias = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
      .split('')
      .filter((letter) => letter !== last)
    for (const letter of alias) {
      expect(await failureOf(good.slice(0, -1) + letter)).toBe('invalid')
    }
    const text = `{"iss":"${issuer}","sub":"a","s\\u0075b":"root","aud":"vestibule","iat":${NOW},"exp":${NOW + 9}}`
    const claims = Buffer.from(text).toString('base64url')
    const signed = createSign('sha256')
      .update(`${head}.${claims}`)
      .sign({ key: KeyObject.from(keys.privateKey), dsaEncoding: 'ieee-p1363' })
    expect(await failureOf(`${head}.${claims}.${signed.toString('base64url')}`)).toBe('invalid')
    expect(
      await failureOf(await token({ header: { crit: ['exp'], exp: 1 } }).catch(() => 'x')),
    ).toBe('invalid')
  })

  test('says unreachable, and not invalid, while no keys can be had', async () => {
    fails()
    expect(await failureOf(await token())).toBe('unreachable')
  })

  test('goes on with known keys through an outage of a day, and then says unreachable', async () => {
    const verify = verifier()
    expect(await failureOf(await token(), verify)).toBe('accepted')
    fails()
    const at = (seconds: number): Promise<string> => {
      clock.nowMs = (NOW + seconds) * 1000
      return token({ claims: { iat: NOW + seconds, exp: NOW + seconds + 60 } })
    }
    expect(await failureOf(await at(86_000), verify)).toBe('accepted')
    expect(await failureOf(await at(87_000), verify)).toBe('unreachable')
  })

  test('follows a rotation with one fetch, and a flood of unknown kids with none', async () => {
    const verify = verifier()
    expect(await failureOf(await token(), verify)).toBe('accepted')
    server.publish({ keys: [await jwkOf(keys, 'one'), await jwkOf(otherKeys, 'two')] })
    clock.nowMs += 31_000
    const rotated = await token({ header: { kid: 'two' }, by: otherKeys })
    expect(await failureOf(rotated, verify)).toBe('accepted')
    expect(server.count('/jwks')).toBe(2)
    const flood = Array.from(
      { length: 100 },
      async (_each, index) =>
        await failureOf(await token({ header: { kid: `x${index}` } }), verify),
    )
    expect(new Set(await Promise.all(flood))).toEqual(new Set(['invalid']))
    expect(server.count('/jwks')).toBe(2)
  })

  test('leaves bad keys out and uses the good ones among them', async () => {
    server.publish({
      keys: [
        { kty: 'oct', k: 'c2VjcmV0', kid: 'one' },
        { kty: 'RSA', n: '!!', e: 'AQAB', kid: 'bad' },
        { kty: 'XYZ', kid: 'odd' },
        { ...(await jwkOf(otherKeys, 'enc')), use: 'enc' },
        await exportJWK(otherKeys.privateKey),
        await jwkOf(keys, 'one'),
      ],
    })
    expect(await failureOf(await token())).toBe('accepted')
  })

  test.each([{}, { keys: null }, [], 'x', { keys: Array.from({ length: 101 }, () => ({})) }])(
    'a key set such as %j is no key set',
    async (answer) => {
      server.publish(answer)
      expect(await failureOf(await token())).toBe('unreachable')
    },
  )

  test('a key proves only tokens of its own issuer', async () => {
    const verify = verifier([issuer, 'http://127.0.0.1:1'])
    const forged = await token({ claims: { iss: 'http://127.0.0.1:1' } })
    expect(await failureOf(forged, verify)).toBe('unreachable')
  })
})
