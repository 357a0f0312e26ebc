import { describe, expect, test } from '@jest/globals'
import { decide } from '../../src/core/decide.ts'
import { bearerPrincipal, type Voucher } from '../../src/core/delegation.ts'
import { headerBudget } from '../../src/core/header-budget.ts'
import { DEFAULT_IDENTITY_HEADERS, identityFor } from '../../src/core/identity-headers.ts'
import { type Authenticated } from '../../src/core/principal.ts'
import { aRequest, NOW, policyOf } from '../support/policies.ts'

const VOUCHER: Voucher = {
  name: 'mcp',
  issuer: 'https://agents.test',
  actor: 'agent',
  mapping: {
    email: 'email',
    groups: 'groups',
    preferredUsername: 'preferred_username',
    trustEmail: true,
  },
}
const CLAIMS = {
  iss: VOUCHER.issuer,
  sub: 'alice',
  email: 'alice@example.com',
  groups: ['sre'],
  act: { sub: 'assistant-7' },
}

const principalOf = (claims: Readonly<Record<string, unknown>>): Authenticated => {
  const read = bearerPrincipal(claims, VOUCHER)
  if (!read.ok) throw new Error(read.failure)
  return read.value
}

const outcomeOf = (claims: Readonly<Record<string, unknown>>): string => {
  const read = bearerPrincipal(claims, VOUCHER)
  return read.ok ? 'accepted' : read.failure
}

describe('a token with act', () => {
  test('is the agent, on behalf of a person', () => {
    expect(principalOf(CLAIMS)).toMatchObject({
      actor: 'agent',
      subject: 'mcp/assistant-7',
      email: undefined,
      groups: undefined,
      onBehalfOf: {
        actor: 'human',
        subject: 'mcp/alice',
        email: 'alice@example.com',
        groups: ['sre'],
      },
    })
  })

  test('without it is the subject itself', () => {
    const { act: _act, ...plain } = CLAIMS
    expect(principalOf(plain)).toMatchObject({ actor: 'agent', subject: 'mcp/alice' })
    expect(principalOf(plain).onBehalfOf).toBeUndefined()
  })

  test.each<readonly [string, unknown, string]>([
    ['an agent behind the agent', { sub: 'a', act: { sub: 'b' } }, 'delegation_too_deep'],
    ['an agent behind it that is null', { sub: 'a', act: null }, 'delegation_too_deep'],
    ['no sub', {}, 'invalid'],
    ['an empty sub', { sub: '' }, 'invalid'],
    ['a sub that is no text', { sub: 7 }, 'invalid'],
    ['a sub with a line break', { sub: 'a\nb' }, 'invalid'],
    ['another issuer', { sub: 'a', iss: 'https://other.test' }, 'invalid'],
    ['text', 'assistant-7', 'invalid'],
    ['a list', [{ sub: 'a' }], 'invalid'],
    ['null', null, 'invalid'],
    ['its own issuer', { sub: 'a', iss: VOUCHER.issuer }, 'accepted'],
  ])('that is %s', (_what, act, outcome) => {
    expect(outcomeOf({ ...CLAIMS, act })).toBe(outcome)
  })
})

const AGENT = '{ allow: { and: [ { actor: agent }, { user: mcp/assistant-7 } ] } }'
const PERSON = '{ allow: { and: [ { groups: { has: sre } } ] } }'

const decided = async (rules: string, claims: Record<string, unknown> = {}): Promise<string> => {
  const facts = { request: aRequest(), principal: principalOf({ ...CLAIMS, ...claims }), now: NOW }
  const { effect, reason } = decide(await policyOf(rules), facts)
  return `${effect} ${reason}`
}

describe('an agent that acts for a person', () => {
  test.each([
    ['both are let in', `[ ${AGENT}, ${PERSON} ]`, 'allow rule_matched'],
    [
      'one rule lets both in',
      '[ { allow: { and: [ { authenticated_user: true } ] } } ]',
      'allow rule_matched',
    ],
    ['only the agent is', `[ ${AGENT} ]`, 'deny person_not_allowed'],
    ['only the person is', `[ ${PERSON} ]`, 'deny agent_not_allowed'],
    ['neither is', '[ { allow: { and: [ { user: bob } ] } } ]', 'deny agent_not_allowed'],
    [
      'the agent is denied',
      `[ ${AGENT}, ${PERSON}, { deny: { and: [ { user: mcp/assistant-7 } ] } } ]`,
      'deny agent_not_allowed',
    ],
    [
      'all agents are',
      `[ ${AGENT}, ${PERSON}, { deny: { and: [ { actor: agent } ] } } ]`,
      'deny agent_not_allowed',
    ],
    [
      'the person is denied',
      `[ ${AGENT}, ${PERSON}, { deny: { and: [ { email: alice@example.com } ] } } ]`,
      'deny person_not_allowed',
    ],
    [
      'one rule asks for the groups of the person and the name of the agent at once',
      '[ { allow: { and: [ { actor: agent }, { groups: { has: sre } } ] } } ]',
      'deny agent_not_allowed',
    ],
  ])('where %s', async (_what, rules, outcome) => {
    expect(await decided(rules)).toBe(outcome)
  })

  test('cannot give itself the groups of the person', async () => {
    expect(await decided(`[ ${AGENT}, ${PERSON} ]`, { groups: [] })).toBe('deny person_not_allowed')
    const act = { sub: 'assistant-7', groups: ['sre'] }
    expect(await decided(`[ ${AGENT}, ${PERSON} ]`, { groups: [], act })).toBe(
      'deny person_not_allowed',
    )
  })

  test('shows the sign-in of the person where one is asked for', async () => {
    const strong = `[ ${AGENT}, { allow: { and: [ { groups: { has: sre } } ] }, require: { acr: [mfa] } } ]`
    expect(await decided(strong)).toBe('challenge stronger_proof_needed')
    expect(await decided(strong, { acr: 'mfa' })).toBe('allow rule_matched')
    const act = { sub: 'assistant-7', acr: 'mfa' }
    expect(await decided(strong, { act })).toBe('challenge stronger_proof_needed')
  })

  test('is told to the application beside the person', () => {
    const budget = headerBudget(DEFAULT_IDENTITY_HEADERS, { issuer: 20, signature: 64 })
    expect(identityFor(principalOf(CLAIMS), new Set(['sre']), budget, 'app.test')).toEqual({
      identity: {
        subject: 'mcp/alice',
        email: 'alice@example.com',
        preferredUsername: '',
        groups: ['sre'],
        actor: 'agent',
        agent: 'mcp/assistant-7',
      },
      groupsCut: 0,
    })
  })
})
