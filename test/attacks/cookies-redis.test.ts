import { createHash, randomBytes } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { Redis } from 'ioredis'
import { type Redis as RedisServer, startRedis } from '../../demo/redis.ts'
import { parseKeyRing } from '../../src/edge/sessions/key-ring.ts'
import { seal, unseal } from '../../src/edge/sessions/sealing.ts'
import { signIn } from '../support/sign-in.ts'
import { askVerify } from '../support/verify-request.ts'
import { startVestibule, type Vestibule } from '../support/vestibule.ts'
import {
  expectOutcome,
  sessionIdOf,
  startWorld,
  untilReady,
  type World,
} from './support-requests.ts'
import { expectSoundRecords } from './support-requests-invariants.ts'
import { POLICIES } from './support-requests-policies.ts'

const NAME = '__Secure-vestibule'
const UNKNOWN = '401 unknown_session'
const ALLOWED = '200 rule_matched'

const key = (): string => randomBytes(32).toString('base64url')
const OLD = key()
const NEW = key()

let server: RedisServer
let redis: Redis
let world: World
/** alice's session id, the name of its record, and the record. */
let id: string
let name: string
let record: Buffer

const nameOf = (sessionId: string, part: 'session' | 'tokens' | 'used'): string =>
  `vestibule:{${createHash('sha256').update(sessionId).digest('base64url')}}:${part}`

const storeSettings = (keys: string) => ({
  config: { session: { store: server.url } },
  environment: { VESTIBULE_SESSION_KEYS: keys },
})

beforeAll(async () => {
  server = await startRedis()
  redis = new Redis(server.url)
  world = await startWorld(storeSettings(OLD))
  id = sessionIdOf(world.cookies.alice)
  name = nameOf(id, 'session')
  record = (await redis.getBuffer(name)) ?? Buffer.alloc(0)
})
afterAll(async () => {
  await world.stop()
  redis.disconnect()
  await server.stop()
})
/** Each case begins with alice's session as it was made. */
beforeEach(async () => {
  await redis.set(name, record, 'PX', 3_600_000)
  await redis.set(nameOf(id, 'used'), String(Date.now()), 'PX', 3_600_000)
})

const expectSession = async (outcome: typeof UNKNOWN | typeof ALLOWED): Promise<void> => {
  await expectOutcome(world, { cookie: world.cookies.alice }, outcome, 'alice')
}

describe('what Redis sees', () => {
  test('no session id, neither in names nor in records', async () => {
    const names = await redis.keys('*')
    expect(
      names.filter((each) =>
        /^vestibule:(?:\{[\w-]{43}\}:(?:session|tokens|used)|sessions-of:[\w-]{43}|sign-ins)$/.test(
          each,
        ),
      ),
    ).toEqual(names)
    const values = await Promise.all(names.map(async (each) => await redis.dumpBuffer(each)))
    const everything = Buffer.concat(values.map((value) => value ?? Buffer.alloc(0))).toString(
      'latin1',
    )
    for (const secret of world.secrets) {
      expect(names.join('\n').includes(secret)).toBe(false)
      expect(everything.includes(secret)).toBe(false)
    }
    expect(everything.includes('alice')).toBe(false)
  })

  // K13 too: of the spellings of one id, those with spare bits set are not even looked up.
  test('K14 one look by a digest for an id of the form, and nothing for any other', async () => {
    const seen: (readonly string[])[] = []
    const monitor = await redis.monitor()
    monitor.on('monitor', (_time: string, command: readonly string[]) => {
      seen.push(command)
    })
    const unknown = 'A'.repeat(43)
    const malformed = [
      '',
      '../../x',
      '*',
      'vestibule:*',
      'a:b',
      '{slot}',
      `${id}A`,
      id.slice(1),
      `${id.slice(0, -1)}B`,
    ]
    try {
      for (const value of malformed)
        await askVerify(world.vestibule.verifyPort, { cookie: `${NAME}=${value}` })
      await askVerify(world.vestibule.verifyPort, { cookie: `${NAME}=${unknown}` })
      await redis.ping()
      const deadline = Date.now() + 2000
      while (!seen.some(([verb]) => /^ping$/i.test(verb ?? '')) && Date.now() < deadline) {
        await new Promise((resolve) => setImmediate(resolve))
      }
    } finally {
      monitor.disconnect()
    }
    for (let each = 0; each <= malformed.length; each += 1) world.lose()
    const asked = seen.filter(([verb]) => !/^(?:ping|info|client)$/i.test(verb ?? ''))
    expect(asked.map(([verb = '', of]) => [verb.toLowerCase(), of])).toEqual([
      ['getrange', nameOf(unknown, 'session')],
    ])
    expect(await redis.exists(nameOf(unknown, 'used'))).toBe(0)
    await expectSession(ALLOWED)
  })
})

const changed = (at: number): Buffer => {
  const copy = Buffer.from(record)
  copy.writeUInt8((copy.readUInt8(at) + 1) % 256, at)
  return copy
}

describe('records that somebody tampered with', () => {
  const FORMAT = 0
  const KEY_ID = 1
  const NONCE = 9
  const BODY = 21

  test.each([1, 3, 4, 8, 12, 13, 15, 16])(
    'K23 the tag without its last %i bytes',
    async (count) => {
      await redis.set(name, record.subarray(0, -count))
      await expectSession(UNKNOWN)
    },
  )

  test.each([
    ['the id of the key', KEY_ID],
    ['the nonce', NONCE],
    ['the content', BODY],
  ])('K23 another byte in %s', async (_what, at) => {
    await redis.set(name, changed(at))
    await expectSession(UNKNOWN)
  })

  test('S8 a record of a later version closes with 503, and stays', async () => {
    await redis.set(name, changed(FORMAT))
    const request = { cookie: world.cookies.alice, url: 'https://plain.test/x', host: 'plain.test' }
    const closed = await askVerify(world.vestibule.verifyPort, request)
    world.lose()
    expect(closed.status).toBe(503)
    expect(await redis.exists(name)).toBe(1)
    await redis.set(name, record)
    await expectSession(ALLOWED)
  })

  test.each([
    ['an earlier format', () => Buffer.concat([Buffer.of(0), record.subarray(1)])],
    ['nothing', () => Buffer.alloc(0)],
    ['one byte', () => Buffer.of(1)],
    ['the head only', () => record.subarray(0, BODY)],
    [
      'a shorter nonce',
      () => Buffer.concat([record.subarray(0, NONCE), record.subarray(NONCE + 1)]),
    ],
    ['more behind it', () => Buffer.concat([record, Buffer.of(0)])],
    ['A4.19 plain JSON', () => Buffer.from('{"createdAt":1,"principal":{"kind":"authenticated"}}')],
    ['64 KB of zeros', () => Buffer.alloc(65_536)],
  ])('K23 %s', async (_what, value) => {
    await redis.set(name, value())
    await expectSession(UNKNOWN)
  })

  test("K23 somebody else's record, or the tokens of the same session", async () => {
    for (const other of [
      nameOf(sessionIdOf(world.cookies.root), 'session'),
      nameOf(id, 'tokens'),
    ]) {
      await redis.set(name, (await redis.getBuffer(other)) ?? '')
      await expectSession(UNKNOWN)
    }
  })

  test('K23 a value that is no string at all closes with 503', async () => {
    await redis.del(name)
    await redis.lpush(name, 'x')
    const request = { cookie: world.cookies.alice, url: 'https://plain.test/x', host: 'plain.test' }
    const closed = await askVerify(world.vestibule.verifyPort, request)
    world.lose()
    expect(closed.status).toBe(503)
    await redis.del(name)
  })

  test('K23 what cannot be read is left alone, and read again when its key is back', async () => {
    await redis.set(name, changed(BODY))
    await expectSession(UNKNOWN)
    expect(await redis.exists(name)).toBe(1)
    await redis.set(name, record)
    await expectSession(ALLOWED)
  })
})

describe('the age of a session', () => {
  test('K18 one past its absolute end is refused and removed, though Redis keeps it', async () => {
    const ring = parseKeyRing(OLD)
    if (!ring.ok) throw new Error('no ring')
    const session = unseal(ring.value, id, 'session', record) as Record<string, unknown>
    const createdAt = Number(session['createdAt']) - 25 * 3600
    await redis.set(name, seal(ring.value, id, 'session', { ...session, createdAt }))
    expect(await redis.pttl(name)).toBe(-1)
    await expectSession(UNKNOWN)
    expect(await redis.exists(name)).toBe(0)
  })

  test('K19 one that was idle for too long is refused, though it is young', async () => {
    await redis.pexpire(nameOf(id, 'used'), 1)
    const deadline = Date.now() + 2000
    while ((await redis.exists(nameOf(id, 'used'))) === 1 && Date.now() < deadline) {
      await new Promise((resolve) => setImmediate(resolve))
    }
    await expectSession(UNKNOWN)
    expect(await redis.exists(name)).toBe(0)
  })

  test('K19 use lets the idle time begin anew', async () => {
    await redis.pexpire(nameOf(id, 'used'), 60_000)
    await expectSession(ALLOWED)
    expect(await redis.pttl(nameOf(id, 'used'))).toBeGreaterThan(7 * 3_600_000)
  })

  test('K34 one that a newer one of the same person replaced ends within a minute', async () => {
    const { sessionCookie: old } = await signIn(world.vestibule, 'bob')
    const { sessionCookie: fresh } = await signIn(world.vestibule, 'bob', { cookies: [old] })
    expect(fresh).not.toBe(old)
    const left = await redis.pttl(nameOf(sessionIdOf(old), 'session'))
    expect(left).toBeLessThanOrEqual(60_000)
    await expectOutcome(world, { cookie: fresh }, ALLOWED, 'bob')
  })
})

const statusAt = async (keys: string, cookie: string): Promise<number> => {
  const settings = storeSettings(keys)
  const vestibule: Vestibule = await startVestibule({ policies: POLICIES, ...settings })
  try {
    await untilReady(vestibule)
    return (await askVerify(vestibule.verifyPort, { cookie })).status
  } finally {
    await vestibule.stop()
  }
}

describe('keys that come and go', () => {
  test('K21 an old key serves while it is listed; without it there is no session', async () => {
    const { alice } = world.cookies
    expect(await statusAt(`${NEW}\n${OLD}\n`, alice)).toBe(200)
    expect(await statusAt(NEW, alice)).toBe(401)
    expect(await statusAt(OLD, alice)).toBe(200)
  })

  test('K21 a record of a key that is yet to come is no session', async () => {
    const ring = parseKeyRing(NEW)
    if (!ring.ok) throw new Error('no ring')
    const session = { createdAt: Math.floor(Date.now() / 1000), principal: {} }
    await redis.set(name, seal(ring.value, id, 'session', session))
    await expectSession(UNKNOWN)
  })
})

test('every answer left one clean line and only known labels', async () => {
  await expectSoundRecords(world)
})
