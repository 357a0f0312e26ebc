import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { decodeJwt } from 'jose'
import { type IdentityProvider, startIdentityProvider } from '../../demo/identity-provider.ts'
import { readDecisionLine } from '../../src/edge/observe/decision-lines.ts'
import { askVerify } from '../support/verify-request.ts'
import { startVestibule, type Vestibule } from '../support/vestibule.ts'

let idp: IdentityProvider
let vestibule: Vestibule

beforeAll(async () => {
  idp = await startIdentityProvider()
  vestibule = await startVestibule({
    policies: {
      'app.yaml': `
hosts: [app.test]
policy:
  - allow: { and: [ { actor: agent }, { user: mcp/assistant-7 } ] }
  - allow: { and: [ { groups: { has: sre } } ] }
`,
    },
    config: {
      tokenIssuers: [
        {
          name: 'mcp',
          issuer: idp.issuer,
          audiences: ['vestibule'],
          actor: 'agent',
          trustEmail: true,
        },
      ],
      identityHeaders: {
        'X-Auth-Request-User': 'subject',
        'X-Auth-Request-Groups': 'groups',
        'X-Auth-Request-Actor': 'actor',
        'X-Auth-Request-Agent': 'agent',
        'X-Vestibule-Assertion': 'assertion',
      },
    },
  })
})
afterAll(async () => {
  await vestibule.stop()
  await idp.stop()
})

const ask = async (act: unknown, groups: readonly string[] = ['sre'], claims: object = {}) => {
  const token = await idp.issueToken({
    aud: 'vestibule',
    sub: 'alice',
    email: 'alice@example.com',
    groups,
    ...(act === undefined ? {} : { act }),
    ...claims,
  })
  const before = (await vestibule.decisions()).length
  const answer = await askVerify(vestibule.verifyPort, { authorization: `Bearer ${token}` })
  const of = (name: string): string =>
    answer.headers.find(([each]) => each === name)?.[1] ?? '(none)'
  const line = (await vestibule.decisions(before + 1)).at(-1)
  return { answer, of, line }
}

test('an agent that acts for a person: headers, assertion and log tell of both', async () => {
  const { answer, of, line } = await ask({ sub: 'assistant-7' })
  expect(answer.status).toBe(200)
  expect([
    of('x-auth-request-user'),
    of('x-auth-request-groups'),
    of('x-auth-request-actor'),
    of('x-auth-request-agent'),
  ]).toEqual(['mcp/alice', 'sre', 'agent', 'mcp/assistant-7'])
  expect(decodeJwt(of('x-vestibule-assertion'))).toMatchObject({
    sub: 'mcp/alice',
    groups: ['sre'],
    actor: 'agent',
    act: { sub: 'mcp/assistant-7' },
  })
  expect(line).toMatchObject({
    principal: {
      actor: 'agent',
      subject: 'mcp/assistant-7',
      onBehalfOf: 'mcp/alice',
      email: 'alice@example.com',
      groups: ['sre'],
    },
  })
  // The line says enough to decide again.
  expect(readDecisionLine(JSON.stringify(line))?.principal).toMatchObject({
    actor: 'agent',
    subject: 'mcp/assistant-7',
    groups: undefined,
    onBehalfOf: { actor: 'human', subject: 'mcp/alice', groups: ['sre'] },
  })
})

test('the assertion of both lives no longer than the token', async () => {
  const exp = Math.floor(Date.now() / 1000) + 60
  const { of } = await ask({ sub: 'assistant-7' }, ['sre'], { exp })
  expect(decodeJwt(of('x-vestibule-assertion')).exp).toBe(exp)
})

test('is refused where one of them is not let in, and the reason says which', async () => {
  const other = await ask({ sub: 'assistant-8' })
  expect([other.answer.status, other.of('x-vestibule-reason')]).toEqual([403, 'agent_not_allowed'])
  const stranger = await ask({ sub: 'assistant-7' }, [])
  expect([stranger.answer.status, stranger.of('x-vestibule-reason')]).toEqual([
    403,
    'person_not_allowed',
  ])
})

test('an agent behind an agent is refused, and a token that says so oddly', async () => {
  const nested = await ask({ sub: 'assistant-7', act: { sub: 'other' } })
  expect([nested.answer.status, nested.of('x-vestibule-reason')]).toEqual([
    401,
    'delegation_too_deep',
  ])
  for (const act of [{}, 'assistant-7', null, [], { sub: 7 }]) {
    const odd = await ask(act)
    expect([odd.answer.status, odd.of('x-vestibule-reason')]).toEqual([401, 'invalid_token'])
  }
})

test('without anybody to act for, the header is there and empty', async () => {
  const { of } = await ask(undefined)
  expect([of('x-auth-request-user'), of('x-auth-request-agent')]).toEqual(['mcp/alice', ''])
  expect(decodeJwt(of('x-vestibule-assertion'))).not.toHaveProperty('act')
})
