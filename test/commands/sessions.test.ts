import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
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

beforeAll(async () => {
  idp = await startProvider()
  redis = await startRedis()
})
afterAll(async () => {
  await redis.stop()
  await idp.stop()
})

type Listed = { readonly key: string; readonly browser: string | null }
const sessionsIn = ({ out }: Ran): readonly Listed[] =>
  (JSON.parse(out) as { readonly sessions: readonly Listed[] }).sessions

const signInAt = async (world: SessionsWorld, person: string): Promise<string> => {
  const [replica] = world.replicas
  if (replica === undefined) throw new Error('no replica')
  return (await signIn(replica, person)).sessionCookie
}

const statuses = async (world: SessionsWorld, cookie: string): Promise<readonly number[]> =>
  await Promise.all(
    world.replicas.map(async ({ verifyPort }) => (await askVerify(verifyPort, { cookie })).status),
  )

const isRefused = async (world: SessionsWorld, cookie: string): Promise<void> => {
  await until(async () => (await statuses(world, cookie)).every((status) => status === 401))
}

describe.each(['redis', 'memory'])('sessions in %s', (kind) => {
  let world: SessionsWorld

  beforeAll(async () => {
    world = await startSessionsWorld(
      idp,
      kind === 'redis' ? redis.url : 'memory',
      kind === 'redis' ? 2 : 1,
    )
  })
  afterAll(async () => {
    await world.stop()
  })

  test('are listed, shown by the beginning of a key, and ended one by one', async () => {
    const cookie = await signInAt(world, 'alice')
    const other = await signInAt(world, 'alice')
    const listed = await world.run('sessions', 'list', '--subject', 'alice', '--json')
    expect([listed.code, sessionsIn(listed).length]).toEqual([0, 2])
    const [newest] = sessionsIn(listed)
    const start = newest?.key.slice(0, 12) ?? ''

    const people = await world.run('sessions', 'list', '--subject', 'alice')
    expect([people.code, people.out]).toEqual([0, expect.stringContaining(start)])
    expect(people.out).toContain('2 sessions of alice.')
    const all = await world.run('sessions', 'list')
    expect([all.code, all.out]).toEqual([0, expect.stringContaining(start)])
    const shown = await world.run('sessions', 'show', `--id=${start}`)
    expect([shown.code, shown.out]).toEqual([0, expect.stringContaining(newest?.key ?? '?')])

    const ended = await world.run('sessions', 'revoke', `--id=${start}`)
    expect([ended.code, ended.out]).toEqual([0, expect.stringContaining('Ended the session.')])
    await until(async () => {
      const found = [...(await statuses(world, cookie)), ...(await statuses(world, other))]
      return found.filter((status) => status === 401).length === world.replicas.length
    })
    expect((await world.run('sessions', 'show', `--id=${start}`)).code).toBe(1)
    expect((await world.run('sessions', 'show', '--id=-AAAAAAAA')).code).toBe(1)
    expect((await world.run('sessions', 'revoke', `--id=${start}`)).code).toBe(1)
  })

  test('of somebody end together, on every replica, and of nobody else', async () => {
    const cookie = await signInAt(world, 'alice')
    const bob = await signInAt(world, 'carol')
    expect(await statuses(world, cookie)).toEqual(world.replicas.map(() => 200))
    const ended = await world.run('sessions', 'revoke', '--subject', 'alice')
    expect([ended.code, ended.out]).toEqual([0, expect.stringMatching(/^Ended \d sessions? of/)])
    await isRefused(world, cookie)
    expect(await statuses(world, bob)).not.toContain(401)
    const gone = await world.run('sessions', 'list', '--subject', 'alice')
    expect([gone.code, gone.out]).toEqual([1, expect.stringContaining('No session of alice.')])
    const again = await world.run('sessions', 'revoke', '--subject', 'alice', '--json')
    expect([again.code, JSON.parse(again.out)]).toEqual([1, { ended: 'subject', sessions: 0 }])
  })

  test('of before a moment end, and all of them, but only with --yes', async () => {
    const cookie = await signInAt(world, 'alice')
    const early = await world.run('sessions', 'revoke', '--before', '2020-01-01T00:00:00Z')
    expect(early.code).toBe(0)
    const unsure = await world.run('sessions', 'revoke', '--all')
    expect([unsure.code, unsure.err]).toEqual([2, expect.stringContaining('--yes')])
    expect(await statuses(world, cookie)).toEqual(world.replicas.map(() => 200))
    expect((await world.run('sessions', 'revoke', '--all', '--yes')).code).toBe(0)
    await isRefused(world, cookie)
  })

  test.each([
    [['list', '--limit', '0'], '--limit'],
    [['list', '--all'], '--all has no meaning here'],
    [['list', 'alice'], 'alice is no option'],
    [['show'], 'at least 8 characters'],
    [['show', '../../../etc/passwd'], 'at least 8 characters'],
    [['show', '********'], 'at least 8 characters'],
    [['revoke'], 'name one of'],
    [['revoke', '--subject', 'a', '--all', '--yes'], 'name one of'],
    [['revoke', '--subject', 'a\u0000b'], 'subject is no name'],
    [['revoke', '--before', 'yesterday'], 'before is no moment'],
    [['revoke', '--before', '2999-01-01T00:00:00Z'], 'in the future'],
    [['revoke', '--id', 'short'], 'at least 8 characters'],
  ])('%j could not run: %s', async (words, problem) => {
    const ran = await world.run('sessions', ...words)
    expect([ran.code, ran.err, ran.out]).toEqual([2, expect.stringContaining(problem), ''])
  })

  test('can be asked of the service by its address; a wrong one is named', async () => {
    const [replica] = world.replicas
    const server = `http://127.0.0.1:${replica?.opsPort ?? 0}`
    await signInAt(world, 'carol')
    const listed = await world.run('sessions', 'list', '--subject', 'carol', '--server', server)
    expect([listed.code, listed.out]).toEqual([0, expect.stringContaining('of carol.')])
    const wrong = await world.run('sessions', 'list', '--server', 'http://127.0.0.1:1')
    expect([wrong.code, wrong.err]).toEqual([2, expect.stringContaining('127.0.0.1:1')])
    const other = await world.run('sessions', 'list', '--server', idp.issuer)
    expect([other.code, other.err]).toEqual([2, expect.stringContaining('answered 404')])
    expect(`${listed.out}${wrong.err}${other.err}`).not.toContain('CANARY')
  })
})

describe('a store that does not answer', () => {
  test('is named within seconds; nothing is claimed to have ended', async () => {
    const lost = await startRedis()
    const world = await startSessionsWorld(idp, lost.url, 1)
    try {
      lost.child.signal('SIGKILL')
      await lost.child.ended
      const ran = await world.run('sessions', 'revoke', '--all', '--yes')
      expect([ran.code, ran.out]).toEqual([2, ''])
      expect(ran.err).toContain('the session store does not answer')
    } finally {
      await world.stop()
      await lost.stop()
    }
  })
})

test.each(['list', 'show', 'revoke'])('sessions %s --help says how', async (name) => {
  const world = await startSessionsWorld(idp, 'memory', 1)
  const ran = await world.run('sessions', name, '--help')
  await world.stop()
  expect([ran.code, ran.out]).toEqual([
    0,
    expect.stringContaining(`Usage: vestibule sessions ${name}`),
  ])
})
