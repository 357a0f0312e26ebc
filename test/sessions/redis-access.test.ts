import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { type Cleanup, createCleanup } from '../../demo/cleanup.ts'
import { startRedis } from '../../demo/redis.ts'
import { type Authority, createAuthority, startTlsRedis } from '../../demo/redis-tls.ts'
import { type RecordStore } from '../../src/edge/sessions/record-store.ts'
import { type RedisOptions } from '../../src/edge/sessions/redis-record-store.ts'
import { aclUser, NO_DEFAULT_USER, until } from '../support/redis.ts'
import { connected, redisRecords } from '../support/sessions.ts'

jest.setTimeout(60_000)

const PASSWORD = 'a-password-CANARY'
const UNREACHABLE = { ok: false, failure: 'unreachable' }

let cleanup: Cleanup = createCleanup()
let lost: string[] = []
let heard: (readonly [boolean, string])[] = []

afterEach(async () => {
  await cleanup.run()
  cleanup = createCleanup()
  lost = []
  heard = []
})

const open = (url: string, changes: Partial<RedisOptions> = {}): RecordStore => {
  const store = redisRecords(url, {
    onLost: (detail) => lost.push(detail),
    onProven: (isProven, detail) => heard.push([isProven, detail]),
    ...changes,
  })
  cleanup.add(store.close)
  return store
}

const serve = async (config: readonly string[]): Promise<string> => {
  const redis = await startRedis(0, config)
  cleanup.add(redis.stop)
  return redis.url
}

/** Every answer is the failure that is 503, and the notice says why, without the password. */
const expectTurnedAway = async (store: RecordStore, why: RegExp): Promise<void> => {
  await until('a notice', () => lost.length > 0)
  expect(lost.join('\n')).toMatch(why)
  expect(lost.join('\n')).not.toContain('CANARY')
  expect(await store.get('test:x')).toEqual(UNREACHABLE)
  expect(await store.put('test:x', Buffer.from('x'), 1000)).toEqual(UNREACHABLE)
  expect(await store.ping()).toEqual(UNREACHABLE)
  expect(store.coherence.isProven()).toBe(false)
}

describe('a Redis that turns us away is unreachable, and we say why', () => {
  test('with a wrong password', async () => {
    const url = await serve([aclUser(PASSWORD, 'may track')])
    await expectTurnedAway(
      open(url.replace('//', '//vestibule@'), { password: 'wrong-CANARY' }),
      /WRONGPASS/,
    )
  })

  test('with a wrong password of the default user', async () => {
    await expectTurnedAway(
      open(await serve([`requirepass ${PASSWORD}`]), { password: 'wrong-CANARY' }),
      /WRONGPASS/,
    )
  })

  test('without a password where one is needed', async () => {
    await expectTurnedAway(open(await serve([`requirepass ${PASSWORD}`])), /NOAUTH/)
  })

  test('with a user that does not exist', async () => {
    const url = await serve([NO_DEFAULT_USER, aclUser(PASSWORD, 'may track')])
    await expectTurnedAway(open(url.replace('//', `//nobody:${PASSWORD}@`)), /WRONGPASS/)
  })
})

test('an emptied password is not sent: a Redis without one lets us in', async () => {
  const store = open(await serve([]), { password: undefined })
  expect(await (await connected(store)).get('test:x')).toEqual({ ok: true, value: undefined })
})

test('without the right to hear of changes all works, and it is said that each time is asked', async () => {
  const url = await serve([NO_DEFAULT_USER, aclUser(PASSWORD, 'may not track')])
  const store = await connected(open(url.replace('//', `//vestibule:${PASSWORD}@`)))
  await until('it to be said', () => heard.length > 0)
  expect(heard).toEqual([[false, expect.stringContaining('NOPERM')]])
  await store.put('test:x', Buffer.from('x'), 60_000)
  expect(await store.get('test:x')).toEqual({ ok: true, value: Buffer.from('x') })
  expect(await store.append('test:log', ['x'], 60_000)).toMatchObject({ ok: true })
  expect(store.coherence.isProven()).toBe(false)
  expect(store.coherence.isWatched('test:x')).toBe(false)
})

describe('over TLS', () => {
  let authority: Authority

  beforeAll(() => {
    authority = createAuthority()
  })
  afterAll(() => authority.remove())

  const openTls = async (
    name: string,
    {
      daysLeft,
      trusts = authority,
      shows = authority,
    }: {
      readonly daysLeft?: number
      readonly trusts?: Authority
      readonly shows?: Authority | undefined
    } = {},
  ): Promise<RecordStore> => {
    const redis = await startTlsRedis(authority, authority.issue(name, daysLeft))
    cleanup.add(redis.stop)
    const mine = shows.issue('DNS:vestibule')
    return open(redis.url, {
      tls: { ca: trusts.ca, certificate: mine.certificate, key: mine.key },
    })
  }

  test('a server that shows a good certificate is used', async () => {
    const store = await connected(await openTls('IP:127.0.0.1'))
    expect(await store.get('test:x')).toEqual({ ok: true, value: undefined })
  })

  test('one whose certificate has run out is not', async () => {
    await expectTurnedAway(await openTls('IP:127.0.0.1', { daysLeft: -1 }), /expired/)
  })

  test('one that shows a certificate of another name is not', async () => {
    await expectTurnedAway(await openTls('DNS:redis.elsewhere'), /does not match certificate/)
  })

  test('one whose authority we do not know is not', async () => {
    const stranger = createAuthority()
    try {
      const store = await openTls('IP:127.0.0.1', { trusts: stranger })
      await expectTurnedAway(store, /self.signed|unable to verify/)
    } finally {
      stranger.remove()
    }
  })

  test('one that does not know who signed our certificate does not let us in', async () => {
    const stranger = createAuthority()
    try {
      await expectTurnedAway(await openTls('IP:127.0.0.1', { shows: stranger }), /./)
    } finally {
      stranger.remove()
    }
  })

  test('one that talks plainly where TLS was asked for is not used', async () => {
    const url = await serve([])
    await expectTurnedAway(open(url.replace('redis:', 'rediss:')), /./)
  })
})
