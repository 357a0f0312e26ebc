import { createServer } from 'node:http'
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { Redis as Client } from 'ioredis'
import { type IdentityProvider } from '../../demo/identity-provider.ts'
import { type Redis, startRedis } from '../../demo/redis.ts'
import { until } from '../attacks/support-replicas.ts'
import { signIn, startProvider } from '../support/sign-in.ts'
import { askVerify } from '../support/verify-request.ts'
import { type Ran } from './policy-reports-support.ts'
import { type SessionsWorld, startSessionsWorld } from './sessions-support.ts'

jest.setTimeout(60_000)

let idp: IdentityProvider
let redis: Redis
let world: SessionsWorld

beforeAll(async () => {
  idp = await startProvider()
  redis = await startRedis()
  world = await startSessionsWorld(idp, redis.url, 2)
})
afterAll(async () => {
  await world.stop()
  await redis.stop()
  await idp.stop()
})

const replicas = (of: SessionsWorld): readonly string[] =>
  of.replicas.flatMap(({ verifyPort }) => ['--verify', `http://127.0.0.1:${verifyPort}`])

const drill = async (subject: string, ...words: readonly string[]): Promise<Ran> =>
  await world.run('drill', 'revoke', '--host', 'app.test', '--subject', subject, ...words)

const sessionsOf = async (subject: string): Promise<number> => {
  const { out } = await world.run('sessions', 'list', '--subject', subject, '--json')
  return (JSON.parse(out) as { readonly sessions: readonly unknown[] }).sessions.length
}

const aliceAt = async (of: SessionsWorld): Promise<string> => {
  const [replica] = of.replicas
  if (replica === undefined) throw new Error('no replica')
  return (await signIn(replica, 'alice')).sessionCookie
}

describe('a drill with a session of its own', () => {
  test('sees two replicas allow and then refuse, and leaves nothing behind', async () => {
    const ran = await drill('drill-person', '--group', 'sre', ...replicas(world), '--json')
    expect([ran.code, ran.err]).toEqual([0, ''])
    expect(JSON.parse(ran.out)).toMatchObject({
      result: 'refused',
      subject: 'drill-person',
      proof: 'minted',
      asked: world.replicas.map(({ verifyPort }) => `http://127.0.0.1:${verifyPort}`),
      before: '200 rule_matched',
      after: '401 unknown_session',
      lagMs: expect.any(Number),
    })
    expect(await sessionsOf('drill-person')).toBe(0)
    const again = await drill('drill-person', '--group', 'sre')
    expect([again.code, again.out]).toEqual([0, expect.stringContaining('Revocation works')])
  })

  test('proves nothing, and ends nothing, where it was not allowed to begin with', async () => {
    const ran = await drill('drill-nobody')
    expect(ran.code).toBe(2)
    expect(ran.out).toContain('not let in to begin with: 403 no_rule_matched')
    expect(await sessionsOf('drill-nobody')).toBe(0)
  })

  test('that somebody forgot ends within two minutes', async () => {
    const client = new Client(redis.url)
    const lives: number[] = []
    const watch = await client.monitor()
    watch.on('monitor', (_time: string, [verb, name, , , ms]: readonly string[]) => {
      if (/^set$/i.test(verb ?? '') && (name ?? '').endsWith(':session')) lives.push(Number(ms))
    })
    await drill('drill-life', '--group', 'sre')
    await until(() => Promise.resolve(lives.length === 2))
    watch.disconnect()
    client.disconnect()
    expect(lives.at(-1)).toBeLessThanOrEqual(120_000)
  })

  test('does not end real sessions unless that is meant', async () => {
    const cookie = await aliceAt(world)
    const refused = await drill('alice', '--group', 'sre', ...replicas(world))
    expect([refused.code, refused.err]).toEqual([2, expect.stringContaining('--yes')])
    const [first] = world.replicas
    expect((await askVerify(first?.verifyPort ?? 0, { cookie })).status).toBe(200)
    const meant = await drill('alice', '--group', 'sre', '--yes', ...replicas(world))
    expect(meant.code).toBe(0)
    expect((await askVerify(first?.verifyPort ?? 0, { cookie })).status).toBe(401)
  })

  test('fails where one of the places goes on allowing', async () => {
    const open = createServer((_request, response) => response.end()).listen(0, '127.0.0.1')
    await new Promise((resolve) => open.once('listening', resolve))
    const address = open.address()
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0
    const places = [...replicas(world), '--verify', `http://127.0.0.1:${port}`]
    const ran = await drill('drill-two', '--group', 'sre', '--within', '300ms', ...places)
    open.close()
    expect([ran.code, ran.out]).toEqual([1, expect.stringContaining('NOT refused within 300 ms')])
  })
})

describe('a drill with what somebody has', () => {
  test('works with sessions in memory too, at the running service', async () => {
    const alone = await startSessionsWorld(idp, 'memory', 1)
    try {
      const cookie = await aliceAt(alone)
      await alone.work.write({ cookie: `${cookie}\n` })
      const words = ['drill', 'revoke', '--host', 'app.test', '--subject', 'alice']
      const ran = await alone.run(...words, '--cookie-file', '@cookie')
      expect([ran.code, ran.out]).toEqual([0, expect.stringContaining('Revocation works')])
      expect(ran.out).not.toContain(cookie.slice(cookie.indexOf('=') + 1))
      const minted = await alone.run(...words)
      expect([minted.code, minted.err]).toEqual([2, expect.stringContaining('--cookie-file')])
    } finally {
      await alone.stop()
    }
  })

  test('works with a bearer token, which ends too', async () => {
    const token = await idp.issueToken({ aud: 'vestibule', sub: 'robot', groups: ['sre'] })
    await world.work.write({ token })
    const ran = await drill('ci/robot', '--token-file', '@token', ...replicas(world), '--json')
    expect([ran.code, JSON.parse(ran.out)]).toEqual([
      0,
      expect.objectContaining({ proof: 'token', after: '401 revoked_token' }),
    ])
    expect(ran.out).not.toContain(token)
  })

  test("fails where the cookie is somebody else's", async () => {
    await world.work.write({ cookie: await aliceAt(world) })
    const ran = await drill('bob', '--cookie-file', '@cookie', '--within', '200ms', '--yes')
    expect([ran.code, ran.out]).toEqual([1, expect.stringContaining('is of that subject')])
  })
})

test.each([
  [['--subject', ''], '--subject'],
  [['--subject', 'x', '--host', 'a b'], '--host'],
  [['--subject', 'x', '--path', 'x'], '--path'],
  [['--subject', 'x', '--path', '/a b'], '--path'],
  [['--subject', 'x', '--method', 'get'], '--method'],
  [['--subject', 'x', '--within', '2h'], '--within'],
  [['--subject', 'x', '--within', 'soon'], '--within'],
  [['--subject', 'x', '--verify', 'file:///etc/passwd'], '--verify'],
  [['--subject', 'x', '--through', 'nowhere'], '--through'],
  [['--subject', 'x', '--email', 'a@b@c'], '--email'],
  [['--subject', 'x', '--cookie-file', 'a', '--token-file', 'b'], 'choose'],
  [['--subject', 'x', '--cookie-file', 'a', '--group', 'sre'], '--group'],
  [['--subject', 'x', '--cookie-file', '@not-there'], 'not-there'],
  [['--subject', 'x', '--cookie-file', '@session-keys.txt'], 'session-keys.txt'],
])('%j could not run: %s', async (words, problem) => {
  const ran = await world.run('drill', 'revoke', '--host', 'app.test', ...words)
  expect([ran.code, ran.out, ran.err]).toEqual([2, '', expect.stringContaining(problem)])
})
