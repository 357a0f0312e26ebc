import { describe, expect, test } from '@jest/globals'
import { decide } from '../../src/core/decide.ts'
import { explain } from '../../src/core/explain.ts'
import { epochSeconds } from '../../src/core/ids.ts'
import { appliedMode } from '../../src/core/mode.ts'
import { findPolicy } from '../../src/core/policy/policy.ts'
import { proofWanted } from '../../src/core/proof.ts'
import {
  aPerson,
  aRequest,
  faultsOf,
  host,
  NOW,
  policiesOf,
  policyOf,
} from '../support/policies.ts'

const alice = aPerson()
const facts = { request: aRequest(), principal: alice, now: NOW }

describe('a policy list pasted from Pomerium', () => {
  test('loads unchanged, with allow and deny in one rule, has and in on lists', async () => {
    const policy = await policyOf(`
  - allow:
      and:
        - domain:
            is: example.com
        - claim/department: ops
      or:
        - groups:
            has: sre
        - groups:
            in: [a, b]
    deny:
      or:
        - email:
            is: user2@example.com
        - user: user3
  - allow:
      and:
        - authenticated_user: true
        - http_method: { is: GET }
        - date: { after: 2020-01-02T16:20:00, before: 2150-01-02T16:20:00 }
        - day_of_week: mon-fri
        - time_of_day: { timezone: UTC, after: 2:20:00, before: "4:30PM" }
  - deny:
      not:
        - source_ip: [203.0.113.0/24, 10.0.0.0/8]
`)
    expect(policy.allows).toHaveLength(2)
    expect(policy.denies).toHaveLength(2)
    expect(decide(policy, facts).effect).toBe('allow')
    const user3 = { ...facts, principal: aPerson({ subject: 'user3' }) }
    expect(decide(policy, user3).reason).toBe('denied_by_rule')
  })
})

describe('rule sets', () => {
  const SETS = `ruleSets:
  staff:
    - allow: { and: [{ groups: { has: sre } }] }
  no-contractors:
    - deny: { and: [{ groups: { has: contractors } }] }
`
  test('count in every file that uses them', async () => {
    const policies = await policiesOf({
      'sets.yaml': SETS,
      'a.yaml': 'hosts: [a.test]\nuse: [staff, no-contractors]\n',
      'b.yaml':
        'hosts: [b.test]\nuse: [no-contractors]\npolicy: { allow: { and: [{ user: alice }] } }\n',
    })
    const contractor = aPerson({ groups: ['sre', 'contractors'] })
    for (const name of ['a.test', 'b.test']) {
      const policy = findPolicy(policies, host(name))
      if (policy === undefined) throw new Error('no policy')
      expect(decide(policy, facts).effect).toBe('allow')
      expect(decide(policy, { ...facts, principal: contractor }).effect).toBe('deny')
    }
  })

  test('number their rules by set', async () => {
    const policies = await policiesOf({
      'sets.yaml': SETS,
      'a.yaml': 'hosts: [a.test]\nuse: [staff, no-contractors]\n',
    })
    const policy = findPolicy(policies, host('a.test'))
    expect(policy?.allows[0]?.id).toBe('sets.yaml#staff/1')
    expect(policy?.denies[0]?.id).toBe('sets.yaml#no-contractors/1')
  })

  test('that no file has are named, with the nearest one', async () => {
    expect(
      await faultsOf({ 'sets.yaml': SETS, 'a.yaml': 'hosts: [a.test]\nuse: [staf]\n' }),
    ).toEqual(['a.yaml:2:7: use[0]: no file has a rule set staf. Did you mean staff?'])
  })

  test('are held to the same rules', async () => {
    expect(
      await faultsOf({
        'sets.yaml': 'ruleSets:\n  open:\n    - allow: { or: [{ source_ip: 10.0.0.0/8 }] }\n',
        'a.yaml': 'hosts: [a.test]\nuse: [open]\n',
      }),
    ).toEqual([
      expect.stringMatching(
        /^sets\.yaml:3:7: ruleSets\.open\[0\]: can be satisfied by network location/,
      ),
    ])
  })
})

describe('modes', () => {
  const withMode = async (mode: string): Promise<Awaited<ReturnType<typeof policyOf>>> => {
    const policies = await policiesOf({
      'app.yaml': `hosts: [app.test]\n${mode}\npolicy: { allow: { and: [{ user: nobody }] } }\n`,
    })
    const policy = findPolicy(policies, host('app.test'))
    if (policy === undefined) throw new Error('no policy')
    return policy
  }
  const end = epochSeconds(Date.parse('2027-02-01T00:00:00Z') / 1000)

  test('observe ends at its until', async () => {
    const policy = await withMode('mode: observe\nuntil: 2027-01-31')
    expect(appliedMode(policy, alice, epochSeconds(end - 1))).toBe('observe')
    expect(appliedMode(policy, alice, end)).toBe('enforce')
  })

  test('canary enforces for its groups, and for a stable share of the others', async () => {
    const policy = await withMode(
      'mode: canary\nuntil: 2027-01-31\ncanary: { groups: [sre], share: 30 }',
    )
    expect(appliedMode(policy, alice, NOW)).toBe('enforce')
    const others = Array.from({ length: 2000 }, (_each, index) =>
      aPerson({ subject: `user-${index}`, groups: [] }),
    )
    const modes = others.map((person) => appliedMode(policy, person, NOW))
    const share = modes.filter((mode) => mode === 'enforce').length / modes.length
    expect(share).toBeGreaterThan(0.25)
    expect(share).toBeLessThan(0.35)
    expect(others.map((person) => appliedMode(policy, person, NOW))).toEqual(modes)
  })

  test.each([
    ['mode: observe', /needs until/],
    ['until: 2027-01-31', /belongs to mode observe or canary/],
    ['mode: canary\nuntil: 2027-01-31', /goes with mode canary/],
    ['canary: { share: 5 }', /goes with mode canary/],
  ])('%j is refused', async (mode, message) => {
    const faults = await faultsOf({
      'app.yaml': `hosts: [app.test]\n${mode}\npolicy: { allow: { and: [{ user: x }] } }\n`,
    })
    expect(faults.join('\n')).toMatch(message)
  })
})

describe('require', () => {
  const policyWith = async (require: string): Promise<Awaited<ReturnType<typeof policyOf>>> => {
    const policies = await policiesOf({
      'app.yaml': `hosts: [app.test]\nrequire: ${require}\npolicy: { allow: { and: [{ user: alice }] } }\n`,
    })
    const policy = findPolicy(policies, host('app.test'))
    if (policy === undefined) throw new Error('no policy')
    return policy
  }
  const withClaims = (claims: Readonly<Record<string, unknown>>): typeof alice =>
    aPerson({ claims })

  test('asks for proof that is wanting, and says which', async () => {
    const policy = await policyWith('{ acr: [mfa], authAge: 8h }')
    expect(decide(policy, facts)).toEqual({
      effect: 'challenge',
      reason: 'stronger_proof_needed',
      proof: { acr: ['mfa'], maxAgeSeconds: 28_800 },
    })
    const strong = withClaims({ acr: 'mfa', auth_time: NOW - 28_800 })
    expect(decide(policy, { ...facts, principal: strong }).effect).toBe('allow')
    const stale = withClaims({ acr: 'mfa', auth_time: NOW - 28_801 })
    expect(decide(policy, { ...facts, principal: stale }).effect).toBe('challenge')
  })

  test('never admits anybody whom no rule admits', async () => {
    const policy = await policyWith('{ acr: [mfa] }')
    const bob = aPerson({ subject: 'bob', claims: { acr: 'mfa' } })
    expect(decide(policy, { ...facts, principal: bob }).reason).toBe('no_rule_matched')
  })

  test('does not loop where the provider was asked just now and did not deliver', async () => {
    const policy = await policyWith('{ acr: [mfa] }')
    const asked = {
      ...facts,
      sessionCreatedAt: epochSeconds(NOW - 5),
      askedProof: { acr: ['mfa'], maxAgeSeconds: undefined },
    }
    expect(decide(policy, asked)).toEqual({ effect: 'deny', reason: 'proof_not_delivered' })
    expect(decide(policy, { ...asked, sessionCreatedAt: epochSeconds(NOW - 3600) }).effect).toBe(
      'challenge',
    )
  })

  test('may concern some paths only', async () => {
    const policy = await policyWith('[{ path: { starts_with: /admin }, acr: [mfa] }]')
    expect(decide(policy, facts).effect).toBe('allow')
    const request = aRequest({ path: '/admin/x' })
    expect(decide(policy, { ...facts, request }).effect).toBe('challenge')
    expect(proofWanted(policy, { ...facts, request })).toEqual({
      acr: ['mfa'],
      maxAgeSeconds: undefined,
    })
    expect(policy.refusesAmbiguousPaths).toBe(true)
  })
})

describe('explain', () => {
  test('shows what held and what did not, by the decision that the server makes', async () => {
    const policy = await policyOf(
      '[{ deny: { and: [{ groups: { has: banned } }] } }, { id: ops, allow: { and: [{ groups: { has: sre } }, { http_method: POST }] } }]',
    )
    const explained = explain(policy, facts)
    expect(explained.decision).toEqual(decide(policy, facts))
    expect(explained.rules).toEqual([
      {
        id: 'app.yaml#1',
        action: 'deny',
        isInForce: true,
        condition: {
          text: 'all of',
          finding: 'fails',
          parts: [{ text: 'groups has banned', finding: 'fails', parts: [] }],
        },
      },
      {
        id: 'app.yaml#ops',
        action: 'allow',
        isInForce: true,
        condition: {
          text: 'all of',
          finding: 'fails',
          parts: [
            { text: 'groups has sre', finding: 'holds', parts: [] },
            { text: 'http_method is POST', finding: 'fails', parts: [] },
          ],
        },
      },
    ])
  })
})

describe('expressions', () => {
  test.each([
    ['principal.', /is no valid CEL/],
    ['1 + 1', /not bool/],
    ['unknown == 1', /is no valid CEL: Unknown variable/],
    ["principal.subject.matches('(a+)+$')", /uses a regular expression/],
    ['principal.groups.exists(g, principal.groups.exists(h, g == h))', /loop in a loop/],
  ])('%s is refused at load', async (source, message) => {
    const faults = await faultsOf({
      'app.yaml': `hosts: [app.test]\npolicy: { deny: { and: [{ cel: ${JSON.stringify(source)} }] } }\n`,
    })
    expect(faults.join('\n')).toMatch(message)
  })

  test('one that fails satisfies no allow, and makes a deny hold, negated or not', async () => {
    const broken = '{ cel: "principal.claims.nothing == 1" }'
    for (const condition of [`{ and: [${broken}] }`, `{ not: [${broken}] }`]) {
      const allow = await policyOf(`[{ allow: { and: [{ user: alice }, { or: [${broken}] }] } }]`)
      expect(decide(allow, facts).effect).toBe('deny')
      const denial = await policyOf(
        `[{ allow: { and: [{ user: alice }] } }, { deny: ${condition} }]`,
      )
      expect(decide(denial, facts).reason).toBe('denied_by_rule')
    }
  })
})
