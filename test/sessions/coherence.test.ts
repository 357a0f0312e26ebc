import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { Redis as Client } from 'ioredis'
import { type IdentityProvider } from '../../demo/identity-provider.ts'
import { type Redis, startRedis } from '../../demo/redis.ts'
import { parseSessionId } from '../../src/core/ids.ts'
import { randomKeyRing } from '../../src/edge/sessions/key-ring.ts'
import { sessionKeyOf, sessionName } from '../../src/edge/sessions/names.ts'
import { commandCounts, until } from '../support/redis.ts'
import { askPublic, providerSettings, signIn, startProvider } from '../support/sign-in.ts'
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts'
import { askVerify } from '../support/verify-request.ts'
import { startVestibule, type Vestibule } from '../support/vestibule.ts'

jest.setTimeout(60_000)

const POLICY = 'hosts: [app.test]\npolicy: { allow: { and: [{ groups: { has: sre } }] } }\n'
/** Typically it takes milliseconds; machines are slow at times. */
const FELT_WITHIN_MS = 2000
const SUBSCRIBER = 'vestibule-changes'

let idp: IdentityProvider
let redis: Redis
let proxy: TcpProxy
let client: Client
let one: Vestibule
/** Reaches Redis over the proxy. */
let other: Vestibule

beforeAll(async () => {
  idp = await startProvider()
  redis = await startRedis()
  proxy = await startTcpProxy(redis.port)
  client = new Client(redis.url)
  const { config, environment } = providerSettings(idp)
  const [key] = randomKeyRing()
  const start = (port: number): Promise<Vestibule> =>
    startVestibule({
      policies: { 'app.yaml': POLICY },
      config: { ...config, session: { store: `redis://127.0.0.1:${port}` } },
      environment: { ...environment, VESTIBULE_SESSION_KEYS: key.bytes.toString('base64url') },
    })
  one = await start(redis.port)
  other = await start(proxy.port)
})
afterAll(async () => {
  await Promise.all([one.stop(), other.stop()])
  await proxy.stop()
  client.disconnect()
  await Promise.all([idp.stop(), redis.stop()])
})

const hears = async (vestibule: Vestibule): Promise<boolean> =>
  /^vestibule_store_changes_heard 1$/m.test(await vestibule.metrics())

beforeEach(async () => {
  proxy.setWeather({})
  await until('both to hear of changes', async () => (await hears(one)) && (await hears(other)))
})

const statusAt = async ({ verifyPort }: Vestibule, cookie: string): Promise<number> =>
  (await askVerify(verifyPort, { cookie })).status

const statuses = async (cookie: string): Promise<readonly number[]> => [
  await statusAt(one, cookie),
  await statusAt(other, cookie),
]

/** Signed in, and known to both. */
const warmSession = async (): Promise<{ readonly cookie: string; readonly name: string }> => {
  const { sessionCookie } = await signIn(one, 'alice')
  const id = parseSessionId(sessionCookie.split('=')[1] ?? '')
  if (id === undefined) throw new Error('no session')
  expect(await statuses(sessionCookie)).toEqual([200, 200])
  return { cookie: sessionCookie, name: sessionName(sessionKeyOf(id)) }
}

const expectFelt = async (cookie: string): Promise<void> => {
  await until(
    'both to feel it',
    async () => (await statuses(cookie)).every((status) => status === 401),
    FELT_WITHIN_MS,
  )
}

describe('two replicas on one Redis', () => {
  test('answer 300 requests for a warm session with no more than a handful of commands', async () => {
    const { cookie } = await warmSession()
    const before = await commandCounts(client)
    for (let count = 0; count < 150; count += 1) {
      expect(await statuses(cookie)).toEqual([200, 200])
    }
    const after = await commandCounts(client)
    const asked = [...after].flatMap(([name, count]): readonly (readonly [string, number])[] => {
      const more = count - (before.get(name) ?? 0)
      return more === 0 ? [] : [[name, more]]
    })
    const sum = asked.reduce((total, [, count]) => total + count, 0)
    expect({ asked, isHandful: sum <= 5 }).toEqual({ asked, isHandful: true })
  })

  test('both feel a session that somebody removes by hand', async () => {
    const { cookie, name } = await warmSession()
    await client.del(name)
    await expectFelt(cookie)
  })

  test('both feel a session that runs out', async () => {
    const { cookie, name } = await warmSession()
    await client.pexpire(name, 1)
    await expectFelt(cookie)
  })

  test('both feel that everything is gone', async () => {
    const { cookie } = await warmSession()
    await client.flushall()
    await expectFelt(cookie)
  })

  test('both feel a sign-out at the other one', async () => {
    const { cookie } = await warmSession()
    await askPublic(other, '/oauth2/sign_out', { cookies: [cookie] })
    await expectFelt(cookie)
  })
})

describe('without word of changes', () => {
  test.each([
    ['that are lost again and again', (): void => proxy.cut(SUBSCRIBER)],
    ['that hang', (): void => proxy.setWeather({ freezes: true, only: SUBSCRIBER })],
    [
      'that are refused',
      (): void => {
        proxy.setWeather({ refuses: true, only: SUBSCRIBER })
        proxy.cut(SUBSCRIBER)
      },
    ],
  ])('over connections %s, a removed session is refused all the same', async (_how, break_) => {
    const { cookie, name } = await warmSession()
    break_()
    await client.del(name)
    await expectFelt(cookie)
    proxy.setWeather({})
    await until('changes to be heard of again', () => hears(other))
    const again = await warmSession()
    await client.del(again.name)
    await expectFelt(again.cookie)
  })

  test('Redis is asked each time, the answers stay right, and the metric says so', async () => {
    const { cookie } = await warmSession()
    proxy.setWeather({ refuses: true, only: SUBSCRIBER })
    proxy.cut(SUBSCRIBER)
    await until('the loss to be known', async () => !(await hears(other)))
    const before = (await commandCounts(client)).get('getrange') ?? 0
    for (let count = 0; count < 20; count += 1) expect(await statusAt(other, cookie)).toBe(200)
    expect(((await commandCounts(client)).get('getrange') ?? 0) - before).toBe(20)
    expect(other.notices().join('\n')).toContain('asking each time')
  })

  test('that was lost to somebody who closes all such connections, it comes back', async () => {
    const { cookie, name } = await warmSession()
    await client.call('CLIENT', 'KILL', 'TYPE', 'pubsub')
    await client.del(name)
    await expectFelt(cookie)
  })
})

describe('over a way to Redis that is', () => {
  test.each([
    ['slow', { delayMs: 30 }],
    ['narrow', { bytesPerSecond: 20_000 }],
  ] as const)('%s, sessions are served, and their end is felt', async (_how, weather) => {
    proxy.setWeather(weather)
    const { cookie, name } = await warmSession()
    await client.del(name)
    await expectFelt(cookie)
  })
})
