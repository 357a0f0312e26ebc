import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { type Redis as Client } from 'ioredis'
import { type Redis, startRedis } from '../../demo/redis.ts'
import { headerOf } from '../support/raw-http.ts'
import { askPublic } from '../support/sign-in.ts'
import { askVerify } from '../support/verify-request.ts'
import { type Vestibule } from '../support/vestibule.ts'
import { expectOutage, expectSignedIn, signInAt } from './support-callback.ts'
import { type HostileRedis, startHostileRedis, type Tamper } from './support-hostile-redis.ts'
import { isReady, newKey, openStore, startReplica, until } from './support-replicas.ts'
import { type ScriptedProvider, startScriptedProvider } from './support-scripted-provider.ts'

/*
 * C11: a Redis that fails, lies or answers out of turn. Whatever it does, nobody gets in who must
 * not, nobody is signed out, and it comes back by itself.
 */

let idp: ScriptedProvider
let redis: Redis
let hostile: HostileRedis
let vestibule: Vestibule
let direct: Client
let alice: string
let bob: string

beforeAll(async () => {
  idp = await startScriptedProvider()
  redis = await startRedis()
  hostile = await startHostileRedis(redis.url)
  vestibule = await startReplica(idp, hostile, [newKey()], {
    config: {
      session: {
        store: hostile.url,
        keysFile: './session-keys',
        storeTimeout: '150ms',
        storeOutage: { serveKnownFor: '1s' },
      },
    },
  })
  direct = openStore(redis)
  // On a machine that is busy, the first of all takes longer than the store may.
  await until(async () => (await signInAt(vestibule, idp, { subject: 'carol' })).status === 302)
  alice = expectSignedIn(await signInAt(vestibule, idp, { subject: 'alice' }))
  bob = expectSignedIn(await signInAt(vestibule, idp, { subject: 'bob' }))
})
afterEach(async () => {
  await recovered()
})
afterAll(async () => {
  direct.disconnect()
  await vestibule.stop()
  await hostile.stop()
  await redis.stop()
  await idp.stop()
})

/** The store answers again, and everybody is who he was. */
const recovered = async (): Promise<void> => {
  hostile.tamper(undefined)
  await until(async () => await isReady(vestibule))
  await until(async () => (await outcomeOf(alice)) === '200 alice')
}

/** Status, and who it was, or why not. */
const outcomeOf = async (cookie: string): Promise<string> => {
  const answer = await askVerify(vestibule.verifyPort, { cookie })
  const who = headerOf(answer, 'x-auth-request-user') ?? headerOf(answer, 'x-vestibule-reason')
  return `${answer.status} ${who ?? ''}`
}

const UNREACHABLE = '503 session_store_unreachable'

/** Nothing is remembered from before: every request has to ask, and has to get an answer. */
const forgetting =
  (tamper: Tamper): Tamper =>
  (command) => {
    const [verb = '', word = ''] = command.map((part) => part.toLowerCase())
    if (verb === 'client' && word === 'trackinginfo') return { kind: 'hang_up' }
    return tamper(command)
  }

const reads = (command: readonly string[]): boolean => /^getrange$/i.test(command[0] ?? '')

/** What one session meets from now until what was known is too old to be served. */
const expectClosed = async (tamper: Tamper): Promise<void> => {
  hostile.tamper(forgetting(tamper))
  const seen = new Set<string>()
  await until(async () => {
    seen.add(await outcomeOf(alice))
    return seen.has(UNREACHABLE)
  })
  // Served from what was known, then refused: never as nobody, never as somebody else.
  seen.delete('200 alice')
  expect([...seen]).toEqual([UNREACHABLE])
  expect(await outcomeOf(bob)).toBe(UNREACHABLE)
}

describe('S4 an error in place of a record', () => {
  test.each([
    'LOADING Redis is loading the dataset in memory',
    'READONLY You can’t write against a read only replica.',
    'OOM command not allowed',
    'MASTERDOWN Link with MASTER is down',
    'MOVED 3999 127.0.0.1:1',
    'ASK 3999 127.0.0.1:1',
    'CLUSTERDOWN The cluster is down',
    'BUSY Redis is busy running a script',
    'TRYAGAIN Multiple keys request during rehashing of slot',
    'NOSCRIPT No matching script',
    'WRONGTYPE Operation against a key holding the wrong kind of value',
    'MISCONF Redis is configured to save RDB snapshots',
    'NOAUTH Authentication required.',
    'NOPERM this user has no permissions to run this command',
    '',
  ])('-%s closes with 503 and keeps the session', async (error) => {
    await expectClosed((command) =>
      reads(command) ? { kind: 'answer', bytes: `-${error}\r\n` } : undefined,
    )
  })
})

describe('S5 something that is no answer', () => {
  test.each([
    ['garbage', '!!!\r\n'],
    ['another protocol', 'HTTP/1.1 400 Bad Request\r\n\r\n'],
    ['a length that nobody has', '$999999999999\r\n'],
    ['a null array', '*-1\r\n'],
    ['a number', ':1\r\n'],
    ['an array', '*2\r\n$1\r\na\r\n$1\r\nb\r\n'],
    ['bytes that are no text', '\xff\xfe\x00\r\n'],
  ])('%s: no answer goes to another question', async (_what, bytes) => {
    await expectClosed((command) => (reads(command) ? { kind: 'answer', bytes } : undefined))
  })

  test('an answer too many: what comes after it is never taken for the next record', async () => {
    const name = (await direct.keys('vestibule:*:session'))[0] ?? ''
    const record = (await direct.getBuffer(name))?.toString('latin1') ?? ''
    const extra = `$${record.length}\r\n${record}\r\n`
    hostile.tamper(
      forgetting((command) =>
        reads(command) ? { kind: 'answer', bytes: `${extra}${extra}` } : undefined,
      ),
    )
    const seen = new Set<string>()
    for (let round = 0; round < 40; round += 1) {
      for (const [cookie, who] of [
        [alice, 'alice'],
        [bob, 'bob'],
      ] as const) {
        const outcome = await outcomeOf(cookie)
        seen.add(
          outcome.startsWith('200') && outcome !== `200 ${who}` ? `${who} as ${outcome}` : '',
        )
      }
    }
    expect([...seen]).toEqual([''])
  })
})

test("S6 the record of somebody else in place of one's own is nobody's", async () => {
  const names = await direct.keys('vestibule:*:session')
  hostile.tamper(
    forgetting((command) =>
      reads(command) && command[1]?.endsWith(':session') === true
        ? {
            kind: 'instead',
            command: command.with(1, names.find((name) => name !== command[1]) ?? ''),
          }
        : undefined,
    ),
  )
  await until(async () => (await outcomeOf(alice)) === '401 unknown_session')
  for (let round = 0; round < 20; round += 1) {
    // Served from what was known, while the store cannot be believed: then it is himself.
    expect(['401 unknown_session', UNREACHABLE, '200 bob']).toContain(await outcomeOf(bob))
  }
})

describe('S18 S20 a write that nobody confirms', () => {
  const loses =
    (pattern: RegExp, kind: 'lost_answer' | 'lost_command'): Tamper =>
    (command) =>
      pattern.test(command.slice(0, 2).join(' ')) ? { kind } : undefined

  test.each(['lost_answer', 'lost_command'] as const)(
    'at the end of a sign-in (%s) gives a page that says so, and no cookie',
    async (kind) => {
      hostile.tamper(loses(/^set vestibule:\{.*\}:session$/i, kind))
      const reply = await signInAt(vestibule, idp, { subject: 'carol' })
      expectOutage(reply, 503)
    },
  )

  test.each(['lost_answer', 'lost_command'] as const)(
    'S26 in the index (%s): there is no session that nobody could list',
    async (kind) => {
      const before = (await direct.keys('vestibule:*:session')).length
      hostile.tamper(loses(/^hset /i, kind))
      expectOutage(await signInAt(vestibule, idp, { subject: 'carol' }), 503)
      expect(await direct.keys('vestibule:*:session')).toHaveLength(before)
    },
  )

  test.each(['lost_answer', 'lost_command'] as const)(
    'of use (%s) keeps nobody out',
    async (kind) => {
      hostile.tamper(loses(/^set vestibule:\{.*\}:used$/i, kind))
      expect(await outcomeOf(alice)).toBe('200 alice')
    },
  )

  test('at signing out is told, and the session is over here all the same', async () => {
    const cookie = expectSignedIn(await signInAt(vestibule, idp, { subject: 'dora' }))
    expect(await outcomeOf(cookie)).toBe('200 dora')
    hostile.tamper(loses(/^(?:unlink|xadd) /i, 'lost_command'))
    const reply = await askPublic(vestibule, '/oauth2/sign_out', { cookies: [cookie] })
    expect([reply.status, reply.setCookies]).toEqual([503, []])
    expect(reply.body).toContain('You may still be signed in')
    await recovered()
    expect(await outcomeOf(cookie)).toBe('401 unknown_session')
    const again = await askPublic(vestibule, '/oauth2/sign_out', { cookies: [cookie] })
    expect(again.status).toBe(302)
  })

  test('at signing out is no false alarm where only its answer was lost, and only once', async () => {
    const cookie = expectSignedIn(await signInAt(vestibule, idp, { subject: 'dora' }))
    hostile.tamper(loses(/^unlink /i, 'lost_answer'))
    const reply = await askPublic(vestibule, '/oauth2/sign_out', { cookies: [cookie] })
    // The mark reached the store: that alone ends the session everywhere.
    expect(reply.status).toBe(302)
    await recovered()
    expect(await outcomeOf(cookie)).toBe('401 unknown_session')
  })
})

describe('S19 S29 a Redis that is full', () => {
  test('of memory lets nobody in anew, and nobody out', async () => {
    await direct.config('SET', 'maxmemory', '1')
    try {
      expectOutage(await askPublic(vestibule, '/oauth2/start'), 503)
      expect(await outcomeOf(alice)).toBe('200 alice')
    } finally {
      await direct.config('SET', 'maxmemory', '0')
    }
    expectSignedIn(await signInAt(vestibule, idp, { subject: 'erin' }))
  })

  test('of connections: known sessions pass for a while, then 503, and it comes back', async () => {
    await direct.config('SET', 'maxclients', '1')
    try {
      await expectClosed(() => ({ kind: 'hang_up' }))
    } finally {
      await direct.config('SET', 'maxclients', '1000')
    }
  })
})
