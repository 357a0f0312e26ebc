import { type ServerResponse } from 'node:http'
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { decodeJwt, decodeProtectedHeader, importJWK, jwtVerify } from 'jose'
import { stringify } from 'yaml'
import { secret } from '../../src/core/secret.ts'
import { generateAssertionJwk } from '../../src/edge/assertion/assertion-keys.ts'
import { createBoundedFetch } from '../../src/edge/outbound/bounded-fetch.ts'
import {
  type AuthenticationMethod,
  clientAuthentication,
} from '../../src/edge/tokens/client-authentication.ts'
import { createIntrospection } from '../../src/edge/tokens/introspection.ts'
import { createTokenVerifier } from '../../src/edge/tokens/token-verifier.ts'
import { type TokenVerifier } from '../../src/flow/ports.ts'
import { askVerify } from '../support/verify-request.ts'
import { startVestibule } from '../support/vestibule.ts'
import {
  type Claims,
  failureOf,
  type IssuerServer,
  issuerOf,
  NOW,
  startIssuer,
} from '../tokens/support-tokens.ts'
import { createKey, encode, signText } from './support-bearer.ts'

jest.setTimeout(20_000)

let idp: IssuerServer
let clock: { nowMs: number }
let verify: TokenVerifier
let deadlineMs: number

const ACTIVE = { active: true, sub: 'alice', aud: 'vestibule', exp: NOW + 3600 }

type Changes = {
  readonly issuer?: string
  readonly endpoint?: string | undefined
  readonly prefix?: string
  readonly requiresAudience?: boolean
  readonly method?: AuthenticationMethod
  readonly clientSecret?: string
  readonly subjectClaim?: string
}

const issuerWith = (changes: Changes = {}) => {
  const issuer = changes.issuer ?? idp.url
  return issuerOf(issuer, clock, {
    name: changes.prefix ?? 'opaque',
    subjectClaim: changes.subjectClaim ?? 'sub',
    proof: {
      kind: 'introspection',
      introspect: createIntrospection({
        issuer,
        endpoint: 'endpoint' in changes ? changes.endpoint : `${issuer}/introspect`,
        clientId: 'vesti bule',
        authentication: async () => {
          const { method = 'client_secret_basic', clientSecret = 's3cr:t' } = changes
          const made = await clientAuthentication(method, secret(clientSecret))
          if (!made.ok) throw new Error(made.failure)
          return made.value
        },
        cacheSeconds: 30,
        fetch: (url, init) =>
          createBoundedFetch({ timeoutMs: deadlineMs, observe: () => undefined })(url, init),
        nowSeconds: () => Math.floor(clock.nowMs / 1000),
        onFailure: () => undefined,
      }),
      tokenPrefix: changes.prefix ?? '',
      requiresAudience: changes.requiresAudience ?? true,
    },
  })
}

const verifierOf = (...issuers: readonly ReturnType<typeof issuerWith>[]): TokenVerifier =>
  createTokenVerifier(issuers, { nowSeconds: () => Math.floor(clock.nowMs / 1000) })

const send = (response: ServerResponse, body: unknown, status = 200): void => {
  response
    .writeHead(status, { 'content-type': 'application/json' })
    .end(typeof body === 'string' ? body : JSON.stringify(body))
}

const says = (body: unknown, status?: number): void =>
  idp.respond((_request, response) => send(response, body, status))

beforeEach(async () => {
  clock = { nowMs: NOW * 1000 }
  deadlineMs = 10_000
  idp = await startIssuer()
  says(ACTIVE)
  verify = verifierOf(issuerWith())
})
afterEach(() => idp.stop())

describe('D13 what an introspection endpoint may answer', () => {
  test.each<readonly [string, unknown, string]>([
    ['active', ACTIVE, 'accepted'],
    ['active as text', { ...ACTIVE, active: 'true' }, 'invalid'],
    ['active as a number', { ...ACTIVE, active: 1 }, 'invalid'],
    ['active missing', { ...ACTIVE, active: undefined }, 'invalid'],
    ['active null', { ...ACTIVE, active: null }, 'invalid'],
    ['active in a list', { ...ACTIVE, active: [true] }, 'invalid'],
    ['inactive', { active: false }, 'invalid'],
    ['inactive, with everything else', { ...ACTIVE, active: false }, 'invalid'],
    ['a list', [ACTIVE], 'invalid'],
    ['null', null, 'invalid'],
    ['text', '"active"', 'invalid'],
    ['nothing', '', 'invalid'],
    ['HTML', '<html>', 'invalid'],
    ['expired', { ...ACTIVE, exp: NOW - 60 }, 'expired'],
    ['with a life of a week', { ...ACTIVE, iat: NOW, exp: NOW + 604_800 }, 'invalid'],
    ['with a week to go', { ...ACTIVE, exp: NOW + 604_800 }, 'invalid'],
    [
      'issued a week ago, with no end',
      { ...ACTIVE, exp: undefined, iat: NOW - 604_800 },
      'expired',
    ],
    ['issued today, with no end', { ...ACTIVE, exp: undefined, iat: NOW - 3600 }, 'accepted'],
    ['exp as text', { ...ACTIVE, exp: String(NOW + 60) }, 'invalid'],
    ['exp 1e999', `{"active":true,"sub":"a","aud":"vestibule","exp":1e999}`, 'invalid'],
    ['not valid yet', { ...ACTIVE, nbf: NOW + 600 }, 'not_yet_valid'],
    ['for somebody else', { ...ACTIVE, aud: 'other' }, 'invalid'],
    ['for us among others', { ...ACTIVE, aud: ['other', 'vestibule'] }, 'accepted'],
    ['for nobody', { ...ACTIVE, aud: undefined }, 'invalid'],
    ['of another issuer', { ...ACTIVE, iss: 'https://evil.test' }, 'invalid'],
    ['of another issuer, in a list', { ...ACTIVE, iss: ['https://evil.test'] }, 'invalid'],
    ['without sub', { ...ACTIVE, sub: undefined }, 'invalid'],
    ['with an empty sub', { ...ACTIVE, sub: '' }, 'invalid'],
    ['with a sub that is a list', { ...ACTIVE, sub: ['alice'] }, 'invalid'],
    ['a refresh token', { ...ACTIVE, token_use: 'refresh_token' }, 'invalid'],
  ])('%s', async (_what, body, expected) => {
    says(body)
    expect(await failureOf(verify, 'opaque-token')).toBe(expected)
  })

  test.each<readonly [string, (response: ServerResponse) => void]>([
    ['401: our own credentials are no good', (response) => send(response, ACTIVE, 401)],
    ['403', (response) => send(response, ACTIVE, 403)],
    ['400', (response) => send(response, { error: 'invalid_request' }, 400)],
    ['404', (response) => send(response, '', 404)],
    ['500', (response) => send(response, ACTIVE, 500)],
    ['503', (response) => send(response, ACTIVE, 503)],
    [
      'a redirect',
      (response) => response.writeHead(302, { location: `${idp.url}/introspect` }).end(),
    ],
    ['ten megabytes', (response) => send(response, { ...ACTIVE, x: 'x'.repeat(10_000_000) })],
    ['no answer', () => undefined],
    ['a connection that is reset', (response) => response.destroy()],
  ])('%s: could not check, which is no refusal', async (_what, respond) => {
    deadlineMs = 500
    idp.respond((_request, response) => respond(response))
    expect(await failureOf(verify, 'opaque-token')).toBe('issuer_unreachable')
    expect(idp.count()).toBe(1)
    deadlineMs = 10_000
    says(ACTIVE)
    expect(await failureOf(verify, 'opaque-token')).toBe('accepted')
  })

  test('what is missing may be configured to be missing', async () => {
    says({ active: true, client_id: 'robot' })
    const lenient = issuerWith({ requiresAudience: false, subjectClaim: 'client_id' })
    expect(await verifierOf(lenient)('opaque-token')).toMatchObject({
      ok: true,
      value: { subject: 'opaque/robot', issuer: idp.url, actor: 'workload' },
    })
  })
})

describe('what asking costs', () => {
  test('a good token is asked about once in a while, by all together', async () => {
    const all = await Promise.all(Array.from({ length: 50 }, () => failureOf(verify, 'token-1')))
    expect(new Set(all)).toEqual(new Set(['accepted']))
    expect(idp.count()).toBe(1)
    clock.nowMs += 29_000
    await failureOf(verify, 'token-1')
    expect(idp.count()).toBe(1)
    says({ active: false })
    clock.nowMs += 2000
    expect(await failureOf(verify, 'token-1')).toBe('invalid')
    expect(idp.count()).toBe(2)
  })

  test('a bad token is asked about once in ten seconds', async () => {
    says({ active: false })
    for (let count = 0; count < 20; count += 1) {
      expect(await failureOf(verify, 'token-1')).toBe('invalid')
    }
    expect(idp.count()).toBe(1)
    clock.nowMs += 11_000
    says(ACTIVE)
    expect(await failureOf(verify, 'token-1')).toBe('accepted')
  })

  test('an answer is believed no longer than the token lives', async () => {
    // The tolerance keeps it for 20 s more, which is less than an answer is kept.
    says({ ...ACTIVE, exp: NOW - 10 })
    expect(await failureOf(verify, 'token-1')).toBe('accepted')
    clock.nowMs += 20_000
    expect(await failureOf(verify, 'token-1')).toBe('expired')
  })

  test('a flood of unknown tokens does not flood the issuer', async () => {
    const waiting: ServerResponse[] = []
    idp.respond((_request, response) => waiting.push(response))
    const flood = Promise.all(
      Array.from({ length: 200 }, (_each, index) => failureOf(verify, `token-${index}`)),
    )
    for (let tries = 0; waiting.length < 32 && tries < 500; tries += 1) {
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    for (const response of waiting) send(response, { active: false })
    const outcomes = await flood
    expect(outcomes.filter((each) => each === 'invalid')).toHaveLength(32)
    expect(outcomes.filter((each) => each === 'issuer_unreachable')).toHaveLength(168)
  })

  test('tokens too long, or of no issuer, cost nothing', async () => {
    const own = verifierOf(issuerWith({ prefix: 'own_' }))
    for (const token of ['x'.repeat(8193), `own_${'x'.repeat(9000)}`, 'other_abc', 'OWN_abc']) {
      expect(await failureOf(own, token)).toBe('invalid')
    }
    expect(idp.count()).toBe(0)
  })
})

describe('T43 who is asked', () => {
  const jwt = (claims: Claims): string => {
    const input = `${encode({ alg: 'ES256', kid: 'x' })}.${encode(claims)}`
    return `${input}.${signText(input, createKey('x', 'ES256'))}`
  }

  test('the issuer that a token names, and no other', async () => {
    const other = await startIssuer()
    other.respond((_request, response) => send(response, ACTIVE))
    const both = verifierOf(
      issuerWith({ prefix: 'own_' }),
      issuerWith({ prefix: 'other_', issuer: other.url }),
    )
    expect(await failureOf(both, 'other_token')).toBe('accepted')
    expect(await failureOf(both, jwt({ iss: other.url, sub: 'a' }))).toBe('accepted')
    expect([idp.count(), other.count()]).toEqual([0, 2])
    for (const claims of [{ iss: 'https://nobody.test' }, {}, { iss: `${idp.url}/` }]) {
      expect(await failureOf(both, jwt(claims))).toBe('invalid')
    }
    expect([idp.count(), other.count()]).toEqual([0, 2])
    await other.stop()
  })

  test.each([{ cnf: { jkt: 'a'.repeat(43) } }, { act: { sub: 'helper' } }])(
    'and an issuer that keeps silent about what the token says, %j, is not enough',
    async (said) => {
      const token = jwt({ iss: idp.url, sub: 'alice', ...said })
      expect(await failureOf(verify, token)).toBe('invalid')
      says({ ...ACTIVE, ...said })
      expect(await failureOf(verifierOf(issuerWith()), token)).toBe('accepted')
    },
  )
})

describe('how Vestibule proves itself', () => {
  const lastForm = (): URLSearchParams => new URLSearchParams(idp.bodies().at(-1))

  test('by secret, in the header: both parts are encoded (RFC 6749 section 2.3.1)', async () => {
    let header = ''
    idp.respond((request, response) => {
      header = request.headers.authorization ?? ''
      send(response, ACTIVE)
    })
    expect(await failureOf(verify, 'opaque')).toBe('accepted')
    expect(atob(header.replace('Basic ', ''))).toBe('vesti+bule:s3cr%3At')
    expect(Object.fromEntries(lastForm())).toEqual({
      token: 'opaque',
      token_type_hint: 'access_token',
    })
  })

  test('by secret, in the form', async () => {
    const posting = verifierOf(issuerWith({ method: 'client_secret_post' }))
    expect(await failureOf(posting, 'opaque')).toBe('accepted')
    expect(Object.fromEntries(lastForm())).toMatchObject({
      client_id: 'vesti bule',
      client_secret: 's3cr:t',
    })
  })

  test('by a signature, for this issuer alone', async () => {
    const jwk = await generateAssertionJwk()
    const clientSecret = JSON.stringify({ keys: [{ ...jwk, kid: 'mine' }] })
    const signing = verifierOf(issuerWith({ method: 'private_key_jwt', clientSecret }))
    expect(await failureOf(signing, 'opaque')).toBe('accepted')
    const assertion = lastForm().get('client_assertion') ?? ''
    const { d: _private, ...publicKey } = jwk
    await jwtVerify(assertion, await importJWK(publicKey, 'ES256'), {
      issuer: 'vesti bule',
      subject: 'vesti bule',
      audience: idp.url,
    })
    expect(decodeJwt(assertion).aud).toBe(idp.url)
    expect(decodeProtectedHeader(assertion)).toMatchObject({ alg: 'ES256', kid: 'mine' })
    expect(lastForm().has('client_secret')).toBe(false)
  })

  test.each(['', '{}', '{"keys":[]}', '{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}'])(
    'a file of keys such as %j is no file of keys',
    async (text) => {
      expect((await clientAuthentication('private_key_jwt', secret(text))).ok).toBe(false)
    },
  )
})

describe('the endpoint', () => {
  const discovers = (endpoint: unknown): void =>
    idp.respond((request, response) => {
      if (request.method === 'POST') return send(response, ACTIVE)
      const document = { issuer: idp.url, jwks_uri: `${idp.url}/jwks` }
      send(response, { ...document, introspection_endpoint: endpoint })
    })

  test('is found by discovery, once', async () => {
    discovers(`${idp.url}/found`)
    const finding = verifierOf(issuerWith({ endpoint: undefined }))
    expect([await failureOf(finding, 'a'), await failureOf(finding, 'b')]).toEqual([
      'accepted',
      'accepted',
    ])
    expect([idp.count('/found'), idp.count()]).toEqual([2, 3])
  })

  test.each(['https://evil.test/introspect', undefined, 'file:///etc/passwd'])(
    'J18 of %s is not believed',
    async (endpoint) => {
      discovers(endpoint)
      const finding = verifierOf(issuerWith({ endpoint: undefined }))
      expect(await failureOf(finding, 'a')).toBe('issuer_unreachable')
      expect(idp.bodies()).toEqual([])
    },
  )

  test('T43 may not name an ID of a domain whose bundle is known', async () => {
    says({ ...ACTIVE, sub: 'spiffe://prod.test/ns/shop' })
    const mesh = { ...issuerWith(), issuer: 'spiffe://prod.test', trustDomain: 'prod.test' }
    expect(await failureOf(verifierOf(issuerWith(), mesh), 'token-1')).toBe('invalid')
    says({ ...ACTIVE, sub: 'spiffe://other.test/ns/shop' })
    expect(await failureOf(verifierOf(issuerWith(), mesh), 'token-2')).toBe('accepted')
  })

  test('J18 at another origin, where somebody would say yes, is not asked', async () => {
    const elsewhere = await startIssuer()
    elsewhere.respond((_request, response) => send(response, ACTIVE))
    discovers(`${elsewhere.url}/introspect`)
    const finding = verifierOf(issuerWith({ endpoint: undefined }))
    expect(await failureOf(finding, 'a')).toBe('issuer_unreachable')
    expect(elsewhere.count()).toBe(0)
    await elsewhere.stop()
  })
})

test('the service asks as its configuration says, and answers 200, 401 or 503', async () => {
  const tokenIssuers = [
    {
      name: 'opaque',
      issuer: idp.url,
      audiences: ['vestibule'],
      introspection: { endpoint: `${idp.url}/i`, clientId: 'me', clientSecretFile: './secret' },
    },
  ]
  const vestibule = await startVestibule({
    policies: { 'a.yaml': stringify(POLICY) },
    config: { tokenIssuers },
    files: { secret: 'CANARY-secret\n' },
  })
  const ask = async (token: string): Promise<readonly (string | number | undefined)[]> => {
    const { status, headers } = await askVerify(vestibule.verifyPort, {
      authorization: `Bearer ${token}`,
    })
    const of = (name: string) => headers.find(([each]) => each === name)?.[1]
    return [status, of('x-vestibule-reason'), of('x-auth-request-user')]
  }
  const now = Math.floor(Date.now() / 1000)
  says({ ...ACTIVE, exp: now + 60 })
  expect(await ask('CANARY-1')).toEqual([200, 'rule_matched', 'opaque/alice'])
  says({ active: false })
  expect(await ask('CANARY-2')).toEqual([401, 'invalid_token', undefined])
  says('', 500)
  expect(await ask('CANARY-3')).toEqual([503, 'token_issuer_unreachable', undefined])
  const lines = await vestibule.decisions(3)
  const written = [...lines.map((line) => JSON.stringify(line)), ...vestibule.notices()].join('\n')
  expect(written).not.toContain('CANARY')
  await vestibule.stop()
})

const POLICY = { hosts: ['app.test'], policy: [{ allow: { and: [{ authenticated_user: true }] } }] }
