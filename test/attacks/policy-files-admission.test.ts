import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { parse, stringify } from 'yaml'
import { type AccessRequest } from '../../src/core/access-request.ts'
import { decide } from '../../src/core/decide.ts'
import { epochSeconds } from '../../src/core/ids.ts'
import { CRITERIA } from '../../src/core/policy/criteria.ts'
import { findPolicy, type HostPolicy } from '../../src/core/policy/policy.ts'
import { ANONYMOUS } from '../../src/core/principal.ts'
import { aPerson, aRequest, host, NOW, policiesOf, policyOf } from '../support/policies.ts'
import { expectFaults, expectLoads, withRules } from './support-policy-files.ts'

const RUNS = Number(process.env['VESTIBULE_FUZZ_RUNS'] ?? 700)

/** Requests that differ in everything but who asks, who is nobody. */
const REQUESTS: readonly AccessRequest[] = [
  {},
  { path: '/api/x', method: 'POST' },
  { path: '/admin', clientIp: '10.0.0.1' },
  { path: '/a', clientIp: '2001:db8::1', scheme: 'http' as const },
  { path: '/public', clientIp: undefined },
  { method: 'OPTIONS', isPreflight: true },
  { method: 'HEAD', path: '/api' },
  { host: host('x.app.test'), namespace: 'ns', ingress: 'ing', service: 'svc' },
].map(aRequest)

const HOUR = 3600
const MOMENTS = [0, 7, 14, 31, 24 * 200].map((hours) => epochSeconds(NOW + hours * HOUR))

/** What is said to somebody anonymous, over all requests and moments. */
const saidToNobody = (policy: HostPolicy): ReadonlySet<string> =>
  new Set(
    REQUESTS.flatMap((request) =>
      MOMENTS.map((now) => {
        const { effect, reason } = decide(policy, { request, principal: ANONYMOUS, now })
        return `${effect} ${reason}`
      }),
    ),
  )

const loaded = async (rules: string): Promise<HostPolicy | undefined> =>
  await policyOf(rules).catch(() => undefined)

describe('P12 a rule that admits anybody', () => {
  test.each([
    '{ and: [{ accept: true }] }',
    '{ or: [{ accept: true }] }',
    '{ or: [{ accept: true }, { groups: sre }] }',
    '{ and: [{ accept: true }], or: [{ groups: sre }] }',
    '{ and: [{ http_path: /x }] }',
    '{ and: [{ source_ip: 10.0.0.0/8 }] }',
    '{ and: [{ http_method: GET }, { source_ip: 0.0.0.0/0 }] }',
    '{ and: [{ date: { before: 2099-01-01 } }] }',
    '{ and: [{ cors_preflight: true }] }',
    '{ and: [{ cel: "true" }] }',
    '{ not: [{ http_path: /x }] }',
    '{ nor: [{ groups: sre }, { http_path: /x }] }',
    '{ and: [{ not: [{ http_path: /x }] }] }',
    '{ not: [{ not: [{ http_path: /x }] }] }',
    // Found by the generator below: what never holds is not hard to deny.
    '{ not: [{ reject: true }] }',
    '{ nor: [{ groups: sre }, { reject: true }] }',
    '{ and: [{ accept: true }, { not: [{ reject: true }] }] }',
    // Nobody has the group, so the path alone makes the inner `and` fail, and its negation hold.
    '{ not: [{ and: [{ groups: sre }, { http_path: /x }] }] }',
    '{ nor: [{ and: [{ groups: sre }, { http_path: /x }] }] }',
    '{ and: [{ accept: true }, { not: [{ and: [{ user: bob }, { source_ip: 10.0.0.0/8 }] }] }] }',
    '{ not: [{ and: [{ not: [{ groups: sre }] }, { http_method: POST }] }] }',
  ])('%s needs to be public, with an owner and an end', async (allow) => {
    await expectFaults(withRules(`[{ allow: ${allow} }]`), /location, time or path alone/)
    await expectFaults(withRules(`[{ allow: ${allow}, public: true }]`), /needs owner and until/)
    await expectFaults(
      withRules(`[{ allow: ${allow}, public: true, owner: x }]`),
      /owner and until/,
    )
    await expectLoads(withRules(`[{ allow: ${allow}, public: true, owner: x, until: 2099-01-01 }]`))
    // YAML 1.2: `yes` and `on` are words.
    for (const no of ['false', '"true"', 'yes', 'on', '1', 'null', '[true]', '{}']) {
      const rule = `{ allow: ${allow}, public: ${no}, owner: x, until: 2099-01-01 }`
      await expectFaults(withRules(`[${rule}]`), /public/)
    }
  })

  test.each([
    '{ and: [{ groups: sre }] }',
    '{ not: [{ groups: sre }] }',
    '{ nor: [{ groups: sre }, { user: bob }] }',
    '{ and: [{ http_path: /x }, { not: [{ groups: sre }] }] }',
    '{ not: [{ or: [{ groups: sre }, { http_path: /x }] }] }',
    '{ not: [{ nor: [{ http_path: /x }, { groups: sre }] }] }',
    '{ and: [{ reject: true }] }',
  ])('%s admits nobody anonymous, and loads', async (allow) => {
    const policy = await policyOf(`[{ allow: ${allow} }]`)
    expect([...saidToNobody(policy)].filter((said) => said.startsWith('allow'))).toEqual([])
  })

  test('a deny cannot be public, and a public rule ends', async () => {
    await expectFaults(
      withRules(
        '[{ deny: { and: [{ accept: true }] }, public: true, owner: x, until: 2099-01-01 }]',
      ),
      /deny cannot be public/,
    )
    const rule = '{ allow: { and: [{ accept: true }] }, public: true, owner: x, until: 2027-06-01 }'
    const said = saidToNobody(await policyOf(`[${rule}]`))
    expect([...said].toSorted()).toEqual(['allow public_rule', 'deny grant_expired'])
  })
})

/** Every criterion of the language, as its documentation shows it, and negative matchers. */
const LEAVES: readonly unknown[] = [
  ...CRITERIA.map(({ example }) => parse(example) as unknown),
  { groups: { exclude: 'sre' } },
  { user: { not: 'bob' } },
  { email: { not_in: ['a@example.com'] } },
  { actor: { not: 'human' } },
  { 'claim/x': { not: 'y' } },
  { issuer: { not: 'https://idp.test' } },
  { http_path: { not: '/api' } },
  { http_method: { not_in: ['POST'] } },
  { source_ip: ['0.0.0.0/0', '::/0'] },
  { cel: 'true' },
  { cel: 'principal.subject == ""' },
  { cel: 'request.nothing.at.all' },
]

const { conditions } = fc.letrec<{ conditions: unknown[]; condition: unknown }>((tie) => ({
  conditions: fc.array(tie('condition'), { minLength: 1, maxLength: 3 }),
  condition: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.constantFrom(...LEAVES),
    fc
      .tuple(fc.constantFrom('and', 'or', 'not', 'nor'), tie('conditions'))
      .map(([operator, inner]) => ({ [operator]: inner })),
  ),
}))

const operators = fc.dictionary(fc.constantFrom('and', 'or', 'not', 'nor'), conditions, {
  minKeys: 1,
  maxKeys: 2,
})

const rule = fc.record(
  {
    allow: operators,
    deny: operators,
    public: fc.constant(true),
    owner: fc.constant('ops'),
    until: fc.constantFrom('2099-01-01', '2020-01-01'),
  },
  { requiredKeys: ['allow'] },
)

describe('no set of rules admits somebody anonymous unless it says public', () => {
  test('whatever its operators and criteria are', async () => {
    let accepted = 0
    await fc.assert(
      fc.asyncProperty(fc.array(rule, { minLength: 1, maxLength: 3 }), async (rules) => {
        const policy = await loaded(JSON.stringify(rules))
        if (policy === undefined) return
        accepted += 1
        const said = saidToNobody(policy)
        expect(said.has('allow rule_matched')).toBe(false)
        const isPublic = rules.some((each) => each.public === true)
        expect(said.has('allow public_rule') && !isPublic).toBe(false)
      }),
      { seed: 0x5eed, numRuns: RUNS },
    )
    expect(accepted).toBeGreaterThan(RUNS / 50)
  }, 60_000)

  test('and one rule alone, more often', async () => {
    let accepted = 0
    await fc.assert(
      fc.asyncProperty(operators, async (allow) => {
        const policy = await loaded(JSON.stringify([{ allow }]))
        if (policy === undefined) return
        accepted += 1
        const said = [...saidToNobody(policy)]
        expect(said.filter((each) => each.startsWith('allow'))).toEqual([])
      }),
      { seed: 0x5eed, numRuns: 3 * RUNS },
    )
    expect(accepted).toBeGreaterThan(RUNS / 10)
  }, 60_000)

  test('and what loads from a file loads from JSON with the same meaning', async () => {
    for (const leaf of LEAVES) {
      const rules = [{ allow: { and: [{ authenticated_user: true }, leaf] } }]
      const one = await loaded(JSON.stringify(rules))
      const other = await loaded(`\n${stringify(rules)}`)
      expect([stringify(leaf), one === undefined]).toEqual([stringify(leaf), other === undefined])
    }
  })
})

describe('P15 words and numbers are not guessed at', () => {
  test.each([
    ['no', 'groups: { has: no }', 'no'],
    ['off', 'groups: { has: off }', 'off'],
    ['y', 'groups: { has: y }', 'y'],
    ['1_000', 'groups: { has: 1_000 }', '1_000'],
    ['1:30', 'groups: { has: 1:30 }', '1:30'],
    ['a date', 'groups: { has: 2027-01-31 }', '2027-01-31'],
    ['010 in quotes', 'groups: { has: "010" }', '010'],
  ])('%s is the text that it is', async (_what, condition, group) => {
    const policy = await policyOf(`[{ allow: { and: [ { ${condition} } ] } }]`)
    const facts = { request: aRequest(), now: NOW }
    const member = aPerson({ groups: [group] })
    const other = aPerson({ groups: ['false', '8', '1000', '90', 'x'] })
    expect(decide(policy, { ...facts, principal: member }).effect).toBe('allow')
    expect(decide(policy, { ...facts, principal: other }).effect).toBe('deny')
  })

  test.each(['010', '0o10', '0x8', '1e3', '.5', 'true', 'null', '~', '.nan', '.inf'])(
    '%s is no group, since it is no text',
    async (written) => {
      const rules = `[{ allow: { and: [ { groups: { has: ${written} } } ] } }]`
      await expectFaults(withRules(rules), /groups/)
    },
  )
})

describe('P30 policies do not hear of each other', () => {
  test('100,000 decisions on 100 policies, in any order', async () => {
    const files = Array.from({ length: 100 }, (_, index): readonly [string, string] => [
      `${index}.yaml`,
      `hosts: [h${index}.test]\npolicy:\n  - allow: { and: [{ groups: g${index} }, { http_path: /p${index} }] }\n`,
    ])
    const policies = await policiesOf(Object.fromEntries(files))
    const people = files.map((_, index) => aPerson({ groups: [`g${index}`] }))
    const requests = files.map((_, index) => aRequest({ path: `/p${index}` }))
    let wrong = 0
    let step = 1
    for (let round = 0; round < 100_000; round += 1) {
      step = (step * 48_271) % 2_147_483_647
      const [at, who, where] = [
        step % 100,
        (step >> 7) % 100,
        (step >> 14) % 3 === 0 ? step % 100 : (step >> 9) % 100,
      ]
      const policy = findPolicy(policies, host(`h${at}.test`))
      const [request, principal] = [requests[where], people[round % 2 === 0 ? at : who]]
      if (policy === undefined || request === undefined || principal === undefined)
        throw new Error('none')
      const { effect } = decide(policy, { request, principal, now: NOW })
      const isRight = where === at && (round % 2 === 0 || who === at)
      if ((effect === 'allow') !== isRight) wrong += 1
    }
    expect(wrong).toBe(0)
  }, 30_000)
})
