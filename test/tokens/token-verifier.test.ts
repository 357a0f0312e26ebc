import { createHmac } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import { type AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { exportJWK, exportSPKI, generateKeyPair, type JWK, SignJWT } from 'jose'
import { createBoundedFetch } from '../../src/edge/outbound/bounded-fetch.ts'
import { createKeySet } from '../../src/edge/tokens/key-set.ts'
import { createTokenVerifier } from '../../src/edge/tokens/token-verifier.ts'
import { type TokenVerifier } from '../../src/flow/ports.ts'

const NOW = 1_800_000_000
const GOOD = { sub: 'repo:org/app', aud: 'vestibule', iat: NOW, exp: NOW + 300, groups: ['deploy'] }

type Keys = Awaited<ReturnType<typeof generateKeyPair>>

let server: Server
let issuer: string
let keys: Keys
let otherKeys: Keys
let published: unknown
let status = 200
let fetches = 0
let nowMs = NOW * 1000

const jwkOf = async ({ publicKey }: Keys, kid: string): Promise<JWK> => ({
  ...(await exportJWK(publicKey)),
  kid,
  alg: 'ES256',
})

beforeAll(async () => {
  keys = await generateKeyPair('ES256', { extractable: true })
  otherKeys = await generateKeyPair('ES256', { extractable: true })
  server = createServer((request, response) => {
    if (request.url === '/jwks') fetches += 1
    const found = request.url === '/jwks' ? published : { issuer, jwks_uri: `${issuer}/jwks` }
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(found))
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => {
  server.close()
})

beforeEach(async () => {
  published = { keys: [await jwkOf(keys, 'one')] }
  status = 200
  fetches = 0
  nowMs = NOW * 1000
})

const verifier = (changes: { readonly issuers?: readonly string[] } = {}): TokenVerifier =>
  createTokenVerifier(
    (changes.issuers ?? [issuer]).map((each) => ({
      name: 'ci',
      issuer: each,
      audiences: ['vestibule'],
      algorithms: ['ES256', 'RS256'],
      actor: 'workload',
      mapping: {
        email: 'email',
        groups: 'groups',
        preferredUsername: 'preferred_username',
        trustEmail: false,
      },
      maxLifetimeSeconds: 86_400,
      toleranceSeconds: 30,
      keys: createKeySet({
        issuer: each,
        jwksUri: undefined,
        fetch: createBoundedFetch({ timeoutMs: 1000, observe: () => undefined }),
        nowMs: () => nowMs,
        onFailure: () => undefined,
      }),
    })),
    () => Math.floor(nowMs / 1000),
  )

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

type Signing = {
  readonly claims?: Readonly<Record<string, unknown>>
  readonly header?: Readonly<Record<string, unknown>>
  readonly by?: Keys
}

const token = ({ claims = {}, header = {}, by = keys }: Signing = {}): Promise<string> => {
  const payload: Record<string, unknown> = { iss: issuer, ...GOOD, ...claims }
  for (const [name, value] of Object.entries(payload)) if (value === undefined) delete payload[name]
  return new SignJWT(payload)
    .setProtectedHeader({ alg: 'ES256', kid: 'one', typ: 'JWT', ...header })
    .sign(by.privateKey)
}

const failureOf = async (text: string, verify = verifier()): Promise<string> => {
  const verified = await verify(text)
  return verified.ok ? 'accepted' : verified.failure
}

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
    ['not valid yet', { nbf: NOW + 3600 }, 'invalid'],
    ['issued tomorrow', { iat: NOW + 86_400, exp: NOW + 86_500 }, 'invalid'],
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
    const { createSign, KeyObject } = await import('node:crypto')
    const signed = createSign('sha256')
      .update(`${head}.${claims}`)
      .sign({ key: KeyObject.from(keys.privateKey), dsaEncoding: 'ieee-p1363' })
    expect(await failureOf(`${head}.${claims}.${signed.toString('base64url')}`)).toBe('invalid')
    expect(
      await failureOf(await token({ header: { crit: ['exp'], exp: 1 } }).catch(() => 'x')),
    ).toBe('invalid')
  })

  test('says unreachable, and not invalid, while no keys can be had', async () => {
    status = 500
    expect(await failureOf(await token())).toBe('unreachable')
  })

  test('goes on with known keys through an outage of a day, and then says unreachable', async () => {
    const verify = verifier()
    expect(await failureOf(await token(), verify)).toBe('accepted')
    status = 500
    const at = (seconds: number): Promise<string> => {
      nowMs = (NOW + seconds) * 1000
      return token({ claims: { iat: NOW + seconds, exp: NOW + seconds + 60 } })
    }
    expect(await failureOf(await at(86_000), verify)).toBe('accepted')
    expect(await failureOf(await at(87_000), verify)).toBe('unreachable')
  })

  test('follows a rotation with one fetch, and a flood of unknown kids with none', async () => {
    const verify = verifier()
    expect(await failureOf(await token(), verify)).toBe('accepted')
    published = { keys: [await jwkOf(keys, 'one'), await jwkOf(otherKeys, 'two')] }
    nowMs += 31_000
    const rotated = await token({ header: { kid: 'two' }, by: otherKeys })
    expect(await failureOf(rotated, verify)).toBe('accepted')
    expect(fetches).toBe(2)
    const flood = Array.from(
      { length: 100 },
      async (_each, index) =>
        await failureOf(await token({ header: { kid: `x${index}` } }), verify),
    )
    expect(new Set(await Promise.all(flood))).toEqual(new Set(['invalid']))
    expect(fetches).toBe(2)
  })

  test('leaves bad keys out and uses the good ones among them', async () => {
    published = {
      keys: [
        { kty: 'oct', k: 'c2VjcmV0', kid: 'one' },
        { kty: 'RSA', n: '!!', e: 'AQAB', kid: 'bad' },
        { kty: 'XYZ', kid: 'odd' },
        { ...(await jwkOf(otherKeys, 'enc')), use: 'enc' },
        await exportJWK(otherKeys.privateKey),
        await jwkOf(keys, 'one'),
      ],
    }
    expect(await failureOf(await token())).toBe('accepted')
  })

  test.each([{}, { keys: null }, [], 'x', { keys: Array.from({ length: 101 }, () => ({})) }])(
    'a key set such as %j is no key set',
    async (answer) => {
      published = answer
      expect(await failureOf(await token())).toBe('unreachable')
    },
  )

  test('a key proves only tokens of its own issuer', async () => {
    const verify = verifier({ issuers: [issuer, 'http://127.0.0.1:1'] })
    const forged = await token({ claims: { iss: 'http://127.0.0.1:1' } })
    expect(await failureOf(forged, verify)).toBe('unreachable')
  })
})
