import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { headerBudget } from '../../src/core/header-budget.ts'
import {
  DEFAULT_IDENTITY_HEADERS,
  headerText,
  identityFor,
  identityHeaderValue,
} from '../../src/core/identity-headers.ts'
import { parseSessionKey } from '../../src/core/ids.ts'
import { randomAssertionKeys, SIGNATURE_BYTES } from '../../src/edge/assertion/assertion-keys.ts'
import { createAssertionSigner } from '../../src/edge/assertion/assertion-signer.ts'
import { answerLines } from '../../src/edge/http/verify-answer.ts'
import { aPerson, host, NOW } from '../support/policies.ts'

/** Raw UTF-16 units, lone surrogates included, with the dangerous ones in favour. */
const unit = fc.oneof(
  fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)),
  fc.constantFrom(',', '%', '\r', '\n', '\0', '\ud800', 'é', ' ', 'a'),
)
const text = fc.array(unit, { maxLength: 300 }).map((units) => units.join(''))

/** An allow carries no challenge. */
const NO_CHALLENGE = {
  originOf: () => '',
  dpop: { algorithms: [], nonce: () => undefined },
}

const BUDGET = headerBudget(DEFAULT_IDENTITY_HEADERS, { issuer: 25, signature: 64 })

describe('identity headers', () => {
  test('are printable ASCII without a comma, whatever the text', () => {
    fc.assert(
      fc.property(text, (value) => {
        expect(headerText(value)).toMatch(/^[\x21-\x2b\x2d-\x7e]*$/)
      }),
      { seed: 1, numRuns: 2000 },
    )
  })

  test('read back as what was written, where that was well-formed', () => {
    expect(decodeURIComponent(headerText('Łukasz, 100 %'))).toBe('Łukasz, 100 %')
  })

  test('a comma in a group makes no second group', () => {
    const sized = identityFor(
      aPerson({ groups: ['CN=Admins,OU=x', 'b'] }),
      new Set(['CN=Admins,OU=x', 'b']),
      BUDGET,
      'app.test',
    )
    expect(sized).toMatchObject({ groupsCut: 0 })
    if (sized === 'too_large') throw new Error('too large')
    expect(identityHeaderValue('groups', sized.identity, '')).toBe('CN=Admins%2COU=x,b')
  })

  test('carry only groups that the policy names', () => {
    expect(identityFor(aPerson(), new Set(['sre', 'other']), BUDGET, 'app.test')).toMatchObject({
      identity: { groups: ['sre'] },
      groupsCut: 0,
    })
  })

  test('hold some fifty groups of ordinary names, and count what they leave out', () => {
    const groups = Array.from({ length: 500 }, (_each, index) => `team-platform-${index}`)
    const sized = identityFor(aPerson({ groups }), new Set(groups), BUDGET, 'app.test')
    if (sized === 'too_large') throw new Error('too large')
    expect(sized.identity.groups.length).toBeGreaterThan(40)
    expect(sized.groupsCut).toBe(500 - sized.identity.groups.length)
  })

  const WITH_AGENT = [...DEFAULT_IDENTITY_HEADERS, ['X-Auth-Request-Agent', 'agent']] as const

  test.each([
    ['ES256', DEFAULT_IDENTITY_HEADERS, false],
    ['RS256', DEFAULT_IDENTITY_HEADERS, false],
    ['ES256', WITH_AGENT, true],
    ['RS256', WITH_AGENT, true],
  ] as const)(
    'an answer stays below 3 KiB, assertion included, whatever the claims are (%s)',
    async (algorithm, names, isDelegated) => {
      const keys = await randomAssertionKeys(algorithm)
      const issuer = `https://${'a'.repeat(60)}.example.com`
      const sign = createAssertionSigner({
        keys: () => keys,
        algorithm,
        issuer,
        lifetimeSeconds: 300,
        now: () => NOW,
      })
      const budget = headerBudget(names, {
        issuer: issuer.length,
        signature: SIGNATURE_BYTES[algorithm],
      })
      const sessionKey = parseSessionKey('A'.repeat(43))
      const routed = host(`${'h'.repeat(60)}.${'i'.repeat(60)}.example.com`)
      const longest = fc.oneof(text, fc.constant('é'.repeat(255)), fc.constant('x'.repeat(255)))
      await fc.assert(
        fc.asyncProperty(
          longest,
          longest,
          fc.array(fc.string({ minLength: 1, maxLength: 60 }), { maxLength: 500 }),
          async (subject, name, groups) => {
            const person = aPerson({
              subject,
              email: `${'e'.repeat(64)}@${'d'.repeat(180)}.com`,
              preferredUsername: name,
              groups,
            })
            const principal = isDelegated
              ? aPerson({ actor: 'agent', subject: name, onBehalfOf: person })
              : person
            const sized = identityFor(principal, new Set(groups), budget, routed)
            if (sized === 'too_large') return
            const { identity } = sized
            const assertion = await sign({
              host: routed,
              identity,
              sessionKey,
              policyVersion: '0123456789abcdef',
              endsAt: undefined,
            })
            const record = {
              id: '00000000-0000-0000-0000-000000000000',
              decision: { effect: 'allow', reason: 'rule_matched', rule: 'x' },
              request: {},
              policy: undefined,
              policyVersion: '',
              principal: person,
              credential: 'cookie',
              sessionKey: undefined,
              mode: 'enforce',
            } as const
            const lines = answerLines(
              { record, identity, assertion, groupsCut: 0 },
              { identityHeaders: names, ...NO_CHALLENGE },
            )
            // The server adds Date, Connection and the empty line.
            expect(lines.length + 70).toBeLessThan(3072)
          },
        ),
        { seed: 3, numRuns: 150 },
      )
    },
  )
})
