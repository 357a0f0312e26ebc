import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { type IdentityProvider } from '../../demo/identity-provider.ts'
import { type RawAnswer } from '../support/raw-http.ts'
import { providerSettings, signIn, startProvider } from '../support/sign-in.ts'
import { askVerify } from '../support/verify-request.ts'
import { startVestibule, type Vestibule } from '../support/vestibule.ts'

jest.setTimeout(30_000)

/** Alice is in sre and platform, Bob in developers. */
const POLICIES = {
  'app.yaml': `
hosts: [app.test]
policy:
  - id: administers
    allow: { and: [ { groups: { has: sre } } ] }
    require: { acr: [mfa] }
  - id: reads
    allow: { and: [ { groups: { has: developers } }, { http_method: GET } ] }
`,
  'office.yaml': `
hosts: [office.test]
policy:
  - allow: { and: [ { groups: { has: sre } }, { source_ip: 203.0.113.0/24 } ] }
    require: { acr: [mfa] }
`,
  // Only the request itself tells the namespace, so at the start nothing is known to ask for.
  'hidden.yaml': `
hosts: [hidden.test]
policy:
  - allow: { and: [ { groups: { has: sre } }, { cel: 'request.namespace == "shop"' } ] }
    require: { acr: [mfa] }
`,
  'whole.yaml': `
hosts: [whole.test]
require: { acr: [mfa] }
policy: { allow: { and: [ { authenticated_user: true } ] } }
`,
  'both.yaml': `
hosts: [both.test]
require: { acr: [mfa, pwd] }
policy:
  - allow: { and: [ { groups: { has: sre } } ] }
    require: { acr: [mfa], authAge: 10m }
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

const reasonOf = ({ status, headers }: RawAnswer): readonly [number, string] => [
  status,
  headers.find(([name]) => name === 'x-vestibule-reason')?.[1] ?? '',
]

const ask = async (name: string, cookie: string): Promise<readonly [number, string]> =>
  reasonOf(
    await askVerify(vestibule.verifyPort, {
      url: `https://${name}.test/x`,
      target: `/verify?host=${name}.test&ns=shop`,
      cookie,
    }),
  )

describe('proof that a rule asks for', () => {
  test('is asked of whom that rule admits, and of nobody else', async () => {
    const [alice, bob] = [await signIn(vestibule, 'alice'), await signIn(vestibule, 'bob')]
    expect(await ask('app', bob.sessionCookie)).toEqual([200, 'rule_matched'])
    expect(await ask('app', alice.sessionCookie)).toEqual([401, 'stronger_proof_needed'])
    const rd = 'https://app.test/x'
    const stronger = await signIn(vestibule, 'alice', { rd, cookies: [alice.sessionCookie] })
    expect(stronger.reply.location).toBe(rd)
    expect(await ask('app', stronger.sessionCookie)).toEqual([200, 'rule_matched'])
  })

  test('is asked for although the address of the browser is not known at the start', async () => {
    const { sessionCookie } = await signIn(vestibule, 'alice')
    expect(await ask('office', sessionCookie)).toEqual([401, 'stronger_proof_needed'])
    const rd = 'https://office.test/x'
    const stronger = await signIn(vestibule, 'alice', { rd, cookies: [sessionCookie] })
    expect(await ask('office', stronger.sessionCookie)).toEqual([200, 'rule_matched'])
  })

  test('ends in 403 where it could not be told what to ask for, not in a loop', async () => {
    const { sessionCookie } = await signIn(vestibule, 'alice')
    expect(await ask('hidden', sessionCookie)).toEqual([401, 'stronger_proof_needed'])
    const rd = 'https://hidden.test/x'
    const again = await signIn(vestibule, 'alice', { rd, cookies: [sessionCookie] })
    expect(await ask('hidden', again.sessionCookie)).toEqual([403, 'proof_not_delivered'])
  })

  test('is still asked where the last sign-in was for a page that asks for nothing', async () => {
    const { sessionCookie } = await signIn(vestibule, 'bob')
    const again = await signIn(vestibule, 'bob', {
      rd: 'https://app.test/x',
      cookies: [sessionCookie],
    })
    expect(await ask('app', again.sessionCookie)).toEqual([200, 'rule_matched'])
    expect(await ask('whole', again.sessionCookie)).toEqual([401, 'stronger_proof_needed'])
  })

  test('comes on top of what the host asks', async () => {
    const rd = 'https://both.test/x'
    const first = await signIn(vestibule, 'alice', { rd })
    const second = await signIn(vestibule, 'alice', { rd, cookies: [first.sessionCookie] })
    expect(await ask('both', second.sessionCookie)).toEqual([200, 'rule_matched'])
  })
})
