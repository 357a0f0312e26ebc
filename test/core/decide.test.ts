import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { decide } from '../../src/core/decide.ts'
import { epochSeconds } from '../../src/core/ids.ts'
import { ANONYMOUS, type Principal } from '../../src/core/principal.ts'
import { aPerson, aRequest, NOW, policyOf } from '../support/policies.ts'

const alice = aPerson()
const bob = aPerson({ subject: 'bob', groups: ['developers'] })
const nobodyInParticular = aPerson({ subject: 'x', groups: undefined, claims: {} })

const outcome = async (
  rules: string,
  principal: Principal,
  path = '/',
  now = NOW,
): Promise<readonly [string, string]> => {
  const { effect, reason } = decide(await policyOf(rules), {
    request: aRequest({ path }),
    principal,
    now,
  })
  return [effect, reason]
}

const SRE = '{ allow: { and: [{ groups: { has: sre } }] } }'

describe('decide', () => {
  test('allows whom an allow admits, and denies the rest', async () => {
    expect(await outcome(`[${SRE}]`, alice)).toEqual(['allow', 'rule_matched'])
    expect(await outcome(`[${SRE}]`, bob)).toEqual(['deny', 'no_rule_matched'])
  })

  test('asks somebody anonymous to sign in only where that could help', async () => {
    expect(await outcome(`[${SRE}]`, ANONYMOUS)).toEqual(['challenge', 'not_signed_in'])
    const onPath = '[{ allow: { and: [{ groups: { has: sre } }, { http_path: /a }] } }]'
    expect(await outcome(onPath, ANONYMOUS, '/a')).toEqual(['challenge', 'not_signed_in'])
    expect(await outcome(onPath, ANONYMOUS, '/b')).toEqual(['deny', 'no_rule_matched'])
  })

  test('denies somebody anonymous at once where a deny looks at the request alone', async () => {
    const rules = `[${SRE}, { deny: { and: [{ http_path: { starts_with: /internal } }] } }]`
    expect(await outcome(rules, ANONYMOUS, '/internal/x')).toEqual(['deny', 'denied_by_rule'])
    expect(await outcome(rules, ANONYMOUS, '/x')).toEqual(['challenge', 'not_signed_in'])
  })

  test('a public rule admits anybody, until a deny might concern him', async () => {
    const open =
      '{ allow: { and: [{ http_path: /status }] }, public: true, owner: a@b.c, until: 2099-01-01 }'
    expect(await outcome(`[${open}]`, ANONYMOUS, '/status')).toEqual(['allow', 'public_rule'])
    const leavers =
      '{ deny: { or: [{ claim/employment: ended }, { device: { compliant: false } }] } }'
    expect(await outcome(`[${open}, ${leavers}]`, ANONYMOUS, '/status')).toEqual([
      'allow',
      'public_rule',
    ])
    const barred = '{ deny: { not: [{ groups: { has: staff } }] } }'
    expect(await outcome(`[${open}, ${barred}]`, ANONYMOUS, '/status')).toEqual([
      'challenge',
      'not_signed_in',
    ])
    expect(await outcome(`[${open}, ${barred}]`, alice, '/status')).toEqual([
      'deny',
      'denied_by_rule',
    ])
  })

  test('what is absent satisfies no allow, neither directly nor through a negation', async () => {
    for (const condition of [
      '{ and: [{ claim/x: a }] }',
      '{ and: [{ claim/x: { not: a } }] }',
      '{ not: [{ claim/x: a }] }',
      '{ nor: [{ claim/x: a }] }',
      '{ not: [{ groups: { has: banned } }] }',
    ]) {
      expect(await outcome(`[{ allow: ${condition} }]`, nobodyInParticular)).toEqual([
        'deny',
        'no_rule_matched',
      ])
    }
  })

  test('what is absent does not slip past a deny that asks for its opposite', async () => {
    const all = '{ allow: { and: [{ authenticated_user: true }] } }'
    const rules = `[${all}, { deny: { not: [{ groups: { has: staff } }] } }]`
    expect(await outcome(rules, nobodyInParticular)).toEqual(['deny', 'denied_by_rule'])
  })

  test('a rule stops counting at the very second of its until', async () => {
    const rules = '[{ allow: { and: [{ user: alice }] }, until: 2027-01-31 }]'
    const end = Date.parse('2027-02-01T00:00:00Z') / 1000
    expect(await outcome(rules, alice, '/', epochSeconds(end - 1))).toEqual([
      'allow',
      'rule_matched',
    ])
    expect(await outcome(rules, alice, '/', epochSeconds(end))).toEqual(['deny', 'grant_expired'])
  })

  test('several operators in one rule are alternatives', async () => {
    const rules = '[{ allow: { and: [{ user: bob }], or: [{ groups: { has: sre } }] } }]'
    expect(await outcome(rules, alice)).toEqual(['allow', 'rule_matched'])
    expect(await outcome(rules, bob)).toEqual(['allow', 'rule_matched'])
  })

  test('operators nest', async () => {
    const rules =
      '[{ allow: { and: [{ or: [{ user: bob }, { user: alice }] }, { not: [{ groups: { has: developers } }] }] } }]'
    expect((await outcome(rules, alice))[0]).toBe('allow')
    expect((await outcome(rules, bob))[0]).toBe('deny')
  })
})

const leaf = fc.constantFrom(
  '{ groups: { has: sre } }',
  '{ groups: { in: [developers, x] } }',
  '{ user: alice }',
  '{ user: { not: alice } }',
  '{ claim/department: ops }',
  '{ claim/missing: { not_in: [a] } }',
  '{ email: { ends_with: example.com } }',
  '{ http_path: { starts_with: /a } }',
  '{ http_method: { in: [GET, POST] } }',
)
const operator = fc.constantFrom('and', 'or', 'not', 'nor')
const body = fc
  .tuple(operator, fc.array(leaf, { minLength: 1, maxLength: 3 }))
  .map(([name, leaves]) => `{ ${name}: [${leaves.join(', ')}, { authenticated_user: true }] }`)
const allow = body.map((text) => `{ allow: ${text} }`)
const denial = body.map((text) => `{ deny: ${text} }`)
const principal = fc.constantFrom<Principal>(alice, bob, nobodyInParticular, ANONYMOUS)
const path = fc.constantFrom('/', '/a', '/a/b', '/b')

const effectOf = async (rules: readonly string[], who: Principal, at: string): Promise<string> =>
  (await outcome(`[${rules.join(', ')}]`, who, at))[0]

/** Rules that the loader refuses say nothing about deciding. */
const tryEffect = async (
  rules: readonly string[],
  who: Principal,
  at: string,
): Promise<string | undefined> => {
  try {
    return await effectOf(rules, who, at)
  } catch {
    return undefined
  }
}

const RUNS = { numRuns: 150, seed: 7 }

describe('whatever the rules are', () => {
  const rules = fc.array(fc.oneof(allow, denial), { minLength: 1, maxLength: 4 })

  test('their order does not matter', async () => {
    await fc.assert(
      fc.asyncProperty(rules, principal, path, async (each, who, at) => {
        const forward = await tryEffect(each, who, at)
        expect(await tryEffect(each.toReversed(), who, at)).toBe(forward)
      }),
      RUNS,
    )
  })

  test('one more deny never admits', async () => {
    await fc.assert(
      fc.asyncProperty(rules, denial, principal, path, async (each, more, who, at) => {
        const before = await tryEffect(each, who, at)
        const after = await tryEffect([...each, more], who, at)
        if (before !== undefined && before !== 'allow') expect(after).not.toBe('allow')
      }),
      RUNS,
    )
  })

  test('one more allow never takes away', async () => {
    await fc.assert(
      fc.asyncProperty(rules, allow, principal, path, async (each, more, who, at) => {
        const before = await tryEffect(each, who, at)
        const after = await tryEffect([...each, more], who, at)
        if (before === 'allow' && after !== undefined) expect(after).toBe('allow')
      }),
      RUNS,
    )
  })

  test('nobody anonymous is allowed without a public rule', async () => {
    await fc.assert(
      fc.asyncProperty(rules, path, async (each, at) => {
        expect(await tryEffect(each, ANONYMOUS, at)).not.toBe('allow')
      }),
      RUNS,
    )
  })
})
