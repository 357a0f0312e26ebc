import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { SignJWT } from 'jose'
import { askPublic, CLIENT } from '../support/sign-in.ts'
import { type Vestibule } from '../support/vestibule.ts'
import {
  begin,
  expectRefusal,
  expectSignedIn,
  REFUSED,
  STALE,
  signInAt,
  startAgainst,
  whoIs,
} from './support-callback.ts'
import {
  type Claims,
  type ProviderKeys,
  type Script,
  type ScriptedProvider,
  startScriptedProvider,
} from './support-scripted-provider.ts'

let idp: ScriptedProvider
let vestibule: Vestibule

beforeAll(async () => {
  idp = await startScriptedProvider()
  vestibule = await startAgainst(idp, {
    config: { tokenIssuers: [{ name: 'ci', issuer: idp.issuer, audiences: ['api'] }] },
  })
})
afterEach(() => idp.play())
afterAll(async () => {
  await vestibule.stop()
  await idp.stop()
})

const base64url = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

const signed = (
  claims: Claims,
  header: { readonly alg: string; readonly kid?: string },
  key: ProviderKeys[keyof ProviderKeys] | Uint8Array,
): Promise<string> => new SignJWT({ ...claims }).setProtectedHeader(header).sign(key)

const unsigned = (header: Claims, claims: Claims, signature = ''): Promise<string> =>
  Promise.resolve(`${base64url(header)}.${base64url(claims)}.${signature}`)

/** A JWT of this very payload and header: no JSON object has a member twice, and jose knows `crit`. */
const signedText = async (
  payload: string,
  key: ProviderKeys['published'],
  header: Claims = {},
): Promise<string> => {
  const head = `${base64url({ alg: 'ES256', kid: 'es', ...header })}.${base64url(payload)}`
  const algorithm = { name: 'ECDSA', hash: 'SHA-256' }
  const signature = await crypto.subtle.sign(algorithm, key, Buffer.from(head))
  return `${head}.${Buffer.from(signature).toString('base64url')}`
}

const TWISTED = '{"nonce":"stolen",'

type Rows = readonly (readonly [string, Script])[]

/** E23: openid-client lets the first two pass unless it is told to look. */
const SIGNATURES: Rows = [
  ['wrong signature', { idToken: (c, k) => signed(c, { alg: 'ES256', kid: 'es' }, k.foreign) }],
  ['unknown kid', { idToken: (c, k) => signed(c, { alg: 'ES256', kid: 'xx' }, k.foreign) }],
  [
    'unknown kid, right key',
    { idToken: (c, k) => signed(c, { alg: 'ES256', kid: 'xx' }, k.published) },
  ],
  [
    'kid of another key',
    { idToken: (c, k) => signed(c, { alg: 'ES256', kid: 'rs' }, k.published) },
  ],
  ['no kid, foreign key', { idToken: (c, k) => signed(c, { alg: 'ES256' }, k.foreign) }],
  ['alg none', { idToken: (c) => unsigned({ alg: 'none' }, c) }],
  ['alg NonE', { idToken: (c) => unsigned({ alg: 'NonE' }, c) }],
  [
    'alg none with a signature',
    { idToken: (c) => unsigned({ alg: 'none', kid: 'es' }, c, 'AAAA') },
  ],
  ['no alg', { idToken: (c) => unsigned({ kid: 'es' }, c, 'A'.repeat(86)) }],
  ['an empty signature', { idToken: (c) => unsigned({ alg: 'ES256', kid: 'es' }, c) }],
  [
    'a signature of zeros',
    { idToken: (c) => unsigned({ alg: 'ES256', kid: 'es' }, c, 'A'.repeat(86)) },
  ],
  [
    'HS256 with the client secret',
    { idToken: (c) => signed(c, { alg: 'HS256' }, Buffer.from(CLIENT.secret)) },
  ],
  [
    'HS256 with the public key',
    { idToken: (c) => signed(c, { alg: 'HS256', kid: 'es' }, Buffer.alloc(32)) },
  ],
  [
    'RS256, which the provider does not offer',
    { idToken: (c, k) => signed(c, { alg: 'RS256', kid: 'rs' }, k.rsa) },
  ],
  [
    'a key of its own in the header',
    { header: { jwk: { kty: 'EC' } }, idToken: (c, k) => signed(c, { alg: 'ES256' }, k.foreign) },
  ],
  [
    'crit that nobody knows',
    { idToken: (c, k) => signedText(JSON.stringify(c), k.published, { crit: ['exp'], exp: 1 }) },
  ],
]

const NONCES: Rows = [
  ['no nonce', { claims: ({ nonce: _gone, ...rest }) => rest }],
  ['another nonce', { claims: (c) => ({ ...c, nonce: 'A'.repeat(43) }) }],
  ['an empty nonce', { claims: (c) => ({ ...c, nonce: '' }) }],
  ['a nonce in a list', { claims: (c) => ({ ...c, nonce: [c['nonce']] }) }],
  ['a nonce in a list of two', { claims: (c) => ({ ...c, nonce: [c['nonce'], 'x'] }) }],
  ['nonce null', { claims: (c) => ({ ...c, nonce: null }) }],
  ['nonce true', { claims: (c) => ({ ...c, nonce: true }) }],
  [
    'nonce_supported: false and none',
    { claims: ({ nonce: _gone, ...rest }) => ({ ...rest, nonce_supported: false }) },
  ],
  [
    'nonce_supported: false and another',
    { claims: (c) => ({ ...c, nonce: 'x', nonce_supported: false }) },
  ],
  [
    'nonce twice, the good one first',
    {
      idToken: (c, k) =>
        signedText(JSON.stringify(c).replace(/\}$/, ',"nonce":"stolen"}'), k.published),
    },
  ],
]

const now = (): number => Math.floor(Date.now() / 1000)

const TIMES: Rows = [
  ['exp in the past', { claims: (c) => ({ ...c, exp: now() - 3600 }) }],
  ['no exp', { claims: ({ exp: _gone, ...rest }) => rest }],
  ['exp as text', { claims: (c) => ({ ...c, exp: String(c['exp']) }) }],
  ['exp null', { claims: (c) => ({ ...c, exp: null }) }],
  ['exp 0', { claims: (c) => ({ ...c, exp: 0 }) }],
  ['exp negative', { claims: (c) => ({ ...c, exp: -1 }) }],
  ['iat a day ahead', { claims: (c) => ({ ...c, iat: now() + 86_400 }) }],
  ['iat 30 days ago', { claims: (c) => ({ ...c, iat: now() - 30 * 86_400 }) }],
  ['no iat', { claims: ({ iat: _gone, ...rest }) => rest }],
  ['iat as text', { claims: (c) => ({ ...c, iat: String(c['iat']) }) }],
  ['iat in milliseconds', { claims: (c) => ({ ...c, iat: Date.now() }) }],
  ['nbf a day ahead', { claims: (c) => ({ ...c, nbf: now() + 86_400 }) }],
  ['nbf as text', { claims: (c) => ({ ...c, nbf: String(now()) }) }],
]

const SUBJECTS: Rows = [
  ...(
    [
      ['empty', ''],
      ['a number', 1],
      ['null', null],
      ['true', true],
      ['a list', ['alice']],
      ['an object', { toString: 'alice' }],
      ['of 10 KiB', 'a'.repeat(10_240)],
      ['that of a program', 'ci/deployer'],
      ['that of a token of ours', 'token/abcdefghijkl2345'],
      ['with CR LF', 'alice\r\nX-Auth-Request-Groups: root'],
      ['with NUL', 'alice\0'],
      ['blank', '   '],
      ['with a blank at its end', 'alice '],
      ['with a C1 control', 'alice\u0085'],
      ['with a line separator', 'alice\u2028'],
      ['of half a surrogate pair', 'alice\ud800'],
    ] as const
  ).map(([what, sub]): Rows[number] => [`sub ${what}`, { claims: (c) => ({ ...c, sub }) }]),
  ['no sub', { claims: ({ sub: _gone, ...rest }) => rest }],
]

const ABOUT: Rows = [
  ['typ logout+jwt', { header: { typ: 'logout+jwt' } }],
  ['typ at+jwt', { header: { typ: 'at+jwt' } }],
  ['typ secevent+jwt', { header: { typ: 'secevent+jwt' } }],
  ['typ a list', { header: { typ: ['JWT'] } }],
  ['iss with a slash more', { claims: (c) => ({ ...c, iss: `${String(c['iss'])}/` }) }],
  ['iss of another', { claims: (c) => ({ ...c, iss: 'https://evil.test' }) }],
  ['no iss', { claims: ({ iss: _gone, ...rest }) => rest }],
  ['iss in a list', { claims: (c) => ({ ...c, iss: [c['iss']] }) }],
  ['aud of another client', { claims: (c) => ({ ...c, aud: 'another' }) }],
  ['aud of two without azp', { claims: (c) => ({ ...c, aud: [c['aud'], 'another'] }) }],
  [
    'azp of another client',
    { claims: (c) => ({ ...c, aud: [c['aud'], 'another'], azp: 'another' }) },
  ],
  ['no aud', { claims: ({ aud: _gone, ...rest }) => rest }],
  ['aud empty', { claims: (c) => ({ ...c, aud: [] }) }],
  ['sid an object', { claims: (c) => ({ ...c, sid: { a: 1 } }) }],
  ['sid a list', { claims: (c) => ({ ...c, sid: ['x'] }) }],
  ['J24 no ID token', { answer: ({ id_token: _gone, ...rest }) => rest }],
  ['J24 an ID token that is an object', { answer: (a) => ({ ...a, id_token: {} }) }],
  ['an ID token that is null', { answer: (a) => ({ ...a, id_token: null }) }],
  [
    'an ID token with a blank',
    { answer: (a) => ({ ...a, id_token: ` ${String(a['id_token'])}` }) },
  ],
  ['an ID token in five parts', { answer: (a) => ({ ...a, id_token: 'a.b.c.d.e' }) }],
  ['no access token', { answer: ({ access_token: _gone, ...rest }) => rest }],
  ['J24 token_type mac', { answer: (a) => ({ ...a, token_type: 'mac' }) }],
  ['J24 no token_type', { answer: ({ token_type: _gone, ...rest }) => rest }],
  ['J24 expires_in below nothing', { answer: (a) => ({ ...a, expires_in: -1 }) }],
  ['J24 expires_in as words', { answer: (a) => ({ ...a, expires_in: 'soon' }) }],
]

const expectToRefuse = async (script: Script): Promise<void> => {
  idp.play(script)
  const begun = await begin(vestibule)
  const path = idp.authorize(begun.authorizationUrl)
  const before = idp.tokenRequests().length
  expectRefusal(await askPublic(vestibule, path, { cookies: [begun.browserCookie] }), REFUSED)
  // Once, and never again: neither by itself nor because somebody reloads the page.
  expectRefusal(await askPublic(vestibule, path, { cookies: [begun.browserCookie] }), STALE)
  expect(idp.tokenRequests()).toHaveLength(before + 1)
}

describe('an ID token that no correct provider gives', () => {
  test.each(SIGNATURES)('L15 signed wrongly is refused: %s', async (_row, script) => {
    await expectToRefuse(script)
  })
  test.each(NONCES)('L16 with a wrong nonce is refused: %s', async (_row, script) => {
    await expectToRefuse(script)
  })
  test.each(TIMES)('L18 with odd times is refused: %s', async (_row, script) => {
    await expectToRefuse(script)
  })
  test.each(SUBJECTS)('L19 about nobody is refused: %s', async (_row, script) => {
    await expectToRefuse(script)
  })
  test.each(ABOUT)('L19 L20 of another kind is refused: %s', async (_row, script) => {
    await expectToRefuse(script)
  })
})

describe('an ID token that is unusual and right', () => {
  test.each([
    ['typ JWT', { header: { typ: 'JWT' } }],
    ['aud of two with azp', { claims: (c) => ({ ...c, aud: [CLIENT.id, 'x'], azp: CLIENT.id }) }],
    ['a clock half a minute ahead', { claims: (c) => ({ ...c, iat: now() + 20 }) }],
    ['sid as text', { claims: (c) => ({ ...c, sid: 'a-session' }) }],
    ['more claims than are needed', { claims: (c) => ({ ...c, __proto__x: 1, constructor: 2 }) }],
    ['J24 token_type in capitals', { answer: (a) => ({ ...a, token_type: 'BEARER' }) }],
    ['J24 expires_in beyond all measure', { answer: (a) => ({ ...a, expires_in: 1e99 }) }],
    ['J24 expires_in as text', { answer: (a) => ({ ...a, expires_in: '3600' }) }],
  ] satisfies Rows)('signs in: %s', async (_row, script) => {
    idp.play(script)
    const cookie = expectSignedIn(await signInAt(vestibule, idp))
    expect(await whoIs(vestibule, cookie)).toBe('alice')
  })

  /*
   * Not refused, where the corpus would: `at_hash` is for the front channel (OIDC Core section
   * 3.1.3.8 leaves it to the client here); both tokens came in one answer, and userinfo that the
   * access token fetches must be about the same `sub`. A newline is no part of what is signed.
   */
  test.each([
    ['at_hash of another token', { claims: (c) => ({ ...c, at_hash: 'A'.repeat(22) }) }],
    ['a newline behind it', { answer: (a) => ({ ...a, id_token: `${String(a['id_token'])}\n` }) }],
  ] satisfies Rows)('L19 signs in: %s', async (_row, script) => {
    idp.play(script)
    expect(await whoIs(vestibule, expectSignedIn(await signInAt(vestibule, idp)))).toBe('alice')
  })

  // The provider's own signature is on both; the library reads the last, as JSON.parse does.
  test('L16 reads the last of two nonces', async () => {
    idp.play({
      idToken: (claims, keys) =>
        signedText(JSON.stringify(claims).replace(/^\{/, TWISTED), keys.published),
    })
    expectSignedIn(await signInAt(vestibule, idp))
  })
})
