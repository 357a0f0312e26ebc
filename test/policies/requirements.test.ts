import { describe, expect, test } from '@jest/globals'
import { type Binding } from '../../src/core/confirmation.ts'
import { decide } from '../../src/core/decide.ts'
import { findPolicy } from '../../src/core/policy/policy.ts'
import { proofWanted } from '../../src/core/proof.ts'
import { aPerson, aRequest, faultsOf, host, NOW, policiesOf } from '../support/policies.ts'

const file = (require: string, rule = ''): Record<string, string> => ({
  'app.yaml': `hosts: [app.test]\n${require === '' ? '' : `require: ${require}\n`}policy:\n  - allow: { and: [ { user: alice } ] }\n${rule}`,
})

const decided = async (
  files: Record<string, string>,
  claims: Readonly<Record<string, unknown>>,
  {
    path = '/',
    bindings,
  }: { readonly path?: string; readonly bindings?: readonly Binding[] | undefined } = {},
) => {
  const policy = findPolicy(await policiesOf(files), host('app.test'))
  if (policy === undefined) throw new Error('no policy')
  const principal = aPerson({ claims })
  const facts = { request: aRequest({ path }), principal, bindings, now: NOW }
  const { effect, reason } = decide(policy, facts)
  return { outcome: `${effect} ${reason}`, wanted: proofWanted(policy, facts) }
}

describe('require', () => {
  test.each([
    ['nothing', '{}', 'asks for nothing'],
    ['a path alone', '{ path: /x }', 'asks for nothing'],
    ['an empty list', '{ acr: [] }', 'is an empty list'],
    ['an empty list of methods', '{ amr: [] }', 'is an empty list'],
    ['a value with a quote', "{ amr: ['a\"b'] }", 'is no amr value'],
    ['another binding', '{ senderConstrained: [tls] }', 'is no way to bind a token'],
    ['no binding', '{ senderConstrained: [] }', 'is an empty list'],
    ['a key that is none', '{ arc: [mfa] }', 'arc'],
  ])('of %s is a fault', async (_what, require, problem) => {
    expect((await faultsOf(file(require))).join()).toContain(problem)
  })

  test.each([
    ['a deny', '  - deny: { and: [ { user: bob } ] }\n    require: { acr: [mfa] }\n'],
    [
      'a public rule',
      '  - allow: { and: [ { http_path: /x } ] }\n    public: true\n    owner: me\n    until: 2099-01-01\n    require: { acr: [mfa] }\n',
    ],
    [
      'a rule, with a path',
      '  - allow: { and: [ { user: bob } ] }\n    require: { path: /x, acr: [mfa] }\n',
    ],
  ])('on %s is a fault', async (_what, rule) => {
    expect(await faultsOf(file('', rule))).not.toEqual([])
  })

  test('asks one sign-in to meet every entry that applies, not any of them', async () => {
    const files = file('[ { acr: [mfa] }, { path: { starts_with: /vault }, acr: [hardware] } ]')
    expect((await decided(files, { acr: 'mfa' })).outcome).toBe('allow rule_matched')
    expect(await decided(files, { acr: 'mfa' }, { path: '/vault/x' })).toEqual({
      outcome: 'challenge stronger_proof_needed',
      wanted: { acr: ['mfa', 'hardware'], maxAgeSeconds: undefined },
    })
    const common = file('[ { acr: [mfa, hardware] }, { path: /vault, acr: [hardware] } ]')
    expect(await decided(common, { acr: 'mfa' }, { path: '/vault' })).toEqual({
      outcome: 'challenge stronger_proof_needed',
      wanted: { acr: ['hardware'], maxAgeSeconds: undefined },
    })
    expect((await decided(common, { acr: 'hardware' }, { path: '/vault' })).outcome).toBe(
      'allow rule_matched',
    )
  })

  test('asks for a fresh sign-in where a method is wanted and no acr stands for it', async () => {
    const alone = file('{ amr: [hwk] }')
    expect((await decided(alone, { amr: ['pwd'] })).wanted).toEqual({ acr: [], maxAgeSeconds: 0 })
    const named = file('{ acr: [mfa], amr: [hwk], authAge: 1h }')
    expect((await decided(named, { amr: ['pwd'] })).wanted).toEqual({
      acr: ['mfa'],
      maxAgeSeconds: 3600,
    })
    const claims = { acr: 'mfa', amr: ['hwk'], auth_time: NOW - 60 }
    expect((await decided(named, claims)).outcome).toBe('allow rule_matched')
    expect((await decided(named, { ...claims, amr: ['pwd'] })).outcome).toBe(
      'challenge stronger_proof_needed',
    )
  })

  test('of bound tokens asks it of tokens, and nothing of sessions', async () => {
    const files = file('{ senderConstrained: [dpop] }')
    const outcomes = await Promise.all(
      [undefined, [], ['mtls'] as const, ['dpop'] as const, ['dpop', 'mtls'] as const].map(
        async (bindings) => (await decided(files, {}, { bindings })).outcome,
      ),
    )
    expect(outcomes).toEqual([
      'allow rule_matched',
      'challenge token_not_bound',
      'challenge token_not_bound',
      'allow rule_matched',
      'allow rule_matched',
    ])
  })

  test('asks nothing on a public page, of those who are signed in neither', async () => {
    const rule =
      '  - allow: { and: [ { http_path: /status } ] }\n    public: true\n    owner: a@test.example\n    until: 2099-01-01\n'
    for (const require of ['{ acr: [mfa] }', '{ senderConstrained: [dpop] }']) {
      const files = file(require, rule)
      const onPage = await decided(files, {}, { path: '/status', bindings: [] })
      expect(onPage.outcome).toBe('allow public_rule')
      const beside = await decided(files, {}, { path: '/other', bindings: [] })
      expect(beside.outcome.split(' ')[0]).toBe('challenge')
    }
  })

  test('on a rule does not stand in the way of another rule that admits', async () => {
    const rule = '  - id: other\n    allow: { and: [ { user: alice } ] }\n'
    const files = {
      'app.yaml': `hosts: [app.test]\npolicy:\n  - allow: { and: [ { user: alice } ] }\n    require: { acr: [mfa] }\n${rule}`,
    }
    expect((await decided(files, {})).outcome).toBe('allow rule_matched')
  })
})
