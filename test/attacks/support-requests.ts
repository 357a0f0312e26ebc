import { connect } from 'node:net'
import { expect, jest } from '@jest/globals'
import { decodeJwt } from 'jose'
import { ask } from '../../demo/http-client.ts'
import { type IdentityProvider } from '../../demo/identity-provider.ts'
import { sendRaw } from '../support/raw-http.ts'
import { CLIENT, providerSettings, signIn, startProvider } from '../support/sign-in.ts'
import { type VerifyRequest, verifyRequest } from '../support/verify-request.ts'
import { startVestibule, type Vestibule, type VestibuleSettings } from '../support/vestibule.ts'
import { expectSoundAnswer, type Verdict, type Witness } from './support-requests-invariants.ts'
import { POLICIES } from './support-requests-policies.ts'

// Starting everything takes a second; on a busy machine it takes more.
jest.setTimeout(30_000)

export type Person = 'alice' | 'bob' | 'root'

const person = (id: Person, groups: readonly string[]) => ({
  id,
  name: `${id} of Test`,
  email: `${id}@example.test`,
  emailVerified: true,
  groups,
  preferredUsername: id,
})

/** The service with the corpus's hosts, and three people who are signed in. */
export type World = Witness & {
  readonly idp: IdentityProvider
  readonly vestibule: Vestibule
  /** `name=value` of each person's session cookie. */
  readonly cookies: Readonly<Record<Person, string>>
  /** Sends bytes to the verify listener; exactly one sound answer has to come. */
  readonly send: (bytes: string) => Promise<Verdict>
  /** A bearer token of the issuer `ci`, which is a secret from now on. */
  readonly token: (claims: Readonly<Record<string, unknown>>) => Promise<string>
  /** A request whose answer is lost. */
  readonly lose: () => void
  readonly stop: () => Promise<void>
}

export const sessionIdOf = (cookie: string): string => cookie.slice(cookie.indexOf('=') + 1)

/** Polls until the service says that it is ready: its store may take a moment to be connected. */
export const untilReady = async ({ addresses }: Vestibule): Promise<void> => {
  const deadline = Date.now() + 5000
  while ((await ask(`http://${addresses.ops}/readyz`)).status !== 200) {
    if (Date.now() > deadline) throw new Error('the service is not ready')
  }
}

export const startWorld = async (settings: Partial<VestibuleSettings> = {}): Promise<World> => {
  const people = [person('alice', []), person('bob', ['staff']), person('root', ['admins'])]
  const idp = await startProvider({ people })
  const provider = providerSettings(idp)
  const issuer = { name: 'ci', issuer: idp.issuer, audiences: ['vestibule'], actor: 'workload' }
  const vestibule = await startVestibule({
    policies: POLICIES,
    ...settings,
    config: { ...provider.config, tokenIssuers: [issuer], ...settings.config },
    environment: { ...provider.environment, ...settings.environment },
  })
  await untilReady(vestibule)
  const cookies = {
    alice: (await signIn(vestibule, 'alice')).sessionCookie,
    bob: (await signIn(vestibule, 'bob')).sessionCookie,
    root: (await signIn(vestibule, 'root')).sessionCookie,
  }
  const verdicts: Verdict[] = []
  const secrets = [CLIENT.secret, ...Object.values(cookies).map(sessionIdOf)]
  let lost = 0
  return {
    idp,
    vestibule,
    cookies,
    verdicts,
    secrets,
    unanswered: () => lost,
    lose: () => {
      lost += 1
    },
    send: async (bytes) => {
      const verdict = expectSoundAnswer(await sendRaw(vestibule.verifyPort, bytes))
      verdicts.push(verdict)
      return verdict
    },
    token: async (claims) => {
      const token = await idp.issueToken({ aud: 'vestibule', ...claims })
      secrets.push(token)
      return token
    },
    stop: async () => {
      await vestibule.stop()
      await idp.stop()
    },
  }
}

/** Hostile text as it may stand in the name of a test. */
export const shown = (text: string): string =>
  text.length > 48 ? `${JSON.stringify(text.slice(0, 40))}… (${text.length})` : JSON.stringify(text)

/** A subrequest, or the bytes of one for a given Cookie line (empty where nobody is signed in). */
export type Attack = VerifyRequest | ((cookieLine: string) => string)

/** Status and reason, such as `403 malformed_request`. */
export type Outcome = `${200 | 401 | 403 | 503} ${string}`

export const outcomeOf = ({ status, reason }: Verdict): string => `${status} ${reason}`

const bytesOf = (attack: Attack, cookie: string | undefined): string => {
  if (typeof attack === 'function') {
    return attack(cookie === undefined ? '' : `Cookie: ${cookie}\r\n`)
  }
  const own = attack.cookie ?? cookie
  return verifyRequest(own === undefined ? attack : { ...attack, cookie: own })
}

/** A 200 tells the application about this person and nobody else. */
export const expectIdentity = (verdict: Verdict, who: Person | 'nobody'): void => {
  expect(verdict.status).toBe(200)
  const [user, email, username, groups, actor, assertion = ''] = verdict.identity
  if (who === 'nobody') {
    expect(verdict.identity).toEqual(['', '', '', '', '', ''])
    return
  }
  const groupsShown = who === 'root' ? 'admins' : ''
  expect([user, email, username, groups, actor]).toEqual([
    who,
    `${who}@example.test`,
    who,
    groupsShown,
    'human',
  ])
  expect(decodeJwt(assertion)).toMatchObject({
    sub: who,
    groups: groupsShown === '' ? [] : [groupsShown],
    actor: 'human',
  })
}

/**
 * Sends an attack without credential, then with alice's session, then a plain request of bob,
 * which has to get bob's own answer. Alice's outcome is that of nobody where it is not given.
 */
export const expectOutcomes = async (
  world: World,
  attack: Attack,
  nobody: Outcome,
  alice: Outcome = nobody,
): Promise<readonly [nobody: Verdict, alice: Verdict]> => {
  const anonymous = await world.send(bytesOf(attack, undefined))
  expect(outcomeOf(anonymous)).toBe(nobody)
  if (anonymous.status === 200) expectIdentity(anonymous, 'nobody')
  const known = await world.send(bytesOf(attack, world.cookies.alice))
  expect(outcomeOf(known)).toBe(alice)
  if (known.status === 200) expectIdentity(known, 'alice')
  await expectOthersUnharmed(world)
  return [anonymous, known]
}

/** A request of somebody else, on a connection of its own, gets his own answer. */
export const expectOthersUnharmed = async (world: World): Promise<void> => {
  const other = await world.send(verifyRequest({ cookie: world.cookies.bob }))
  expect(outcomeOf(other)).toBe('200 rule_matched')
  expectIdentity(other, 'bob')
}

/** One request with credentials of its own; afterwards bob's still gets bob's answer. */
export const expectOutcome = async (
  world: World,
  request: VerifyRequest,
  outcome: Outcome,
  who?: Person | 'nobody',
): Promise<Verdict> => {
  const verdict = await world.send(verifyRequest(request))
  expect(outcomeOf(verdict)).toBe(outcome)
  if (verdict.status === 200 && who !== undefined) expectIdentity(verdict, who)
  await expectOthersUnharmed(world)
  return verdict
}

const GRACE_MS = 60
const DEADLINE_MS = 4000

/**
 * Sends bytes that may be no whole request: reads what comes, and closes its own half when nothing
 * did for a moment, so that the service learns that no more will come.
 */
export const sendPartial = (port: number, bytes: string | Buffer): Promise<string> =>
  new Promise((resolve) => {
    const chunks: Buffer[] = []
    const socket = connect(port, '127.0.0.1')
    const grace = setTimeout(() => socket.end(), GRACE_MS)
    const deadline = setTimeout(() => socket.destroy(), DEADLINE_MS)
    socket.on('data', (chunk) => {
      chunks.push(chunk)
    })
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      clearTimeout(grace)
      clearTimeout(deadline)
      resolve(Buffer.concat(chunks).toString('latin1'))
    })
    socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
  })
