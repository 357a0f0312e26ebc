import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { askPublic, cookieOf, signIn, startSignIn } from '../support/sign-in.ts'
import { askVerify, type VerifyRequest } from '../support/verify-request.ts'
import { expectOutcome, startWorld, type World } from './support-requests.ts'
import { expectSoundRecords } from './support-requests-invariants.ts'

const ALLOWED = '200 rule_matched'
const WEAK = '401 stronger_proof_needed'

let world: World

beforeAll(async () => {
  world = await startWorld()
})
afterAll(() => world.stop())

const at = (host: string, more: VerifyRequest = {}): VerifyRequest => ({
  host,
  url: `https://${host}/x`,
  ...more,
})

const withClaims = async (claims: Readonly<Record<string, unknown>>): Promise<VerifyRequest> => ({
  authorization: `Bearer ${await world.token({ sub: 'robot', ...claims })}`,
})

const challengeOf = async (request: VerifyRequest): Promise<string | undefined> => {
  const { headers } = await askVerify(world.vestibule.verifyPort, request)
  world.lose()
  return headers.find(([name]) => name === 'www-authenticate')?.[1]
}

const now = Math.floor(Date.now() / 1000)

describe('a token that tells of a sign-in', () => {
  test.each<readonly [string, unknown, boolean]>([
    ['missing', undefined, false],
    ['text', String(now), false],
    ['to come', now + 3600, false],
    ['301 s old', now - 310, false],
    ['infinite', 1e300, false],
    ['null', null, false],
    ['a list', [now], false],
    ['four minutes old', now - 240, true],
  ])('D11 auth_time %s, where five minutes are asked for', async (_what, auth_time, isGood) => {
    const request = at('fresh.test', await withClaims({ auth_time }))
    await expectOutcome(world, request, isGood ? ALLOWED : WEAK)
    expect(await challengeOf(request)).toBe(
      isGood ? undefined : 'Bearer error="insufficient_user_authentication", max_age=300',
    )
  })

  test.each<readonly [string, unknown, boolean]>([
    ['lower', 'pwd', false],
    ['missing', undefined, false],
    ['a list', ['mfa'], false],
    ['in other case', 'MFA', false],
    ['with a blank', 'mfa ', false],
    ['two at once', 'mfa pwd', false],
    ['right', 'mfa', true],
  ])('D12 acr %s, where mfa is asked for', async (_what, acr, isGood) => {
    const request = at('strong.test', await withClaims({ acr }))
    await expectOutcome(world, request, isGood ? ALLOWED : WEAK)
    expect(await challengeOf(request)).toBe(
      isGood ? undefined : 'Bearer error="insufficient_user_authentication", acr_values="mfa"',
    )
  })

  test.each<readonly [string, unknown, boolean]>([
    ['missing', undefined, false],
    ['text', 'hwk', false],
    ['others', ['pwd', 'sms'], false],
    ['in other case', ['HWK'], false],
    ['empty', [], false],
    ['one of those asked for', ['pwd', 'otp'], true],
  ])('D12 amr %s, where hwk or otp is asked for', async (_what, amr, isGood) => {
    const request = at('methods.test', await withClaims({ amr }))
    await expectOutcome(world, request, isGood ? ALLOWED : WEAK)
    expect(await challengeOf(request)).toBe(
      isGood ? undefined : 'Bearer error="insufficient_user_authentication", max_age=0',
    )
  })
})

describe('a provider that was asked for more', () => {
  test('D12 that delivers lets the person in where she was', async () => {
    const { sessionCookie, reply } = await signIn(world.vestibule, 'alice', {
      rd: 'https://strong.test/x?y=1',
    })
    expect(reply.location).toBe('https://strong.test/x?y=1')
    await expectOutcome(world, at('strong.test', { cookie: sessionCookie }), ALLOWED)
  })

  test('D12 that does not deliver ends in 403, not in a loop', async () => {
    const started = await startSignIn(world.vestibule, 'alice', { rd: 'https://methods.test/x' })
    const reply = await askPublic(world.vestibule, started.callbackPath, {
      cookies: [started.browserCookie],
    })
    const cookie = cookieOf(reply.setCookies[0] ?? '')
    await expectOutcome(world, at('methods.test', { cookie }), '403 proof_not_delivered')
    // On a page that asks for something else she may be asked.
    await expectOutcome(world, at('strong.test', { cookie }), WEAK)
  })

  test('D12 a session that was made long ago is asked, not refused', async () => {
    await expectOutcome(world, at('strong.test', { cookie: world.cookies.alice }), WEAK)
  })
})

test('no line was too long, nothing leaked, and labels stayed closed', async () => {
  await expectSoundRecords(world)
})
