import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { SignJWT } from 'jose'
import { type LocalServer, startLocalServer } from '../../demo/local-server.ts'
import { CLIENT } from '../support/sign-in.ts'
import { askVerify } from '../support/verify-request.ts'
import { type Vestibule } from '../support/vestibule.ts'
import {
  expectDone,
  expectLater,
  expectRefused,
  logout,
  logoutClaims,
  logoutToken,
  nowSeconds,
  post,
  type Signing,
  signed,
  signInWithSid,
} from './support-back-channel.ts'
import { expectRefusal, REFUSED, signInAt, startAgainst, whoIs } from './support-callback.ts'
import { type ScriptedProvider, startScriptedProvider } from './support-scripted-provider.ts'

let idp: ScriptedProvider
let other: ScriptedProvider
/** The key set of the provider, at an address of its own that can fail. */
let keyServer: LocalServer
let keysAreDown = false
let strict: Vestibule
let lenient: Vestibule
let cookies: { readonly strict: string; readonly lenient: string }

const provider = (
  logoutTokens: object,
): { readonly config: Readonly<Record<string, unknown>> } => ({
  config: {
    identityProvider: {
      issuer: idp.issuer,
      clientId: CLIENT.id,
      scopes: ['openid'],
      logoutTokens,
    },
    tokenIssuers: [
      {
        name: 'same',
        issuer: idp.issuer,
        jwksUri: `http://127.0.0.1:${keyServer.port}/jwks`,
        audiences: [CLIENT.id],
        actor: 'human',
      },
      { name: 'other', issuer: other.issuer, audiences: [CLIENT.id] },
    ],
  },
})

beforeAll(async () => {
  keyServer = await startLocalServer((_request, response) => {
    if (keysAreDown) {
      response.writeHead(500).end()
      return
    }
    void fetch(`${idp.issuer}/jwks`)
      .then((answer) => answer.text())
      .then((keys) => response.end(keys))
  })
  idp = await startScriptedProvider({ jwks_uri: `http://127.0.0.1:${keyServer.port}/jwks` })
  other = await startScriptedProvider()
  strict = await startAgainst(idp, provider({}))
  lenient = await startAgainst(idp, provider({ allowUntyped: true, allowWithoutExpiry: true }))
  cookies = {
    strict: await signInWithSid(strict, idp, 'alice', 'home'),
    lenient: await signInWithSid(lenient, idp, 'alice', 'home'),
  }
})
afterEach(() => idp.play())
afterAll(async () => {
  await strict.stop()
  await lenient.stop()
  await idp.stop()
  await other.stop()
  await keyServer.stop()
})

const expectNothingEnded = async (): Promise<void> => {
  expect([await whoIs(strict, cookies.strict), await whoIs(lenient, cookies.lenient)]).toEqual([
    'alice',
    'alice',
  ])
}

const base64url = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

const honest = () => logoutClaims(idp, { sid: 'home' })

const unsigned = (header: object, signature = ''): Promise<string> =>
  Promise.resolve(`${base64url(header)}.${base64url(honest())}.${signature}`)

const TYPE = { typ: 'logout+jwt' }

describe('B11 signatures', () => {
  const rows: readonly (readonly [string, () => Promise<string>])[] = [
    ['no token at all', () => Promise.resolve('x')],
    ['three dots', () => Promise.resolve('...')],
    ['encrypted', () => Promise.resolve('a.b.c.d.e')],
    ['alg none', () => unsigned({ ...TYPE, alg: 'none' })],
    ['alg NonE', () => unsigned({ ...TYPE, alg: 'NonE' })],
    ['alg none with a signature', () => unsigned({ ...TYPE, alg: 'none', kid: 'es' }, 'AAAA')],
    ['no alg', () => unsigned({ ...TYPE, kid: 'es' }, 'A'.repeat(86))],
    ['an empty signature', () => unsigned({ ...TYPE, alg: 'ES256', kid: 'es' })],
    ['a signature of zeros', () => unsigned({ ...TYPE, alg: 'ES256', kid: 'es' }, 'A'.repeat(86))],
    [
      'HS256 with the client secret',
      () => signed(idp, honest(), { header: { alg: 'HS256' }, key: Buffer.from(CLIENT.secret) }),
    ],
    [
      'HS256 with something public',
      () => signed(idp, honest(), { header: { alg: 'HS256' }, key: Buffer.alloc(32) }),
    ],
    [
      'RS256, published but not offered',
      () => signed(idp, honest(), { header: { alg: 'RS256', kid: 'rs' }, key: idp.keys.rsa }),
    ],
    ['a foreign key', () => signed(idp, honest(), { key: idp.keys.foreign })],
    ['kid of another key', () => signed(idp, honest(), { header: { kid: 'rs' } })],
    ['unknown kid', () => signed(idp, honest(), { header: { kid: 'xx' } })],
    [
      'a key of its own in the header',
      () =>
        signed(idp, honest(), {
          header: { kid: undefined, jwk: { kty: 'EC' }, jku: `${other.issuer}/jwks` },
          key: other.keys.published,
        }),
    ],
    ['crit', () => unsigned({ ...TYPE, alg: 'ES256', kid: 'es', crit: ['exp'], exp: 1 }, 'AAAA')],
  ]

  test.each(rows)('%s is refused', async (_name, tokenOf) => {
    const asked = other.requests().length
    expectRefused(await post(strict, { logout_token: await tokenOf() }))
    expect(other.requests().length).toBe(asked)
    await expectNothingEnded()
  })

  test('another spelling of a good one is refused', async () => {
    const token = await logoutToken(idp, { sid: 'home' })
    for (const each of [`${token}=`, `${token}.`, ` ${token}`, token.replace('.', '=.')]) {
      expectRefused(await post(strict, { logout_token: each }))
    }
    await expectNothingEnded()
  })

  test('unknown keys make nobody fetch again and again', async () => {
    const before = idp.requests().filter((path) => path === '/jwks').length
    for (let tries = 0; tries < 20; tries += 1) {
      await logout(strict, idp, { sid: 'home' }, { header: { kid: `k${tries}` } })
    }
    const after = idp.requests().filter((path) => path === '/jwks').length
    expect(after - before).toBeLessThanOrEqual(1)
  })
})

describe('B12 the type', () => {
  const send = async (vestibule: Vestibule, typ: unknown) =>
    await logout(vestibule, idp, { sid: 'nobody' }, { header: { typ } })

  test.each(['at+jwt', 'dpop+jwt', 'secevent+jwt', 'x', '', 7, 'logout+jwt2', 'xlogout+jwt'])(
    '%s is refused by either',
    async (typ) => {
      expectRefused(await logout(strict, idp, { sid: 'home' }, { header: { typ } }))
      expectRefused(await logout(lenient, idp, { sid: 'home' }, { header: { typ } }))
      await expectNothingEnded()
    },
  )

  test.each(['logout+jwt', 'LOGOUT+JWT', 'application/logout+jwt'])(
    '%s is taken by either',
    async (typ) => {
      expectDone(await send(strict, typ))
      expectDone(await send(lenient, typ))
    },
  )

  test.each([undefined, 'JWT', 'jwt'])('%s is taken by a switch only', async (typ) => {
    expectRefused(await send(strict, typ))
    expectDone(await send(lenient, typ))
  })

  test('no expiry is taken by a switch only, while it is fresh', async () => {
    const { exp: _exp, ...claims } = logoutClaims(idp, { sid: 'nobody' })
    const form = { logout_token: await signed(idp, claims) }
    expectRefused(await post(strict, form))
    expectDone(await post(lenient, form))
    const old = { ...claims, jti: 'old', iat: nowSeconds() - 700 }
    expectRefused(await post(lenient, { logout_token: await signed(idp, old) }))
  })
})

describe('B13 issuer and audience', () => {
  test.each<readonly [string, () => object]>([
    ['another known issuer', () => ({ iss: other.issuer })],
    ['an unknown issuer', () => ({ iss: 'https://unknown.example' })],
    ['a slash behind it', () => ({ iss: `${idp.issuer}/` })],
    ['upper case', () => ({ iss: idp.issuer.toUpperCase() })],
    ['another client', () => ({ aud: 'grafana' })],
    ['a list without us', () => ({ aud: ['grafana', `${CLIENT.id}2`] })],
    ['an empty list', () => ({ aud: [] })],
    ['an empty text', () => ({ aud: '' })],
    ['a list in a list', () => ({ aud: [[CLIENT.id]] })],
    ['an object', () => ({ aud: { [CLIENT.id]: true } })],
  ])('%s is refused', async (_name, claims) => {
    const token = await signed(idp, { ...honest(), ...claims() })
    expectRefused(await post(strict, { logout_token: token }))
    await expectNothingEnded()
  })

  test('of another known issuer, by its own key, is refused', async () => {
    expectRefused(await logout(strict, other, { sid: 'home' }))
    expectRefused(await logout(strict, other, { sub: 'alice' }))
    await expectNothingEnded()
  })

  test('a list with us in it is taken', async () => {
    expectDone(await logout(strict, idp, { sid: 'nobody', aud: ['grafana', CLIENT.id] }))
  })
})

describe('B16 tokens of another kind', () => {
  const person = () => ({
    iss: idp.issuer,
    sub: 'alice',
    aud: CLIENT.id,
    iat: nowSeconds(),
    exp: nowSeconds() + 120,
    sid: 'home',
    jti: crypto.randomUUID(),
  })
  const event = { 'https://schemas.openid.net/secevent/caep/event-type/session-revoked': {} }

  test.each<readonly [string, () => object, Signing]>([
    ['an ID token', () => ({ ...person(), nonce: 'n' }), { header: { typ: 'JWT' } }],
    ['an ID token of a refresh', person, { header: { typ: undefined } }],
    ['an access token', person, { header: { typ: 'at+jwt' } }],
    [
      'a security event',
      () => ({ ...person(), events: event }),
      { header: { typ: 'secevent+jwt' } },
    ],
    [
      'a security event without type',
      () => ({ ...person(), events: event }),
      { header: { typ: 'JWT' } },
    ],
  ])('%s ends nothing', async (_name, claims, signing) => {
    const form = { logout_token: await signed(idp, { ...claims() }, signing) }
    expectRefused(await post(strict, form))
    expectRefused(await post(lenient, form))
    await expectNothingEnded()
  })

  test.each(['logout+jwt', 'JWT', undefined])(
    'a logout token (%s) is no bearer token',
    async (typ) => {
      const whom = { sub: 'alice', groups: ['sre'] }
      const token = await logoutToken(idp, whom, { header: { typ } })
      const answer = await askVerify(strict.verifyPort, { authorization: `Bearer ${token}` })
      expect(answer.status).toBe(401)
      const { events: _events, ...claims } = logoutClaims(idp, whom)
      const bearer = await signed(idp, claims, { header: { typ: 'JWT' } })
      const good = await askVerify(strict.verifyPort, { authorization: `Bearer ${bearer}` })
      expect(good.status).toBe(200)
    },
  )

  test('a logout token is no ID token of a sign-in', async () => {
    for (const typ of ['logout+jwt', 'JWT']) {
      idp.play({
        idToken: async ({ nonce }, { published }) =>
          await new SignJWT({
            ...logoutClaims(idp, { sub: 'alice' }),
            ...(typ === 'JWT' ? {} : { nonce }),
          })
            .setProtectedHeader({ alg: 'ES256', kid: 'es', typ })
            .sign(published),
      })
      expectRefusal(await signInAt(strict, idp), REFUSED)
    }
  })
})

describe('B20 keys that cannot be had', () => {
  test('are no reason to say that it is done, or that it never will be', async () => {
    keysAreDown = true
    const late = await startAgainst(idp, provider({}))
    try {
      expectLater(await logout(late, idp, { sid: 'home' }), 503)
    } finally {
      keysAreDown = false
      await late.stop()
    }
  })

  test('let known ones go on; of an unknown one nobody says that it is none', async () => {
    const vestibule = await startAgainst(idp, provider({}))
    expectDone(await logout(vestibule, idp, { sid: 'nobody' }))
    keysAreDown = true
    try {
      const unknown = { header: { kid: 'new' } }
      expectLater(await logout(vestibule, idp, { sid: 'nobody' }, unknown), 503)
      expectDone(await logout(vestibule, idp, { sid: 'nobody' }))
    } finally {
      keysAreDown = false
      await vestibule.stop()
    }
  })

  test('a provider that does not answer at all', async () => {
    const gone = await startAgainst({ issuer: 'http://127.0.0.1:9' })
    try {
      const claims = { ...honest(), iss: 'http://127.0.0.1:9' }
      expectLater(await post(gone, { logout_token: await signed(idp, claims) }), 503)
    } finally {
      await gone.stop()
    }
  })
})
