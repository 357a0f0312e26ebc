import { constants, createHmac, createPublicKey, type KeyObject, sign } from 'node:crypto'
import { beforeAll, describe, expect, test } from '@jest/globals'
import { createVerificationKeys } from '../../src/edge/tokens/verification-keys.ts'
import { byLibrary, ISSUER, keys, verify } from './support-judges.ts'
import { encode, publicJwkOf, SIGNERS, STRANGERS, signatureBy } from './support-signatures.ts'
import { failureOf, NOW } from './support-tokens.ts'

const CLAIMS = JSON.stringify({ iss: ISSUER, sub: 'ci', aud: 'vestibule', iat: NOW, exp: NOW + 9 })
const HEADER = JSON.stringify({ alg: 'ES256', kid: 'es' })

const inputOf = (header: string, claims = CLAIMS): string => `${encode(header)}.${encode(claims)}`
const signed = (input: string, key: KeyObject = SIGNERS.es.privateKey, alg = 'ES256'): string =>
  `${input}.${encode(signatureBy(alg, key, input))}`
const headed = (alg: string, kid: string): string => inputOf(JSON.stringify({ alg, kid }))
const good = signed(inputOf(HEADER))

beforeAll(async () => {
  await keys.current()
})

/** Another last letter, of which the bits that count are the same. */
const otherSpelling = (token: string): string => {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  return token.slice(0, -1) + (letters[letters.indexOf(token.slice(-1)) ^ 1] ?? '')
}
const claimsWith = (members: string): string => `${CLAIMS.slice(0, -1)},${members}}`
const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)

describe('stricter than the library', () => {
  test.each([
    ['padding', `${good}==`],
    ['another spelling of the signature', otherSpelling(good)],
    ['white space in the payload', signed(`${encode(HEADER)}. ${encode(CLAIMS)}`)],
    ['duplicate claims', signed(inputOf(HEADER, claimsWith('"sub":"ci"')))],
    ['duplicate claims, one in escapes', signed(inputOf(HEADER, claimsWith('"s\\u0075b":"ci"')))],
    ['duplicate members of the header', signed(inputOf('{"alg":"ES256","kid":"x","kid":"es"}'))],
    ['a byte-order mark before the claims', signed(inputOf(HEADER, `\uFEFF${CLAIMS}`))],
    ['b64', signed(inputOf('{"alg":"ES256","kid":"es","b64":true}'))],
    ['claims nested without end', signed(inputOf(HEADER, claimsWith(`"x":${nested(20)}`)))],
    ['a claim called __proto__', signed(inputOf(HEADER, claimsWith('"__proto__":{}')))],
  ])('%s is refused, which it lets through', async (_name, token) => {
    expect(await byLibrary(token)).toBe('accepted')
    expect(await failureOf(verify, token)).toBe('invalid')
  })
})

const pem = createPublicKey(SIGNERS.rs.privateKey).export({ format: 'pem', type: 'spki' })
const hmac = (alg: string, kid: string): string => {
  const input = headed(alg, kid)
  return `${input}.${createHmac(alg.replace('HS', 'sha'), pem).update(input).digest('base64url')}`
}
const withSignature = (alg: string, kid: string, signature: Uint8Array): string =>
  `${headed(alg, kid)}.${encode(signature)}`

const hex = (text: string): Buffer => Buffer.from(text, 'hex')
const ORDER = hex('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551')
const ONE = hex('1'.padStart(64, '0'))
const ZERO = Buffer.alloc(32)
const ED25519_ORDER = 2n ** 252n + 27742317777372353535851937790883648493n

const numberOf = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
const bytesOf = (number: bigint, length: number): Buffer =>
  hex(number.toString(16).padStart(2 * length, '0'))

/** S + L, which the equation does not tell from S (RFC 8032 section 5.1.7). */
const malleable = (): string => {
  const input = headed('EdDSA', 'ed')
  const signature = signatureBy('EdDSA', SIGNERS.ed.privateKey, input)
  const s = numberOf(signature.subarray(32).toReversed()) + ED25519_ORDER
  return `${input}.${encode(Buffer.concat([signature.subarray(0, 32), bytesOf(s, 32).toReversed()]))}`
}

/** The signature and the modulus, which is the same number to the equation. */
const beyondModulus = (): string => {
  const { n = '' } = SIGNERS.any.privateKey.export({ format: 'jwk' })
  const modulus = numberOf(Buffer.from(n, 'base64url'))
  for (let nonce = 0; nonce < 1000; nonce += 1) {
    const input = inputOf('{"alg":"RS256","kid":"any"}', claimsWith(`"nonce_":${nonce}`))
    const s = numberOf(signatureBy('RS256', SIGNERS.any.privateKey, input)) + modulus
    if (s < 2n ** 2048n) return `${input}.${encode(bytesOf(s, 256))}`
  }
  throw new Error('each signature is too large')
}

/** RFC 7518 section 3.5 wants a salt as long as the hash. */
const saltedOtherwise = (): string => {
  const input = headed('PS256', 'ps')
  const key = { key: SIGNERS.ps.privateKey, padding: constants.RSA_PKCS1_PSS_PADDING }
  return `${input}.${encode(sign('sha256', Buffer.from(input), { ...key, saltLength: 20 }))}`
}

describe('what has fooled others', () => {
  test.each([
    ['CVE-2015-9235 alg none', `${headed('none', 'rs')}.`],
    ['CVE-2015-9235 alg none, with a signature', signed(headed('none', 'es'))],
    ['CVE-2020-28042 no signature at all', `${headed('ES256', 'es')}.`],
    ['CVE-2016-10555 HS256 by the public key', hmac('HS256', 'rs')],
    ['CVE-2016-10555 HS512 by the public key', hmac('HS512', 'any')],
    ['CVE-2022-21449 r = s = 0', withSignature('ES256', 'es', Buffer.alloc(64))],
    ['CVE-2022-21449 r = s = 0, P-384', withSignature('ES384', 'es384', Buffer.alloc(96))],
    ['CVE-2022-21449 r = s = 0, P-521', withSignature('ES512', 'es512', Buffer.alloc(132))],
    ['CVE-2022-21449 r = 0', withSignature('ES256', 'es', Buffer.concat([ZERO, ONE]))],
    ['CVE-2022-21449 s = 0', withSignature('ES256', 'es', Buffer.concat([ONE, ZERO]))],
    ['r = s = the order of the curve', withSignature('ES256', 'es', Buffer.concat([ORDER, ORDER]))],
    [
      'an ECDSA signature in DER',
      withSignature(
        'ES256',
        'es',
        sign('sha256', Buffer.from(headed('ES256', 'es')), SIGNERS.es.privateKey),
      ),
    ],
    ['PSS by a key for PKCS #1', signed(headed('PS256', 'rs'), SIGNERS.rs.privateKey, 'PS256')],
    ['PKCS #1 by a key for PSS', signed(headed('RS256', 'ps'), SIGNERS.ps.privateKey, 'RS256')],
    [
      'another hash than the key is for',
      signed(headed('RS512', 'rs'), SIGNERS.rs.privateKey, 'RS512'),
    ],
    [
      'an algorithm that is not accepted',
      signed(headed('RS384', 'any'), SIGNERS.any.privateKey, 'RS384'),
    ],
    ['a salt of another length', saltedOtherwise()],
    ['RS256 by name, P-256 by key', signed(headed('RS256', 'es'))],
    ['ES256 by name, P-384 by key', signed(headed('ES256', 'es384'), SIGNERS.es384.privateKey)],
    ['two keys of one name', signed(headed('ES256', 'twin'), SIGNERS.twin.privateKey)],
    ['no name where several keys fit', signed(inputOf('{"alg":"ES256"}'))],
    ['a key that nobody published', signed(headed('ES256', 'es'), STRANGERS[1])],
    ['the same number beyond the modulus', beyondModulus()],
    ['the same Ed25519 signature in other bytes', malleable()],
  ])('%s is refused', async (_name, token) => {
    expect([await failureOf(verify, token), await byLibrary(token)]).toEqual(['invalid', 'invalid'])
  })
})

describe('of a token with several faults', () => {
  const early = { nbf: NOW + 100 }
  const past = { iat: NOW - 100, exp: NOW - 50 }
  test.each([
    ['too early and over', { ...early, ...past }, 'not_yet_valid'],
    ['too early, and over at no time', { ...early, exp: 'never' }, 'not_yet_valid'],
    ['too early, without exp', { ...early, exp: undefined }, 'invalid'],
    ['too early, and issued at no time', { ...early, iat: 'once' }, 'invalid'],
    ['over, and for somebody else', { ...past, aud: 'other' }, 'invalid'],
    ['over, and of somebody else', { ...past, iss: 'https://b.test' }, 'invalid'],
    ['over, and of nobody', { ...past, sub: undefined }, 'invalid'],
    ['over, with a bad subject', { ...past, sub: '' }, 'expired'],
  ])('%s: it is said what the library says', async (_name, changes, expected) => {
    const claims = JSON.stringify({ ...(JSON.parse(CLAIMS) as object), ...changes })
    const token = signed(inputOf(HEADER, claims))
    expect([await failureOf(verify, token), await byLibrary(token)]).toEqual([expected, expected])
  })

  test('over, and signed by somebody else: that it is over is not said', async () => {
    const claims = JSON.stringify({ ...(JSON.parse(CLAIMS) as object), ...past })
    const token = signed(inputOf(HEADER, claims), STRANGERS[1])
    expect([await failureOf(verify, token), await byLibrary(token)]).toEqual(['invalid', 'invalid'])
  })
})

const isKnownAtOnce = async (token: string): Promise<readonly [string, boolean]> => {
  const verified = verify(token)
  return [await failureOf(() => verified, token), !(verified instanceof Promise)]
}

describe('the event loop', () => {
  test.each([
    ['rs', 'RS256', true],
    ['any', 'PS384', true],
    ['es', 'ES256', true],
    ['ed', 'EdDSA', true],
    ['dear', 'RS256', false],
    ['es384', 'ES384', false],
    ['es512', 'ES512', false],
  ] as const)('checks signatures of the key %s by %s itself: %s', async (name, alg, isCheap) => {
    const token = signed(headed(alg, name), SIGNERS[name].privateKey, alg)
    expect(await isKnownAtOnce(token)).toEqual(['accepted', isCheap])
  })

  test('refuses a signature of another length without a look, whatever the key', async () => {
    const token = withSignature('ES512', 'es512', Buffer.alloc(131, 1))
    expect(await isKnownAtOnce(token)).toEqual(['invalid', true])
  })
})

describe('a key', () => {
  const choose = createVerificationKeys(Object.values(SIGNERS).map(publicJwkOf))
  const RSA = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']
  const ALL = [...RSA, 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519', 'HS256', 'none', 'toString']

  test.each([
    ['rs', ['RS256']],
    ['ps', ['PS256']],
    ['any', RSA],
    ['es', ['ES256']],
    ['es384', ['ES384']],
    ['es512', ['ES512']],
    ['ed', ['EdDSA']],
    ['twin', []],
  ])('called %s is there for %j alone', (kid, expected) => {
    expect(ALL.filter((algorithm) => choose(algorithm, kid).ok)).toEqual(expected)
  })

  test.each([7, null, ['es'], {}, '', 'ES'])('is not called %j', (kid) => {
    expect(choose('ES256', kid)).toEqual({ ok: false, failure: 'key_not_found' })
  })

  test('needs no name where it alone fits', () => {
    expect(choose('PS512', undefined).ok).toBe(true)
    expect(choose('ES256', undefined)).toEqual({ ok: false, failure: 'ambiguous' })
    expect(choose('RS512', 'rs')).toEqual({ ok: false, failure: 'key_not_found' })
  })
})
