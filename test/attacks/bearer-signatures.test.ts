import { createHmac, createPublicKey, generateKeyPairSync, sign } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { CompactEncrypt, importJWK } from 'jose'
import {
  type BearerWorld,
  type Claims,
  createKey,
  encode,
  expectToken,
  publicJwk,
  signText,
  startBearerWorld,
  untilWarm,
} from './support-bearer.ts'
import { outcomeOf } from './support-requests.ts'

/*
 * T48 (keys of 1024 bits, weak exponents, points off their curve) are rows of J9: jwks.test.ts.
 */

const INVALID = '401 invalid_token'
const ALLOWED = '200 rule_matched'

let world: BearerWorld

beforeAll(async () => {
  world = await startBearerWorld()
  await untilWarm(world)
})
afterAll(() => world.stop())

/** A good token with other header members, and any signature. */
const withHeader = (header: Claims, signature: (input: string) => string): string => {
  const input = `${encode({ kid: 'rs', typ: 'JWT', ...header })}.${encode(world.good())}`
  return `${input}.${signature(input)}`
}

const parts = (token: string): readonly [string, string, string] => {
  const [header = '', payload = '', signature = ''] = token.split('.')
  return [header, payload, signature]
}

describe('who says by what it is signed', () => {
  test.each(['none', 'None', 'NONE', 'nOnE', 'noNE', '', 'null'])('alg %j', async (alg) => {
    const [header, payload, signature] = parts(withHeader({ alg }, () => 'AA'))
    await expectToken(world, `${header}.${payload}.`, INVALID)
    await expectToken(world, `${header}.${payload}.${signature}`, INVALID)
    await expectToken(world, `${header}.${payload}`, INVALID)
  })

  test('alg missing, a list, or a number', async () => {
    for (const alg of [undefined, ['RS256'], 1, null]) {
      const token = withHeader({ alg }, (input) => signText(input, world.keys.rs))
      await expectToken(world, token, INVALID)
    }
  })

  test('T18 HMAC, with the public key in every form as the secret', async () => {
    const key = createPublicKey(world.keys.rs.privateKey)
    const pem = key.export({ type: 'spki', format: 'pem' }).toString()
    const jwk = publicJwk(world.keys.rs)
    const secrets: readonly (string | Buffer)[] = [
      pem,
      pem.trimEnd(),
      key.export({ type: 'pkcs1', format: 'pem' }),
      key.export({ type: 'spki', format: 'der' }),
      key.export({ type: 'spki', format: 'der' }).toString('base64'),
      JSON.stringify(jwk),
      JSON.stringify({ keys: [jwk] }),
      Buffer.from(String(jwk['n']), 'base64url'),
      'rs',
      '',
    ]
    for (const [alg, hash] of [
      ['HS256', 'sha256'],
      ['HS512', 'sha512'],
    ] as const) {
      for (const secret of secrets) {
        const token = withHeader({ alg }, (input) =>
          createHmac(hash, secret).update(input).digest('base64url'),
        )
        await expectToken(world, token, INVALID)
      }
    }
  })

  test('T19 another algorithm than the header says, or than the key is for', async () => {
    const { rs, es } = world.keys
    const es384 = createKey('es', 'ES384')
    const asPss = { ...rs, algorithm: 'PS256' as const }
    const tokens = [
      withHeader({ alg: 'RS256' }, (input) => signText(input, asPss)),
      withHeader({ alg: 'PS256' }, (input) => signText(input, asPss)),
      withHeader({ alg: 'ES256', kid: 'rs' }, (input) => signText(input, es)),
      withHeader({ alg: 'RS256', kid: 'es' }, (input) => signText(input, rs)),
      withHeader({ alg: 'ES256', kid: 'es' }, (input) => signText(input, es384)),
      withHeader({ alg: 'ES384', kid: 'es' }, (input) => signText(input, es384)),
      withHeader({ alg: 'ES256', kid: 'es' }, (input) =>
        sign('sha256', Buffer.from(input), es.privateKey).toString('base64url'),
      ),
    ]
    for (const token of tokens) await expectToken(world, token, INVALID)
  })

  test('T19 signatures that some libraries took for good', async () => {
    const order = 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551'
    const zero = '0'.repeat(64)
    const one = '1'.padStart(64, '0')
    for (const [r, s] of [
      [zero, zero],
      [zero, one],
      [one, zero],
      [order, order],
      [one, order],
    ] as const) {
      const signature = Buffer.from(r + s, 'hex').toString('base64url')
      await expectToken(
        world,
        withHeader({ alg: 'ES256', kid: 'es' }, () => signature),
        INVALID,
      )
    }
  })
})

describe('T20 T46 what was changed after signing', () => {
  test('signatures that are empty, short, doubled, of another token, or flipped', async () => {
    const { mint } = world
    const [header, payload, signature] = parts(mint())
    const bytes = Buffer.from(signature, 'base64url')
    const flipped = (at: number, bit: number): string => {
      const copy = Buffer.from(bytes)
      copy.writeUInt8(copy.readUInt8(at) ^ bit, at)
      return copy.toString('base64url')
    }
    const [, , other] = parts(mint({ claims: { jti: 'other' } }))
    const bad = [
      '',
      'AA',
      Buffer.concat([bytes, bytes]).toString('base64url'),
      other,
      bytes.subarray(1).toString('base64url'),
      Buffer.concat([Buffer.from([0]), bytes]).toString('base64url'),
      ...Array.from({ length: 100 }, (_each, at) => flipped(at, at % 2 === 0 ? 1 : 128)),
    ]
    for (const each of bad) await expectToken(world, `${header}.${payload}.${each}`, INVALID)
  })

  test('a payload or header with any one byte changed', async () => {
    const [header, payload, signature] = parts(world.mint({ by: world.keys.es }))
    for (const [part, index] of [
      [payload, 1],
      [header, 0],
    ] as const) {
      const text = Buffer.from(part, 'base64url')
      for (let at = 0; at < text.length; at += 1) {
        const copy = Buffer.from(text)
        copy.writeUInt8(copy.readUInt8(at) ^ 1, at)
        const changed = [header, payload, signature]
        changed[index] = copy.toString('base64url')
        const verdict = await world.ask(`Bearer ${changed.join('.')}`)
        expect(verdict.status).toBe(401)
      }
    }
  })
})

describe('T10 T23 whose key it is', () => {
  test('T10 a key of the second issuer proves nothing of the first', async () => {
    const forged = world.mint({ by: world.keys.es2 })
    await expectToken(world, forged, INVALID)
    const foreign = world.mint({ by: world.keys.foreign })
    await expectToken(world, foreign, INVALID)
  })

  test.each<readonly [string, (jwk: Claims) => Claims]>([
    ['jwk', (jwk) => ({ jwk })],
    ['jwk, without kid', (jwk) => ({ jwk, kid: undefined })],
    ['x5c', () => ({ x5c: ['MIIB'] })],
    ['x5t', () => ({ x5t: 'AAAA' })],
    ...[
      'http://169.254.169.254/keys',
      'file:///etc/passwd',
      'http://127.0.0.1:6379/',
      'IDP/jwks',
    ].flatMap((url): (readonly [string, () => Claims])[] => [
      [`jku ${url}`, () => ({ jku: url.replace('IDP', world.idp2.url) })],
      [`x5u ${url}`, () => ({ x5u: url.replace('IDP', world.idp2.url) })],
    ]),
  ])('T23 a token that brings its key along: %s', async (_what, header) => {
    const by = createKey('rs', 'RS256')
    await expectToken(world, world.mint({ by, header: header(publicJwk(by)) }), INVALID)
  })

  test.each([
    ['a path', '../../../dev/null'],
    ['SQL', "x' UNION SELECT 'AA'--"],
    ['a command', '|id'],
    ['an address', 'http://169.254.169.254/'],
    ['__proto__', '__proto__'],
    ['constructor', 'constructor'],
    ['nothing', ''],
    ['a number', 1],
    ['a list', ['rs']],
    ['an object', { rs: 1 }],
    ['a very long one', 'k'.repeat(4000)],
  ])('a kid that is %s finds no key', async (_what, kid) => {
    await expectToken(world, world.mint({ header: { kid } }), INVALID)
  })
})

describe('T24 crit', () => {
  test.each<readonly [string, Claims]>([
    ['unknown', { crit: ['x'] }],
    ['unknown and there', { crit: ['x'], x: 1 }],
    ['empty', { crit: [] }],
    ['text', { crit: 'exp' }],
    ['a registered name', { crit: ['exp'], exp: 1 }],
    ['b64', { crit: ['b64'], b64: false }],
    ['b64 alone', { b64: false }],
    ['b64 as it is anyway', { b64: true }],
    ['500 entries', { crit: Array.from({ length: 500 }, (_each, index) => `x${index}`) }],
    ['null', { crit: null }],
  ])('%s', async (_what, header) => {
    await expectToken(world, world.mint({ header }), INVALID)
  })
})

describe('T21 one token has one spelling', () => {
  test('other last letters that stand for the same bytes', async () => {
    const token = world.mint({ by: world.keys.es })
    const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    await expectToken(world, token, ALLOWED)
    for (const letter of letters) {
      if (!token.endsWith(letter)) await expectToken(world, token.slice(0, -1) + letter, INVALID)
    }
  })

  test.each<readonly [string, (token: string) => string]>([
    ['padding', (token) => `${token}==`],
    ['padding once', (token) => `${token}=`],
    ['a dot behind', (token) => `${token}.`],
    ['a dot before', (token) => `.${token}`],
    ['base64 in place of base64url', (token) => token.replaceAll('-', '+').replaceAll('_', '/')],
    ['an escape', (token) => `${token}%3D`],
    ['a space inside', (token) => `${token.slice(0, 40)} ${token.slice(40)}`],
    ['a tab inside', (token) => `${token.slice(0, 40)}\t${token.slice(40)}`],
  ])('%s', async (_what, change) => {
    let token = world.mint()
    for (let n = 0; !/[-_]/.test(token); n += 1) token = world.mint({ claims: { n } })
    await expectToken(world, change(token), INVALID)
  })
})

describe('T34 T35 T36 what is no signed compact token', () => {
  test('T34 other numbers of parts', async () => {
    const [header, payload, signature] = parts(world.mint())
    const all = [
      [header, payload],
      [header, payload, signature, ''],
      [header, payload, signature, 'AA'],
      [header, payload, signature, 'AA', 'AA'],
      [header, payload, signature, 'AA', 'AA', 'AA'],
      ['', '', ''],
      ['', ''],
      ['', payload, signature],
      [header, '', signature],
    ]
    for (const each of all) await expectToken(world, each.join('.'), INVALID)
    await expectToken(world, '.'.repeat(30_000), INVALID)
    await expectToken(world, `${header}${'.'.repeat(30_000)}`, INVALID)
  })

  test('T35 an encrypted token, whatever is in it', async () => {
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const unsigned = `${encode({ alg: 'none' })}.${encode(world.good())}.`
    const plain = new TextEncoder().encode(unsigned)
    const ours = await importJWK({ ...publicJwk(world.keys.rs), alg: 'RSA-OAEP' })
    for (const key of [ours, publicKey]) {
      const token = await new CompactEncrypt(plain)
        .setProtectedHeader({ alg: 'RSA-OAEP', enc: 'A256GCM', cty: 'JWT' })
        .encrypt(key)
      await expectToken(world, token, INVALID)
    }
    for (const header of [
      { alg: 'PBES2-HS256+A128KW', enc: 'A128GCM', p2c: 2_147_483_647, p2s: 'AAAA' },
      { alg: 'dir', enc: 'A256GCM', zip: 'DEF' },
      { alg: 'RSA1_5', enc: 'A128CBC-HS256' },
    ]) {
      await expectToken(world, `${encode(header)}.AAAA.AAAA.AAAA.AAAA`, INVALID)
    }
  })

  test('T36 the JSON serialisations, alone and mixed with the compact one', async () => {
    const token = world.mint()
    const [header, payload, signature] = parts(token)
    const flat = JSON.stringify({ protected: header, payload, signature })
    const general = JSON.stringify({ payload, signatures: [{ protected: header, signature }] })
    for (const text of [flat, general, `${flat}.${token}`, ` {"payload":"x"}.${token}`]) {
      await expectToken(world, text, INVALID)
    }
    await expectToken(world, `${encode(flat)}.${payload}.${signature}`, INVALID)
  })
})

describe('T38 T39 how a token is offered', () => {
  test.each<readonly [string, (token: string) => string, string]>([
    ['nothing behind the scheme', () => 'Bearer', INVALID],
    ['a space behind the scheme', () => 'Bearer ', INVALID],
    ['two spaces', (token) => `Bearer  ${token}`, INVALID],
    ['lower case', (token) => `bearer ${token}`, ALLOWED],
    ['upper case', (token) => `BEARER ${token}`, ALLOWED],
    ['a tab', (token) => `Bearer\t${token}`, INVALID],
    ['a comma', (token) => `Bearer ${token},`, INVALID],
    ['quotes', (token) => `Bearer "${token}"`, INVALID],
    ['two schemes', (token) => `Bearer ${token} Bearer ${token}`, INVALID],
    ['two credentials', (token) => `Bearer ${token}, Bearer ${token}`, INVALID],
    ['no scheme', (token) => token, '401 not_signed_in'],
    ['another scheme', (token) => `Token ${token}`, '401 not_signed_in'],
    ['Basic', (token) => `Basic ${btoa(`x:${token.slice(0, 20)}`)}`, '401 not_signed_in'],
    ['Negotiate', () => 'Negotiate YII', '401 not_signed_in'],
    ['Digest', () => 'Digest x', '401 not_signed_in'],
  ])('T38 %s', async (_what, authorization, outcome) => {
    expect(outcomeOf(await world.ask(authorization(world.mint())))).toBe(outcome)
  })

  test('T39 in other places than Authorization it is not looked for', async () => {
    const token = world.mint()
    const requests = [
      { url: `https://app.test/x?access_token=${token}` },
      { cookie: `access_token=${token}` },
      { lines: [`Sec-WebSocket-Protocol: bearer, ${token}`] },
      { lines: [`X-Forwarded-Access-Token: ${token}`, `Proxy-Authorization: Bearer ${token}`] },
    ]
    for (const request of requests) {
      expect(outcomeOf(await world.ask('Basic eDp5', request))).toBe('401 not_signed_in')
    }
  })
})

test('no token is in a log line, a notice or a metric', async () => {
  const token = world.mint({ claims: { note: 'canary' } })
  await expectToken(world, token, ALLOWED)
  const lines = await world.vestibule.decisions(1)
  const written = [
    ...lines.map((line) => JSON.stringify(line)),
    ...world.vestibule.notices(),
    await world.vestibule.metrics(),
  ].join('\n')
  for (const part of parts(token)) expect(written.includes(part)).toBe(false)
  expect(written).not.toContain('canary')
  expect(written).toContain('\nvestibule_internal_errors_total 0\n')
})
