import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { type IdentityProvider } from '../../demo/identity-provider.ts'
import { type Redis, startRedis } from '../../demo/redis.ts'
import { until } from '../attacks/support-replicas.ts'
import { headerOf } from '../support/raw-http.ts'
import { startProvider } from '../support/sign-in.ts'
import { askVerify } from '../support/verify-request.ts'
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

const ORDER = [
  '--owner',
  'sre@test.example',
  '--purpose',
  'nightly backups',
  '--hosts',
  'app.test, two.test',
  '--groups',
  'sre',
  '--expires',
  '90d',
]

type Plain = Readonly<Record<string, unknown>> & { readonly id: string; readonly token: string }
const parsed = (out: string): Plain => JSON.parse(out) as Plain

/** What each replica answers to that token. */
const outcomes = async (world: SessionsWorld, token: string): Promise<readonly string[]> =>
  await Promise.all(
    world.replicas.map(async ({ verifyPort }) => {
      const answer = await askVerify(verifyPort, { authorization: `Bearer ${token}` })
      return `${answer.status} ${headerOf(answer, 'x-vestibule-reason') ?? ''}`
    }),
  )

const become = async (world: SessionsWorld, token: string, outcome: string): Promise<void> => {
  await until(async () => (await outcomes(world, token)).every((each) => each === outcome))
}

describe.each(['redis', 'memory'])('tokens in %s', (kind) => {
  let world: SessionsWorld

  beforeAll(async () => {
    const isShared = kind === 'redis'
    world = await startSessionsWorld(idp, isShared ? redis.url : 'memory', isShared ? 2 : 1)
  })
  afterAll(async () => {
    await world.stop()
  })

  const create = async (...words: readonly string[]): Promise<Plain> => {
    const ran = await world.run('tokens', 'create', ...ORDER, ...words, '--json')
    expect(ran.code).toBe(0)
    return parsed(ran.out)
  }

  test('are made and shown once: alone on standard output', async () => {
    const ran = await world.run('tokens', 'create', ...ORDER)
    expect([ran.code, ran.out]).toEqual([0, expect.stringMatching(/^vst_[a-z2-7]{16}_\w{49}\n$/)])
    const token = ran.out.trim()
    expect(ran.err).toContain(`token/${token.slice(4, 20)}`)
    expect(ran.err).not.toContain(token.slice(21))
    await become(world, token, '200 rule_matched')
    const shown = await world.run('tokens', 'show', token.slice(4, 20))
    const listed = await world.run('tokens', 'list')
    for (const each of [shown, listed]) {
      expect([each.code, each.out]).toEqual([0, expect.stringContaining('sre@test.example')])
      expect(each.out).toContain('nightly backups')
      expect(each.out + each.err).not.toContain(token.slice(21))
    }
  })

  test('say in JSON what they are, and when they were last used', async () => {
    const { token, id } = await create('--actor', 'agent')
    await become(world, token, '200 rule_matched')
    await until(async () => {
      const { out } = await world.run('tokens', 'show', `token/${id}`, '--json')
      return parsed(out)['token'] !== null && out.includes('"lastUsedAt": "')
    })
    const listed = await world.run('tokens', 'list', '--json')
    const { tokens } = JSON.parse(listed.out) as { readonly tokens: readonly Plain[] }
    expect(tokens.find((each) => each.id === id)).toMatchObject({
      state: 'in_force',
      owner: 'sre@test.example',
      purpose: 'nightly backups',
      hosts: ['app.test', 'two.test'],
      groups: ['sre'],
      actor: 'agent',
      revokedAt: null,
      olderTextUntil: null,
    })
  })

  test('are rotated: both texts count, or only the new one where no overlap is wanted', async () => {
    const { token, id } = await create()
    await become(world, token, '200 rule_matched')
    const first = await world.run('tokens', 'rotate', id, '--json')
    expect(parsed(first.out)).toMatchObject({ id, olderTextUntil: expect.any(String) })
    const second = parsed(first.out).token
    await become(world, second, '200 rule_matched')
    await become(world, token, '200 rule_matched')
    const last = await world.run('tokens', 'rotate', id, '--overlap', '0s', '--expires', '10d')
    expect(last.code).toBe(0)
    await become(world, token, '401 expired_token')
    await become(world, second, '401 expired_token')
    await become(world, last.out.trim(), '200 rule_matched')
  })

  test('are revoked on every replica at once, and stay in the list', async () => {
    const { token, id } = await create()
    await become(world, token, '200 rule_matched')
    const ended = await world.run('tokens', 'revoke', id)
    expect([ended.code, ended.out]).toEqual([0, expect.stringContaining('Ended the token.')])
    await become(world, token, '401 revoked_token')
    const rotated = await world.run('tokens', 'rotate', id)
    expect([rotated.code, rotated.out, rotated.err]).toEqual([
      2,
      '',
      expect.stringContaining('revoked or has expired'),
    ])
    const shown = await world.run('tokens', 'show', id)
    expect(shown.out).toMatch(/^state +revoked$/m)
  })

  test('end with their subject, with all of before a moment, and with everything', async () => {
    const [one, two] = [await create(), await create()]
    for (const { token } of [one, two]) await become(world, token, '200 rule_matched')
    await world.run('sessions', 'revoke', '--subject', `token/${one.id}`)
    await become(world, one.token, '401 revoked_token')
    await become(world, two.token, '200 rule_matched')
    await world.run('sessions', 'revoke', '--before', '2020-01-01T00:00:00Z')
    await become(world, two.token, '200 rule_matched')
    expect((await world.run('sessions', 'revoke', '--all', '--yes')).code).toBe(0)
    await become(world, two.token, '401 revoked_token')
    // The mark in the log is forgotten one day; the token itself says it too.
    const shown = await world.run('tokens', 'show', two.id)
    expect(shown.out).toMatch(/^state +revoked$/m)
  })

  test.each([
    [['create'], 'owner is'],
    [['create', ...ORDER, '--owner', 'nobody'], 'owner is'],
    [['create', ...ORDER, '--hosts', '*.test'], 'hosts are'],
    [['create', ...ORDER, '--expires', '2y'], 'expires is'],
    [['create', ...ORDER, '--expires', '2020-01-01'], 'in the past'],
    [['create', ...ORDER, '--actor', 'human'], 'actor is'],
    [['create', ...ORDER, '--overlap', '1h'], '--overlap has no meaning here'],
    [['create', ...ORDER, 'more'], 'more is no option'],
    [['show'], '16 characters'],
    [['show', '../../sessions'], '16 characters'],
    [['rotate', 'aaaaaaaaaaaaaaaa', '--overlap', '1y'], 'overlap is'],
    [['revoke', '*'], '16 characters'],
    [['list', '--subject', 'x'], 'subject'],
  ] as const)('%j is refused: %s', async (words, problem) => {
    const ran = await world.run('tokens', ...words)
    expect([ran.code, ran.out, ran.err]).toEqual([2, '', expect.stringContaining(problem)])
  })

  test.each(['show', 'rotate', 'revoke'])('%s says that there is no such token', async (word) => {
    const ran = await world.run('tokens', word, 'aaaaaaaaaaaaaaaa')
    expect([ran.code, ran.out + ran.err]).toEqual([1, expect.stringContaining('no such token')])
  })
})
