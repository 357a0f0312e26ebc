import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { readCompactToken, readParts } from '../../src/edge/tokens/compact-token.ts'
import { encode } from './support-signatures.ts'

const tokenOf = (claims: string, header = '{"alg":"ES256"}'): string =>
  `${encode(header)}.${encode(claims)}.${encode('a signature')}`

/** Text in which everything that JSON is made of comes up often. */
const text = fc.oneof(
  fc.string({ unit: fc.constantFrom('"', ':', '\\', '{', '}', ',', ' ', '\n', 'a', 'é') }),
  fc.string(),
)
const value = fc.letrec<{ any: unknown; members: object }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 3 },
    text,
    fc.constantFrom(1, null, true),
    fc.array(tie('any'), { maxLength: 3 }),
    tie('members'),
  ),
  members: fc.dictionary(
    text.filter((name) => name !== '__proto__'),
    tie('any'),
    { maxKeys: 3 },
  ),
}))

describe('claims', () => {
  test('are read whatever they are called and hold, with any white space', () => {
    fc.assert(
      fc.property(value.members, fc.constantFrom(undefined, 1, '\t'), (members, space) => {
        const claims = JSON.stringify(members, undefined, space)
        expect(readParts(tokenOf(claims))?.claims).toEqual(JSON.parse(claims))
      }),
      { seed: 0xc1a135 },
    )
  })

  test('are refused if one of any depth is there twice', () => {
    fc.assert(
      fc.property(value.members, text, fc.nat({ max: 5 }), (members, name, depth) => {
        const twice = `{${JSON.stringify(name)}:1,"x":2,${JSON.stringify(name)} :${JSON.stringify(members)}}`
        const claims = `{"y":`.repeat(depth) + twice + '}'.repeat(depth)
        expect(readParts(tokenOf(claims))).toBeUndefined()
        expect(readParts(tokenOf('{}', twice))).toBeUndefined()
      }),
      { seed: 0xc1a136 },
    )
  })

  test.each(['[]', '"x"', 'null', '1', '', '{', '{"a":1}x', '{"a":NaN}', "{'a':1}"])(
    '%s are none',
    (claims) => {
      expect(readParts(tokenOf(claims))).toBeUndefined()
    },
  )
})

describe('a token', () => {
  const good = tokenOf('{"iss":"a"}')

  test.each([
    `${good}.`,
    `${good}.AA`,
    good.slice(0, good.lastIndexOf('.')),
    good.slice(0, good.lastIndexOf('.') + 1),
    `${good}=`,
    `${good} `,
    good.replace('.', '. '),
    good.replace('.', '..'),
    `${good}é`,
    `${good}+/`,
  ])('such as %s is none', (token) => {
    expect(readCompactToken(good)).toMatchObject({ kind: 'jwt', issuer: 'a' })
    expect(readCompactToken(token)).toBeUndefined()
  })
})
