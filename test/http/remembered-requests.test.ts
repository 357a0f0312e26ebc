import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { cookieCredential } from '../../src/core/credential.ts'
import { cookieStripper } from '../../src/core/passing-credentials.ts'
import { createHeaderMeanings, readHeaders } from '../../src/edge/http/nginx-headers.ts'
import { createCookieReader } from '../../src/edge/http/sent-cookies.ts'

const NAME = '__Secure-vestibule'
const ID = 'A'.repeat(43)

const pair = fc.oneof(
  fc.constant(`${NAME}=${ID}`),
  fc.constant(`${NAME}=${'B'.repeat(42)}A`),
  fc.constant(`${NAME}=x`),
  fc.tuple(fc.string({ maxLength: 6 }), fc.string({ maxLength: 6 })).map((both) => both.join('=')),
)
const line = fc.array(pair, { maxLength: 4 }).map((pairs) => pairs.join('; '))

describe('what is remembered of requests', () => {
  test('a Cookie header says the same the second time, whatever came between', () => {
    const read = createCookieReader(NAME)
    const strip = cookieStripper(NAME)
    fc.assert(
      fc.property(fc.array(line, { maxLength: 3 }), (lines) => {
        const expected = { credential: cookieCredential(lines, NAME), others: strip(lines) }
        expect(read(lines)).toEqual(expected)
        expect(read(lines)).toEqual(expected)
      }),
      { numRuns: 500 },
    )
  })

  test('a header that is sent twice is a duplicate also when its name is known', () => {
    const meanings = createHeaderMeanings(new Set(['x-auth-request-user']))
    for (let round = 0; round < 2; round += 1) {
      const once = readHeaders(['X-Original-URL', 'https://app.test/'], meanings)
      expect([once.reason, once.originalUrl]).toEqual([undefined, 'https://app.test/'])
      const twice = readHeaders(['X-Original-URL', 'a', 'x-original-url', 'b'], meanings)
      expect(twice.reason).toBe('duplicate_header')
      expect(readHeaders(['X_Auth_Request_User', 'root'], meanings).reason).toBe(
        'impersonation_header',
      )
      expect(readHeaders(['Cookie', 'a=1', 'cookie', 'b=2'], meanings).cookies).toEqual([
        'a=1',
        'b=2',
      ])
    }
  })

  test('what one listener takes for an identity header, another need not', () => {
    expect(readHeaders(['X_User', 'root'], createHeaderMeanings(new Set(['x-user']))).reason).toBe(
      'impersonation_header',
    )
    expect(
      readHeaders(['X_User', 'root'], createHeaderMeanings(new Set(['x-email']))).reason,
    ).toBeUndefined()
  })

  test('names that nobody has are not kept for ever', () => {
    const meanings = createHeaderMeanings(new Set())
    for (let index = 0; index < 5000; index += 1) {
      expect(readHeaders([`X-Flood-${index}`, 'x'], meanings).reason).toBeUndefined()
    }
    expect(readHeaders(['Impersonate-User', 'root'], meanings).reason).toBe('impersonation_header')
  })
})
