import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { type IdentityProvider } from '../../demo/identity-provider.ts'
import { headerOf } from '../support/raw-http.ts'
import { providerSettings, signIn, startProvider, startSignIn } from '../support/sign-in.ts'
import { askVerify } from '../support/verify-request.ts'
import { startVestibule, type Vestibule } from '../support/vestibule.ts'

const POLICIES = {
  'observed.yaml': `
hosts: [observed.test]
mode: observe
until: 2099-01-01
policy: { allow: { and: [{ groups: { has: sre } }] } }
`,
  'ended.yaml': `
hosts: [ended.test]
mode: observe
until: 2020-01-01
policy: { allow: { and: [{ groups: { has: sre } }] } }
`,
  'canary.yaml': `
hosts: [canary.test]
mode: canary
until: 2099-01-01
canary: { groups: [developers] }
policy: { allow: { and: [{ groups: { has: sre } }] } }
`,
  'strong.yaml': `
hosts: [strong.test]
require: { acr: [mfa], authAge: 8h }
policy: { allow: { and: [{ groups: { has: sre } }] } }
`,
  'unobtainable.yaml': `
hosts: [unobtainable.test]
require: { acr: [hardware-key] }
policy: { allow: { and: [{ groups: { has: sre } }] } }
`,
  'grafana.yaml': `
hosts: [grafana.test]
app: grafana-proxy
policy: { allow: { and: [{ groups: { in: [sre, platform] } }] } }
`,
  'argocd.yaml': `
hosts: [argocd.test]
app: argocd-jwt
policy: { allow: { and: [{ groups: { has: sre } }] } }
`,
}

let idp: IdentityProvider
let vestibule: Vestibule

beforeAll(async () => {
  idp = await startProvider()
  vestibule = await startVestibule({ policies: POLICIES, ...providerSettings(idp) })
})
afterAll(async () => {
  await vestibule.stop()
  await idp.stop()
})

const ask = (name: string, cookie?: string): ReturnType<typeof askVerify> =>
  askVerify(vestibule.verifyPort, {
    host: `${name}.test`,
    url: `https://${name}.test/x`,
    ...(cookie === undefined ? {} : { cookie }),
  })

describe('observe', () => {
  test('lets everybody through, with clean identity headers, and records what it would have said', async () => {
    const before = (await vestibule.decisions()).length
    const { sessionCookie } = await signIn(vestibule, 'bob')
    const known = await ask('observed', sessionCookie)
    const anonymous = await ask('observed')
    expect([known.status, headerOf(known, 'x-vestibule-reason')]).toEqual([200, 'observed'])
    expect(headerOf(known, 'x-auth-request-user')).toBe('bob')
    expect([anonymous.status, headerOf(anonymous, 'x-auth-request-user')]).toEqual([200, ''])
    const lines = (await vestibule.decisions(before + 2)).slice(before)
    expect(lines.map(({ mode, would }) => [mode, would])).toEqual([
      ['observe', { effect: 'deny', reason: 'no_rule_matched' }],
      ['observe', { effect: 'challenge', reason: 'not_signed_in' }],
    ])
    expect(await vestibule.metrics()).toContain(
      'vestibule_would_total{host="observed.test",effect="deny",reason="no_rule_matched"} 1',
    )
  })

  test('enforces once its until has passed', async () => {
    expect((await ask('ended')).status).toBe(401)
  })

  test('does not open the door to a request that is no honest one', async () => {
    const answer = await askVerify(vestibule.verifyPort, {
      host: 'observed.test',
      url: 'https://other.test/x',
    })
    expect([answer.status, headerOf(answer, 'x-vestibule-reason')]).toEqual([403, 'host_mismatch'])
  })

  test('a canary enforces for its groups alone', async () => {
    const [alice, bob] = [await signIn(vestibule, 'alice'), await signIn(vestibule, 'bob')]
    expect((await ask('canary', bob.sessionCookie)).status).toBe(403)
    expect((await ask('canary', alice.sessionCookie)).status).toBe(200)
    expect((await ask('canary')).status).toBe(200)
  })
})

describe('stronger proof', () => {
  test('is asked of the provider for the page that needs it, and then admits', async () => {
    const plain = await signIn(vestibule, 'alice')
    const refused = await ask('strong', plain.sessionCookie)
    expect(refused.status).toBe(401)
    expect(headerOf(refused, 'www-authenticate')).toBe(
      'Bearer error="insufficient_user_authentication", acr_values="mfa", max_age=28800',
    )
    const strong = await signIn(vestibule, 'alice', {
      rd: 'https://strong.test/x',
      cookies: [plain.sessionCookie],
    })
    expect((await ask('strong', strong.sessionCookie)).status).toBe(200)
  })

  test('is asked for with acr_values and max_age, for that page only', async () => {
    idp.resetCounts()
    const started = await startSignIn(vestibule, 'alice', { rd: 'https://grafana.test/' })
    expect(started.authorizationUrl).not.toContain('acr_values')
  })

  test('that the provider does not deliver ends in 403, not in a loop', async () => {
    const { sessionCookie } = await signIn(vestibule, 'alice', {
      rd: 'https://unobtainable.test/x',
    })
    const answer = await ask('unobtainable', sessionCookie)
    expect([answer.status, headerOf(answer, 'x-vestibule-reason')]).toEqual([
      403,
      'proof_not_delivered',
    ])
  })
})

describe('application presets', () => {
  test('add the headers that the application reads, for everybody and nobody', async () => {
    const { sessionCookie } = await signIn(vestibule, 'alice')
    const answer = await ask('grafana', sessionCookie)
    expect(headerOf(answer, 'x-webauth-user')).toBe('alice')
    expect(headerOf(answer, 'x-webauth-groups')).toBe('sre,platform')
    expect(headerOf(answer, 'x-auth-request-user')).toBe('alice')
    const plain = await ask('observed', sessionCookie)
    expect(headerOf(plain, 'x-webauth-user')).toBeUndefined()
  })

  test('put the assertion where Argo CD looks for a token', async () => {
    const { sessionCookie } = await signIn(vestibule, 'alice')
    const answer = await ask('argocd', sessionCookie)
    expect(headerOf(answer, 'authorization')).toBe(
      `Bearer ${headerOf(answer, 'x-vestibule-assertion') ?? '?'}`,
    )
  })
})
