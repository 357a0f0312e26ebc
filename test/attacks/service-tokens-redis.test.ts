import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { type Redis as Client } from 'ioredis'
import { type Redis, startRedis } from '../../demo/redis.ts'
import { openToken, sealToken } from '../../src/edge/service-tokens/token-record.ts'
import { type KeyRing, parseKeyRing, randomKeyRing } from '../../src/edge/sessions/key-ring.ts'
import { headerOf } from '../support/raw-http.ts'
import { commandCounts } from '../support/redis.ts'
import { askVerify } from '../support/verify-request.ts'
import { startVestibule, type Vestibule } from '../support/vestibule.ts'
import { type HostileRedis, startHostileRedis } from './support-hostile-redis.ts'
import { isReady, newKey, openStore, until } from './support-replicas.ts'

/* Tokens of our own in a Redis that others read, write, lose and hold up; and on two replicas. */

jest.setTimeout(60_000)

const ADMIN = 'an-admin-token-CANARY-0123456789'
const KEY = newKey()

let redis: Redis
let hostile: HostileRedis
let client: Client
/** The second one sees Redis through somebody who may hold it up. */
let one: Vestibule
let two: Vestibule
let token: string
let id: string

const start = async (url: string): Promise<Vestibule> => {
  const replica = await startVestibule({
    policies: {
      'app.yaml':
        'hosts: [app.test]\npolicy: [ { allow: { and: [ { groups: { has: sre } } ] } } ]\n',
    },
    config: {
      session: {
        store: url,
        keysFile: './session-keys',
        storeTimeout: '200ms',
        storeOutage: { serveKnownFor: '3s' },
      },
    },
    environment: { VESTIBULE_ADMIN_TOKEN: ADMIN },
    files: { 'session-keys': `${KEY}\n` },
  })
  await until(async () => await isReady(replica))
  return replica
}

beforeAll(async () => {
  redis = await startRedis()
  hostile = await startHostileRedis(redis.url)
  client = openStore(redis)
  one = await start(redis.url)
  two = await start(hostile.url)
})
beforeEach(async () => {
  hostile.tamper(undefined)
  await until(async () => await isReady(two))
  ;({ token, id } = await create())
  for (const replica of [one, two]) expect(await outcomeOf(replica)).toBe(ALLOWED)
})
afterAll(async () => {
  client.disconnect()
  await one.stop()
  await two.stop()
  await hostile.stop()
  await redis.stop()
})

type Made = { readonly token: string; readonly id: string }

const admin = async (method: string, path: string, body?: object): Promise<Response> =>
  await fetch(`http://127.0.0.1:${one.opsPort}/admin${path}`, {
    method,
    headers: { authorization: `Bearer ${ADMIN}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })

const create = async (changes: object = {}): Promise<Made> => {
  const response = await admin('POST', '/tokens', {
    owner: 'owner-CANARY@test.example',
    purpose: 'purpose-CANARY',
    hosts: ['app.test'],
    groups: ['sre'],
    expires: '1d',
    ...changes,
  })
  expect(response.status).toBe(201)
  return (await response.json()) as Made
}

const ALLOWED = `200 rule_matched`

const outcomeOf = async (replica: Vestibule, text = token): Promise<string> => {
  const answer = await askVerify(replica.verifyPort, { authorization: `Bearer ${text}` })
  return `${answer.status} ${headerOf(answer, 'x-vestibule-reason') ?? ''}`
}

const expectBecomes = async (outcome: string, text = token): Promise<void> => {
  for (const replica of [one, two]) {
    await until(async () => (await outcomeOf(replica, text)) === outcome)
  }
}

const ring = (): KeyRing => {
  const read = parseKeyRing(KEY)
  if (!read.ok) throw new Error('no ring')
  return read.value
}

const nameOf = (of: string): string => `vestibule:{token-${of}}:grant`

const recordOf = async (of: string): Promise<Buffer> =>
  (await client.getBuffer(nameOf(of))) ?? Buffer.alloc(0)

describe('whoever reads the store', () => {
  test('finds no token, no owner, no purpose, no host and no group', async () => {
    const names = await client.keys('*')
    const values = await Promise.all(
      names.map(async (name) => (await client.dumpBuffer(name))?.toString('latin1') ?? ''),
    )
    const seen = names.join('\n') + values.join('\n')
    expect(seen).toContain(id)
    const record = (await recordOf(id)).toString('latin1')
    for (const secret of [token.slice(21), token.slice(21, 50), 'CANARY', 'app.test', '"sre"']) {
      expect(seen.includes(secret)).toBe(false)
      expect(record.includes(secret)).toBe(false)
    }
  })

  test('opens nothing with another ring, and with ours finds a hash in place of the token', async () => {
    const record = await recordOf(id)
    expect(openToken(randomKeyRing(), id, record).kind).toBe('unreadable')
    const opened = openToken(ring(), id, record)
    expect(opened).toMatchObject({ kind: 'token', token: { owner: 'owner-CANARY@test.example' } })
    expect(JSON.stringify(opened)).not.toContain(token.slice(21))
  })
})

describe('whoever writes to the store', () => {
  test('makes no token without the ring', async () => {
    const opened = openToken(ring(), id, await recordOf(id))
    if (opened.kind !== 'token') throw new Error('not opened')
    const forged = { ...opened.token, groups: ['sre', 'admins'] }
    await client.set(nameOf(id), sealToken(randomKeyRing(), forged), 'PX', 60_000)
    await expectBecomes('401 invalid_token')
    await client.set(nameOf(id), JSON.stringify(forged), 'PX', 60_000)
    await expectBecomes('401 invalid_token')
  })

  test('gives no token the rights of another by moving its record', async () => {
    const other = await create({ groups: [] })
    expect(await outcomeOf(one, other.token)).toBe('403 no_rule_matched')
    await client.set(nameOf(other.id), await recordOf(id), 'PX', 60_000)
    await expectBecomes('401 invalid_token', other.token)
    expect(await outcomeOf(one)).toBe(ALLOWED)
  })

  test.each([
    ['hosts that are none', { hosts: ['*'] }],
    ['no hosts', { hosts: [] }],
    ['an end that is no number', { expiresAt: 'never' }],
    ['an actor that is a person', { actor: 'human' }],
    ['no text that counts', { secrets: [] }],
    ['nothing', undefined],
  ])('with the ring and %s: nobody gets in', async (_what, changes) => {
    const opened = openToken(ring(), id, await recordOf(id))
    if (opened.kind !== 'token') throw new Error('not opened')
    const odd = changes === undefined ? { id } : { ...opened.token, ...changes }
    const sealed = sealToken(ring(), { ...opened.token, ...odd } as typeof opened.token)
    const cut = changes === undefined ? sealed.subarray(0, -1) : sealed
    await client.set(nameOf(id), cut, 'PX', 60_000)
    await expectBecomes('401 invalid_token')
  })

  test('closes with what cannot be read, and opens nothing', async () => {
    await client.del(nameOf(id))
    await client.lpush(nameOf(id), 'x')
    await expectBecomes('503 session_store_unreachable')
    await client.del(nameOf(id))
    await expectBecomes('401 invalid_token')
  })

  test('brings back no revoked token with an older copy of it', async () => {
    const copy = await recordOf(id)
    expect((await admin('DELETE', `/tokens/${id}`)).status).toBe(200)
    await expectBecomes('401 revoked_token')
    await client.set(nameOf(id), copy, 'PX', 60_000)
    await expectBecomes('401 revoked_token')
    const fresh = await start(redis.url)
    try {
      expect(await outcomeOf(fresh)).toBe('401 revoked_token')
    } finally {
      await fresh.stop()
    }
  })
})

describe('on two replicas', () => {
  test('a warm token costs no command', async () => {
    for (const replica of [one, two]) await outcomeOf(replica)
    const before = await commandCounts(client)
    for (let count = 0; count < 100; count += 1) expect(await outcomeOf(one)).toBe(ALLOWED)
    expect(await commandCounts(client)).toEqual(before)
  })

  test('a mistyped one costs none either', async () => {
    const before = await commandCounts(client)
    const last = token.endsWith('0') ? '1' : '0'
    for (let count = 0; count < 20; count += 1) {
      expect(await outcomeOf(one, token.slice(0, -1) + last)).toBe('401 invalid_token')
    }
    expect(await commandCounts(client)).toEqual(before)
  })

  test('a rotation without overlap is felt by both', async () => {
    const rotated = await admin('POST', `/tokens/${id}/rotate`, { overlap: '0s' })
    const next = ((await rotated.json()) as Made).token
    await expectBecomes('401 expired_token')
    await expectBecomes(ALLOWED, next)
  })

  test('what was deleted by hand is refused by both', async () => {
    await client.del(nameOf(id))
    await expectBecomes('401 invalid_token')
  })

  test('two who rotate at once leave two texts that count', async () => {
    const texts = await Promise.all(
      [1, 2].map(async () => {
        const rotated = await admin('POST', `/tokens/${id}/rotate`, { overlap: '1h' })
        return ((await rotated.json()) as Made).token
      }),
    )
    expect(new Set(texts).size).toBe(2)
    for (const text of [token, ...texts]) await expectBecomes(ALLOWED, text)
  })
})

describe('a store that hangs', () => {
  test('leaves known tokens in force for the stated time, and then closes', async () => {
    const unknown = await create()
    hostile.tamper(() => ({ kind: 'lost_command' }))
    expect(await outcomeOf(two)).toBe(ALLOWED)
    await until(async () => (await outcomeOf(two, unknown.token)) === UNREACHABLE)
    expect(await outcomeOf(two)).toBe(ALLOWED)
    await until(async () => (await outcomeOf(two)) === UNREACHABLE)
    // What needs no store is answered all the same.
    expect(await outcomeOf(two, `${token}0`)).toBe('401 invalid_token')
    hostile.tamper(undefined)
    await expectBecomes(ALLOWED)
    await expectBecomes(ALLOWED, unknown.token)
  })

  test('makes every order a 503 that promises nothing', async () => {
    redis.child.signal('SIGSTOP')
    try {
      for (const [method, path, body] of [
        ['GET', '/tokens'],
        ['GET', `/tokens/${id}`],
        ['DELETE', `/tokens/${id}`],
        ['POST', `/tokens/${id}/rotate`, {}],
      ] as const) {
        const reply = await admin(method, path, body)
        expect([reply.status, await reply.json()]).toEqual([
          503,
          expect.objectContaining({ error: 'session_store_unreachable' }),
        ])
      }
    } finally {
      redis.child.signal('SIGCONT')
    }
    await expectBecomes(ALLOWED)
  })
})

const UNREACHABLE = '503 session_store_unreachable'
