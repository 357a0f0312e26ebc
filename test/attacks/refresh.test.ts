import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { headerOf } from '../support/raw-http.ts'
import { providerSettings } from '../support/sign-in.ts'
import { askVerify } from '../support/verify-request.ts'
import { type Vestibule } from '../support/vestibule.ts'
import { expectSignedIn, expectUnspoken, signInAt, startAgainst } from './support-callback.ts'
import { until } from './support-replicas.ts'
import {
  type Claims,
  type Script,
  type ScriptedProvider,
  startScriptedProvider,
} from './support-scripted-provider.ts'

/*
 * J26: what a provider may answer when it is asked again about somebody. Shown elsewhere: that it
 * answers invalid_grant, 500 or nothing, and J27 (revalidation.test.ts); that its answer is lost
 * after it has rotated the token (refresh.test.ts of the end-to-end tests).
 */

jest.setTimeout(30_000)

type Change = (honest: Claims) => Claims

const ENDS: readonly (readonly [what: string, change: Change])[] = [
  'root',
  'alice ',
  'ALICE',
  '',
].map((sub) => [`another sub: ${JSON.stringify(sub)}`, (honest) => ({ ...honest, sub })])

/** Nobody's word: neither a no, nor anything to believe. */
const COUNTS_FOR_NOTHING: typeof ENDS = [
  ...[undefined, ['root'], 7].map((sub): (typeof ENDS)[number] => [
    `a sub that is none: ${JSON.stringify(sub)}`,
    (honest) => ({ ...honest, sub }),
  ]),
  ['another iss', (honest) => ({ ...honest, iss: 'https://evil.test' })],
  ['another aud', (honest) => ({ ...honest, aud: 'another-client' })],
  ['two aud and another azp', (honest) => ({ ...honest, aud: ['vestibule', 'x'], azp: 'x' })],
  ['no exp', ({ exp: _gone, ...rest }) => rest],
  ['an exp that has passed', (honest) => ({ ...honest, exp: 1 })],
]

let idp: ScriptedProvider
let vestibule: Vestibule
/** Session cookies by what is going to be answered about them. */
const cookies = new Map<string, string>()
/** How the ID token is changed of each of them. */
const changes = new Map<string, Change>()

/** An honest answer to a refresh has no nonce, so that is how to tell the two apart. */
const lying: Script = {
  claims: (honest) => {
    const lie = honest['nonce'] === undefined ? changes.get(String(honest['sub'])) : undefined
    // Whoever believed it would see another group, and let nobody in.
    return lie === undefined ? honest : lie({ ...honest, groups: ['believed'] })
  },
}

beforeAll(async () => {
  idp = await startScriptedProvider()
  const { config, environment } = providerSettings(idp)
  const { identityProvider } = config as { readonly identityProvider: object }
  vestibule = await startAgainst(idp, {
    config: {
      identityProvider: { ...identityProvider, scopes: ['openid', 'offline_access'] },
      session: { revalidateEvery: '1s', providerOutage: { serveFor: '1h' } },
    },
    environment,
  })
  idp.play(lying)
  for (const [index, [what, change]] of [...ENDS, ...COUNTS_FOR_NOTHING].entries()) {
    const subject = `alice-${index}`
    changes.set(subject, change)
    cookies.set(what, expectSignedIn(await signInAt(vestibule, idp, { subject })))
  }
})
afterAll(async () => {
  await vestibule.stop()
  await idp.stop()
})

/** Reason, and who the application would have been told about. */
const ask = async (what: string): Promise<readonly [reason: string, user: string]> => {
  const answer = await askVerify(vestibule.verifyPort, { cookie: cookies.get(what) ?? '' })
  const [reason = '', user = ''] = ['x-vestibule-reason', 'x-auth-request-user'].map((name) =>
    headerOf(answer, name),
  )
  return [reason, user]
}

const revalidations = async (outcome: string): Promise<number> =>
  Number(
    new RegExp(`^vestibule_revalidations_total{outcome="${outcome}"} ([0-9]+)$`, 'm').exec(
      await vestibule.metrics(),
    )?.[1] ?? 0,
  )

describe('J26 an answer to a refresh whose ID token has', () => {
  test.each(ENDS)('%s ends the session, and gives it to nobody', async (what) => {
    const users = new Set<string>()
    await until(async () => {
      const [reason, user] = await ask(what)
      if (reason === 'rule_matched') users.add(user)
      else expect(reason).toBe('unknown_session')
      return reason === 'unknown_session'
    })
    for (const user of users) expect(user).toMatch(/^alice-[0-9]+$/)
    expect(await ask(what)).toEqual(['unknown_session', ''])
  })

  test('something else that is wrong is not believed, and ends nothing', async () => {
    const all = COUNTS_FOR_NOTHING.map(([what]) => what)
    const seen = new Set<string>()
    await until(async () => {
      for (const what of all) seen.add((await ask(what)).join(' ').replace(/[0-9]+$/, ''))
      return (await revalidations('unreachable')) >= all.length
    })
    for (const what of all) seen.add((await ask(what)).join(' ').replace(/[0-9]+$/, ''))
    expect([...seen]).toEqual(['rule_matched alice-'])
  })
})

test('nothing of it was said', async () => {
  await expectUnspoken(vestibule, ['believed', 'evil.test'])
})
