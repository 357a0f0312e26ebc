import { createHmac, createPublicKey, sign } from 'node:crypto'
import { beforeAll, describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { ALGORITHMS, byLibrary, ISSUER, keys, verify } from './support-judges.ts'
import { encode, SIGNERS, STRANGERS, signatureBy } from './support-signatures.ts'
import { failureOf, NOW } from './support-tokens.ts'

/*
 * What we say of a token, against what `jwtVerify` of jose says of it (and, where it says yes, our
 * own rules about claims, which are stricter).
 */

const RUNS = Number(process.env['VESTIBULE_FUZZ_RUNS'] ?? 1500)
/** Members in JSON, so that they can be what no object of JavaScript has. */
type Members = Readonly<Record<string, string | undefined>>

const textOf = (members: Members): string =>
  `{${Object.entries(members)
    .flatMap(([name, value]) => (value === undefined ? [] : `${JSON.stringify(name)}:${value}`))
    .join(',')}}`

const json = (...values: readonly unknown[]): fc.Arbitrary<string> =>
  fc.constantFrom(...values.map((value) => JSON.stringify(value)))

const absent = fc.constant(undefined)
const oddTime = fc.constantFrom('1e999', '-1e999', '"1800000000"', 'null', 'true', '[]', '-1', '0')
const time = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(-61, -31, -30, -29, 0, 29, 30, 31, 61, 300) },
  { weight: 1, arbitrary: fc.constantFrom(-30.5, -29.5, 30.5, 86_400, 86_500) },
)
const timeText = fc.oneof(
  { weight: 4, arbitrary: time.map((offset) => String(NOW + offset)) },
  { weight: 1, arbitrary: fc.oneof(oddTime, absent) },
)
/** One thing is wrong as a rule: of several, only the first would be seen. */
const seldom = <Value>(
  value: fc.Arbitrary<Value>,
): fc.Arbitrary<{ readonly is: Value } | undefined> =>
  fc.oneof({ weight: 7, arbitrary: absent }, { weight: 1, arbitrary: value.map((is) => ({ is })) })

const changes = fc
  .record({
    iss: seldom(fc.oneof(json(ISSUER, `${ISSUER}/`, 'https://b.test', [ISSUER], null), absent)),
    sub: seldom(fc.oneof(json('other', '', 7, null), absent)),
    aud: seldom(
      fc.oneof(json('other', ['x', 'vestibule'], [], [7], {}, 'VESTIBULE', null), absent),
    ),
    exp: fc.option(
      timeText.map((is) => ({ is })),
      { freq: 2, nil: undefined },
    ),
    nbf: seldom(timeText),
    iat: seldom(timeText),
  })
  .map((members) =>
    Object.fromEntries(
      Object.entries(members).flatMap(([name, change]) =>
        change === undefined ? [] : [[name, change.is] as const],
      ),
    ),
  )
const claims = changes.map((changed) => ({
  iss: JSON.stringify(ISSUER),
  sub: '"ci"',
  aud: '"vestibule"',
  exp: String(NOW + 300),
  iat: String(NOW - 600),
  ...changed,
}))

const GOOD_WITH: readonly (readonly [keyof typeof SIGNERS, string])[] = [
  ['rs', 'RS256'],
  ['ps', 'PS256'],
  ['any', 'RS512'],
  ['any', 'PS384'],
  ['dear', 'RS256'],
  ['es', 'ES256'],
  ['es384', 'ES384'],
  ['es512', 'ES512'],
  ['ed', 'EdDSA'],
]
const header = fc.record(
  {
    alg: fc.oneof(json(...ALGORITHMS), json('HS256', 'none', '', 7, ['RS256'], null), absent),
    kid: fc.oneof(json(...Object.keys(SIGNERS)), json('unknown', '', 7, null), absent),
  },
  { requiredKeys: [] },
)

/** What becomes of a good signature. */
type Spoiling = (signature: Buffer, input: string) => Uint8Array

const flipped = (signature: Buffer, at: number): Buffer => {
  const copy = Buffer.from(signature)
  const bit = at % (8 * copy.length)
  copy.writeUInt8(copy.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
  return copy
}
const spoiling: fc.Arbitrary<Spoiling> = fc.oneof(
  fc.nat().map((at) => (signature: Buffer) => flipped(signature, at)),
  fc.constantFrom<Spoiling>(
    (signature) => signature.subarray(0, -1),
    (signature) => signature.subarray(1),
    (signature) => Buffer.concat([signature, Buffer.from([0])]),
    (signature) => Buffer.concat([Buffer.from([0]), signature]),
    (signature) => Buffer.alloc(signature.length),
    (signature) =>
      Buffer.alloc(signature.length).fill(
        signature.subarray(signature.length / 2),
        signature.length / 2,
      ),
    (signature) => Buffer.alloc(signature.length, 255),
    (_signature, input) => sign('sha256', Buffer.from(input), SIGNERS.es.privateKey),
    ...STRANGERS.map(
      (key) => (_signature: Buffer, input: string) => signatureBy('RS256', key, input),
    ),
    (_signature, input) =>
      createHmac(
        'sha256',
        createPublicKey(SIGNERS.rs.privateKey).export({ format: 'pem', type: 'spki' }),
      )
        .update(input)
        .digest(),
  ),
)

/** A token, signed by the algorithm that is right for its key, whatever its header says. */
const token = fc
  .record({
    by: fc.constantFrom(...GOOD_WITH),
    changedHeader: fc.oneof(
      { weight: 3, arbitrary: fc.constant({}) },
      { weight: 1, arbitrary: header },
    ),
    claims,
    signsAsHeaderSays: fc.boolean(),
    spoil: seldom(spoiling),
  })
  .map(({ by: [name, algorithm], changedHeader, claims: said, signsAsHeaderSays, spoil }) => {
    const members: Members = {
      alg: JSON.stringify(algorithm),
      kid: JSON.stringify(SIGNERS[name].kid),
      typ: '"JWT"',
      ...changedHeader,
    }
    const input = `${encode(textOf(members))}.${encode(textOf(said))}`
    const alg = members['alg']?.slice(1, -1) ?? algorithm
    const how = signsAsHeaderSays && ALGORITHMS.includes(alg) ? alg : algorithm
    const signature = signatureBy(how, SIGNERS[name].privateKey, input)
    return `${input}.${encode(spoil?.is(signature, input) ?? signature)}`
  })

describe('what is said of a token', () => {
  beforeAll(async () => {
    await keys.current()
  })

  test('is what the library says', async () => {
    const seen = new Map<string, number>()
    await fc.assert(
      fc.asyncProperty(token, async (text) => {
        const said = await failureOf(verify, text)
        expect(said).toBe(await byLibrary(text))
        seen.set(said, (seen.get(said) ?? 0) + 1)
      }),
      { seed: 0x5160, numRuns: RUNS },
    )
    // Else this would show little.
    for (const verdict of ['accepted', 'invalid', 'expired', 'not_yet_valid']) {
      expect(seen.get(verdict)).toBeGreaterThan(RUNS / 50)
    }
  })
})
