import { createHmac, createPublicKey } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { sendRaw } from '../support/raw-http.ts'
import { verifyRequest } from '../support/verify-request.ts'
import {
  type BearerWorld,
  createKey,
  encode,
  expectToken,
  nowSeconds,
  publicJwk,
  signText,
  startBearerWorld,
  to,
  untilWarm,
} from './support-bearer.ts'
import { outcomeOf } from './support-requests.ts'
import { expectSoundAnswer } from './support-requests-invariants.ts'

/*
 * Each way in which the verification of tokens has been broken in public, and where it is shown not
 * to work here. Those without a file are below.
 *
 * CVE-2015-9235, CVE-2016-5431, CVE-2016-10555, CVE-2024-54150, CVE-2024-33663
 *                                   HMAC by the public key: T18 in bearer-signatures
 * CVE-2023-48223, CVE-2026-34950    the same, by another spelling of the PEM: below
 * CVE-2026-32597, CVE-2026-35042, CVE-2025-59420
 *                                   unknown crit: T24 in bearer-signatures
 * CVE-2026-29000, CVE-2023-51774, CVE-2022-36083, CVE-2024-28176, CVE-2021-29443
 *                                   encrypted tokens: T35 in bearer-signatures
 * CVE-2022-39227                    JSON serialisation: T36 in bearer-signatures
 * CVE-2018-0114                     the key in the token: T23 in bearer-signatures
 * CVE-2022-21449                    signatures of zeros: T19 in bearer-signatures
 * CVE-2026-102266, CVE-2026-102274  empty HMAC keys, malformed keys: J9 in jwks
 * CVE-2023-36820, CVE-2026-40946, CVE-2026-55669, CVE-2026-56665
 *                                   audience, expiry not checked where absent: T1, T8 in bearer-claims
 * CVE-2025-30144                    a list of issuers: T9 in bearer-claims
 * CVE-2026-35039                    a cache that mixes tokens up: below
 * CVE-2025-30204, CVE-2025-27144    many dots: T34 in bearer-signatures
 * CVE-2025-64527                    several tokens while keys cannot be had: below
 * CVE-2024-51744                    expired and forged at once: below
 * CVE-2026-27840                    a token that is cut off: below
 * CVE-2026-9097                     revoked tokens: T40 in bearer-revoked
 * CVE-2026-33496                    asked at another issuer: T43 in introspection
 * CVE-2026-40574                    e-mail domains: T33 in bearer-claims
 */

const INVALID = '401 invalid_token'
const ALLOWED = '200 rule_matched'

let world: BearerWorld

beforeAll(async () => {
  world = await startBearerWorld()
  await untilWarm(world)
})
afterAll(() => world.stop())

describe('CVE-2023-48223, CVE-2026-34950 a public key in the form of a secret', () => {
  const spellings = (pem: string): readonly string[] => [
    ` \n${pem}`,
    `\t${pem}`,
    `\uFEFF${pem}`,
    pem.replaceAll('\n', '\r\n'),
    pem.replaceAll('PUBLIC KEY', 'RSA PUBLIC KEY'),
    pem.replace(/-----[^-]+-----/g, '').trim(),
    pem.replace(/-----[^-]+-----|\n/g, ''),
    `-----BEGIN CERTIFICATE-----\n${pem}`,
  ]

  test.each(['HS256', 'HS384', 'HS512', 'hs256', 'HS256\u0000'])('%j', async (alg) => {
    const key = createPublicKey(world.keys.rs.privateKey)
    const pems = [
      key.export({ type: 'spki', format: 'pem' }).toString(),
      key.export({ type: 'pkcs1', format: 'pem' }).toString(),
    ]
    const hash = `sha${/[0-9]+/.exec(alg)?.[0] ?? '256'}`
    for (const secret of pems.flatMap(spellings)) {
      const input = `${encode({ alg, kid: 'rs', typ: 'JWT' })}.${encode(world.good())}`
      const mac = createHmac(hash, secret).update(input).digest('base64url')
      await expectToken(world, `${input}.${mac}`, INVALID)
    }
  })
})

describe('CVE-2026-35039 a memory of tokens that takes one for another', () => {
  test('tokens with the same id, subject, times, header or signature are told apart', async () => {
    const same = { jti: 'same', iat: nowSeconds(), exp: nowSeconds() + 300 }
    const admin = world.mint({ claims: { ...same, groups: ['admins'] } })
    const other = world.mint({ claims: { ...same, groups: ['users'] } })
    await expectToken(world, admin, ALLOWED, to('admin'))
    for (let round = 0; round < 3; round += 1) {
      await expectToken(world, other, '403 no_rule_matched', to('admin'))
      await expectToken(world, admin, ALLOWED, to('admin'))
    }
    const [header, payload, signature] = admin.split('.')
    const [, otherPayload, otherSignature] = other.split('.')
    for (const mixed of [
      `${header}.${otherPayload}.${signature}`,
      `${header}.${payload}.${otherSignature}`,
      `${admin}${other}`,
      `${admin}.`,
    ]) {
      await expectToken(world, mixed, INVALID, to('admin'))
    }
  })

  test('a token of one issuer is not remembered as one of another', async () => {
    const { idp2, keys } = world
    const [first, second] = [
      world.mint({ by: keys.es }),
      world.mint({ by: keys.es2, claims: { iss: idp2.url } }),
    ]
    for (let round = 0; round < 2; round += 1) {
      expect((await expectToken(world, first, ALLOWED)).identity[0]).toBe('idp/alice')
      expect((await expectToken(world, second, ALLOWED)).identity[0]).toBe('idp2/alice')
    }
  })
})

describe('CVE-2025-64527 several tokens while keys cannot be had', () => {
  test('are refused, and nothing falls over', async () => {
    const down = await startBearerWorld(true)
    try {
      const token = down.mint()
      const twice = verifyRequest({
        authorization: `Bearer ${token}`,
        lines: [`Authorization: Bearer ${token}`],
      })
      const answers = await Promise.all(
        Array.from({ length: 20 }, async (_each, index) =>
          index % 2 === 0
            ? outcomeOf(expectSoundAnswer(await sendRaw(down.vestibule.verifyPort, twice)))
            : outcomeOf(await down.ask(`Bearer ${token}`)),
        ),
      )
      expect(new Set(answers)).toEqual(
        new Set(['403 duplicate_header', '503 issuer_keys_unreachable']),
      )
      const other = down.mint({ by: down.keys.es2, claims: { iss: down.idp2.url } })
      expect(outcomeOf(await down.ask(`Bearer ${other}`))).toBe(ALLOWED)
    } finally {
      await down.stop()
    }
  })
})

describe('CVE-2024-51744 two things wrong at once', () => {
  test('a forged token is never called expired, early or revoked', async () => {
    const now = nowSeconds()
    for (const claims of [
      { iat: now - 900, exp: now - 600 },
      { iat: now + 3600, exp: now + 4000 },
      { nbf: now + 3600, exp: now + 4000 },
      { act: { sub: 'a', act: { sub: 'b' } } },
    ]) {
      await expectToken(world, world.mint({ claims, by: world.keys.foreign }), INVALID)
    }
  })

  test('an expired token for somebody else is not good in either way', async () => {
    const now = nowSeconds()
    const claims = { aud: 'evil', iat: now - 900, exp: now - 600 }
    expect((await world.ask(`Bearer ${world.mint({ claims })}`)).status).toBe(401)
    const nobody = { iss: 'https://evil.test', iat: now - 900, exp: now - 600 }
    await expectToken(world, world.mint({ claims: nobody }), INVALID)
  })
})

describe('CVE-2026-27840 a token that is cut off', () => {
  test('is none, at whatever length', async () => {
    const token = world.mint({ by: world.keys.es })
    await expectToken(world, token, ALLOWED)
    for (let length = 1; length < token.length; length += 1) {
      await expectToken(world, token.slice(0, length), INVALID)
    }
    for (let start = 1; start < token.length; start += 7) {
      await expectToken(world, token.slice(start), INVALID)
    }
  })
})

describe('keys of one kind used as another', () => {
  test('an elliptic key under the kid of an RSA one, and the other way round', async () => {
    const [rs, es] = [createKey('es', 'RS256'), createKey('rs', 'ES256')]
    for (const by of [rs, es]) {
      await expectToken(world, world.mint({ by }), INVALID)
      await expectToken(world, world.mint({ by, header: { jwk: publicJwk(by) } }), INVALID)
    }
  })

  test.each(['EdDSA', 'Ed25519', 'ES256K', 'RS1', 'RS512', 'dir', 'A256KW', 'ES256 ', 'es256'])(
    'an algorithm that is not listed, with a signature that is good otherwise: %j',
    async (alg) => {
      for (const by of [world.keys.rs, world.keys.es]) {
        const input = `${encode({ alg, kid: by.kid, typ: 'JWT' })}.${encode(world.good())}`
        await expectToken(world, `${input}.${signText(input, by)}`, INVALID)
      }
    },
  )
})
