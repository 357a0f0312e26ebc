import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { type IdentityProvider } from '../../demo/identity-provider.ts'
import { type Redis, startRedis } from '../../demo/redis.ts'
import { randomKeyRing } from '../../src/edge/sessions/key-ring.ts'
import { headerOf } from '../support/raw-http.ts'
import { askPublic, providerSettings, signIn, startProvider } from '../support/sign-in.ts'
import { askVerify } from '../support/verify-request.ts'
import { startVestibule, type Vestibule } from '../support/vestibule.ts'

const POLICY = 'hosts: [app.test]\npolicy: { allow: { and: [{ groups: { has: sre } }] } }\n'

let idp: IdentityProvider
let redis: Redis
let replicas: readonly Vestibule[]

beforeAll(async () => {
  idp = await startProvider({ rotateRefreshTokens: true })
  redis = await startRedis()
  const { config, environment } = providerSettings(idp)
  const [key] = randomKeyRing()
  const start = (): Promise<Vestibule> =>
    startVestibule({
      policies: { 'app.yaml': POLICY },
      config: {
        ...config,
        session: { store: redis.url, revalidateEvery: '1s', providerOutage: { serveFor: '2s' } },
      },
      environment: { ...environment, VESTIBULE_SESSION_KEYS: key.bytes.toString('base64url') },
    })
  replicas = [await start(), await start(), await start(), await start()]
})
afterAll(async () => {
  await Promise.all(replicas.map((replica) => replica.stop()))
  await idp.stop()
  await redis.stop()
})

const first = (): Vestibule => {
  const [replica] = replicas
  if (replica === undefined) throw new Error('no replica')
  return replica
}

const seconds = (): number => Math.floor(Date.now() / 1000)

const nextTick = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 10))

/** Alternates between the replicas. */
let turn = 0
const reasonOf = async (cookie: string): Promise<readonly [number, string | undefined]> => {
  turn += 1
  const replica = replicas[turn % replicas.length] ?? first()
  const answer = await askVerify(replica.verifyPort, { cookie })
  return [answer.status, headerOf(answer, 'x-vestibule-reason')]
}

const until = async (
  cookie: string,
  wanted: readonly [number, string],
): Promise<readonly (readonly [number, string | undefined])[]> => {
  const seen: (readonly [number, string | undefined])[] = []
  const deadline = performance.now() + 15_000
  while (performance.now() < deadline) {
    const reason = await reasonOf(cookie)
    seen.push(reason)
    if (reason[0] === wanted[0] && reason[1] === wanted[1]) return seen
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  throw new Error(`never ${wanted.join(' ')}: ${JSON.stringify(seen.slice(-3))}`)
}

describe('the word of the provider on a session', () => {
  test('is asked for again while the session is used, and changed groups count', async () => {
    const { sessionCookie } = await signIn(first(), 'alice')
    expect(await reasonOf(sessionCookie)).toEqual([200, 'rule_matched'])
    idp.setGroups('alice', ['platform'])
    await until(sessionCookie, [403, 'no_rule_matched'])
    idp.setGroups('alice', ['sre', 'platform'])
    await until(sessionCookie, [200, 'rule_matched'])
  })

  test('is asked for once by two hundred requests on four replicas, and nobody is signed out', async () => {
    const { sessionCookie } = await signIn(first(), 'alice')
    const { body } = await askPublic(first(), '/oauth2/userinfo', { cookies: [sessionCookie] })
    const { session } = JSON.parse(body) as { readonly session: { readonly createdAt: string } }
    // The interval is a second; what is due is told by the clock, so this waits for the clock.
    while (Date.now() - Date.parse(session.createdAt) < 1000) await nextTick()
    idp.resetCounts()
    const begun = seconds()
    const answers = await Promise.all(Array.from({ length: 200 }, () => reasonOf(sessionCookie)))
    expect(new Set(answers.map(([status]) => status))).toEqual(new Set([200]))
    // On a busy machine it may become due anew meanwhile, with each second that begins.
    expect(idp.count('/token')).toBeGreaterThan(0)
    expect(idp.count('/token')).toBeLessThanOrEqual(1 + seconds() - begun)
  })

  test('that is no ends the session everywhere', async () => {
    const { sessionCookie } = await signIn(first(), 'alice')
    idp.setDisabled('alice', true)
    await until(sessionCookie, [401, 'unknown_session'])
    idp.setDisabled('alice', false)
    expect(await reasonOf(sessionCookie)).toEqual([401, 'unknown_session'])
  })

  test('may be missing for a while; then the answer is 503, and it comes back by itself', async () => {
    const { sessionCookie } = await signIn(first(), 'alice')
    idp.setBehaviour({ status: 503 })
    const seen = await until(sessionCookie, [503, 'identity_provider_unreachable'])
    expect(seen.slice(0, -1).every(([status]) => status === 200)).toBe(true)
    idp.setBehaviour({})
    const recovered = await until(sessionCookie, [200, 'rule_matched'])
    expect(recovered.some(([status]) => status === 401)).toBe(false)
  }, 30_000)
})
