import { connect } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { type Redis, startRedis } from '../../demo/redis.ts'
import { parseAnswers, sendRaw } from '../support/raw-http.ts'
import { askPublic } from '../support/sign-in.ts'
import { askVerify } from '../support/verify-request.ts'
import { type Vestibule } from '../support/vestibule.ts'
import {
  BACK_CHANNEL,
  expectDone,
  expectLater,
  expectRefused,
  logout,
  logoutClaims,
  logoutToken,
  nowSeconds,
  post,
  signed,
  signInWithSid,
} from './support-back-channel.ts'
import {
  begin,
  expectRefusal,
  expectSignedIn,
  STALE,
  startAgainst,
  whoIs,
} from './support-callback.ts'
import { newKey, openStore, startReplica, until } from './support-replicas.ts'
import {
  type Claims,
  type ScriptedProvider,
  startScriptedProvider,
} from './support-scripted-provider.ts'

let idp: ScriptedProvider
let vestibule: Vestibule

beforeAll(async () => {
  idp = await startScriptedProvider()
  vestibule = await startAgainst(idp)
})
afterEach(() => idp.play())
afterAll(async () => {
  await vestibule.stop()
  await idp.stop()
})

const head = (lines: readonly string[]): string =>
  [
    `POST ${BACK_CHANNEL} HTTP/1.1`,
    'Host: auth.test',
    'Content-Type: application/x-www-form-urlencoded',
    ...lines,
    '',
    '',
  ].join('\r\n')

describe('B3 bodies that are too large', () => {
  test.each([16 * 1024 + 1, 1024 * 1024])('%d bytes are refused unread', async (length) => {
    const text = await sendRaw(vestibule.publicPort, head([`Content-Length: ${length}`]))
    const [answer] = parseAnswers(text)
    expect([answer?.status, new Map(answer?.headers).get('connection')]).toEqual([413, 'close'])
    expect(JSON.parse(answer?.body ?? '')).toMatchObject({ error: 'invalid_request' })
  })

  test('16 KiB with a good token among them are read', async () => {
    const token = await logoutToken(idp, { sid: 'nobody' })
    const filler = 'x'.repeat(16 * 1024 - token.length - 'logout_token='.length - '&a='.length)
    expectDone(await post(vestibule, { logout_token: token, a: filler }))
  })

  test('a body without end is cut off', async () => {
    const chunk = `1000\r\n${'x'.repeat(0x1000)}\r\n`
    const answer = await new Promise<string>((resolve) => {
      const socket = connect(vestibule.publicPort, '127.0.0.1')
      let text = ''
      const more = setInterval(() => socket.write(chunk), 5)
      socket.on('data', (data) => {
        text += data.toString('latin1')
      })
      // Whoever writes on after the answer finds the door closed.
      socket.on('error', () => undefined)
      socket.on('close', () => {
        clearInterval(more)
        resolve(text)
      })
      socket.write(head(['Transfer-Encoding: chunked']))
    })
    expect(answer).toMatch(/^HTTP\/1\.1 413 /)
  })

  test('a body that comes drop by drop is not waited for', async () => {
    const bytes = `${head(['Content-Length: 1000'])}logout_token=x`
    const [answer] = parseAnswers(await sendRaw(vestibule.publicPort, bytes, 20_000))
    expect([answer?.status, new Map(answer?.headers).get('connection')]).toEqual([408, 'close'])
  })

  test('a compressed body is refused', async () => {
    const headers = { 'content-encoding': 'gzip' }
    const form = { logout_token: await logoutToken(idp, { sid: 'nobody' }) }
    expectRefused(await post(vestibule, form, { headers }))
  })
})

test('B21 a flood is cut off, and answers to nginx go on', async () => {
  const cookie = await signInWithSid(vestibule, idp, 'alice', 'flooded')
  const forged = await logoutToken(idp, { sid: 'flooded' }, { key: idp.keys.foreign })
  const statuses: number[] = []
  const flood = Promise.all(
    Array.from({ length: 40 }, async () => {
      for (let sent = 0; sent < 25; sent += 1) {
        statuses.push((await post(vestibule, { logout_token: forged })).status)
      }
    }),
  )
  const during: number[] = []
  for (let asked = 0; asked < 50; asked += 1) {
    during.push((await askVerify(vestibule.verifyPort, { cookie })).status)
  }
  await flood
  expect(new Set(statuses)).toEqual(new Set([400, 429]))
  expect(new Set(during)).toEqual(new Set([200]))
  const reply = await post(vestibule, { logout_token: forged })
  if (reply.status === 429) expectLater(reply, 429)
  expect(await vestibule.metrics()).toMatch(
    /vestibule_logout_tokens_total\{outcome="limited"\} [1-9]/,
  )
  // It passes by itself, and what is good does not use it up.
  await until(async () => (await logout(vestibule, idp, { sid: 'flooded' })).status === 200)
  expect(await whoIs(vestibule, cookie)).toBeUndefined()
})

test('good tokens are not limited, however many there are', async () => {
  for (let sent = 0; sent < 300; sent += 1) {
    expectDone(await logout(vestibule, idp, { sid: `nobody-${sent}` }))
  }
})

describe('B22 a logout while somebody signs in', () => {
  test.each<readonly [string, Claims]>([
    ['by sid', { sid: 'in-flight' }],
    ['by subject', { sub: 'dora' }],
    ['by both', { sub: 'dora', sid: 'in-flight' }],
  ])('%s leaves him signed out', async (_name, whom) => {
    const issuedAt = nowSeconds()
    idp.play({
      claims: (honest) => ({ ...honest, sid: 'in-flight', iat: issuedAt }),
      meanwhile: async () => expectDone(await logout(vestibule, idp, whom)),
    })
    const begun = await begin(vestibule)
    const callback = idp.authorize(begun.authorizationUrl, 'dora')
    const reply = await askPublic(vestibule, callback, { cookies: [begun.browserCookie] })
    expectRefusal(reply, STALE)
  })

  test('of another session leaves him signed in', async () => {
    idp.play({
      claims: (honest) => ({ ...honest, sid: 'mine', iat: nowSeconds() }),
      meanwhile: async () => expectDone(await logout(vestibule, idp, { sid: 'not-mine' })),
    })
    const begun = await begin(vestibule)
    const callback = idp.authorize(begun.authorizationUrl, 'dave')
    const reply = await askPublic(vestibule, callback, { cookies: [begun.browserCookie] })
    expectSignedIn(reply)
  })
})

test('whatever a token claims, only sessions that it names end', async () => {
  const cookie = await signInWithSid(vestibule, idp, 'mallet', 'fuzzed')
  const base = logoutClaims(idp, {})
  const claims = fc.tuple(
    fc.dictionary(fc.constantFrom(...Object.keys(base), 'nonce', 'sub', 'sid'), fc.jsonValue(), {
      maxKeys: 3,
    }),
    fc.dictionary(fc.string(), fc.jsonValue(), { maxKeys: 3 }),
    fc.subarray(Object.keys(base), { minLength: 4 }),
    fc.constantFrom<Claims>({}, { sid: 'other' }, { sub: 'other' }, { sub: 'mallet', sid: 'x' }),
  )
  await fc.assert(
    fc.asyncProperty(claims, async ([changes, more, kept, whom]) => {
      const honest = logoutClaims(idp, whom)
      const all = {
        ...more,
        ...Object.fromEntries(
          Object.entries(honest).filter(([name]) => kept.includes(name) || name in whom),
        ),
        ...changes,
      }
      const reply = await post(vestibule, { logout_token: await signed(idp, all) })
      expect([200, 400, 429]).toContain(reply.status)
      expect(reply.headers['cache-control']).toBe('no-store')
      const isNamed = all['sid'] === 'fuzzed' || (all['sub'] === 'mallet' && !('sid' in all))
      expect((await whoIs(vestibule, cookie)) === 'mallet' || isNamed).toBe(true)
    }),
    { seed: 0x5eed, numRuns: Number(process.env['VESTIBULE_FUZZ_RUNS'] ?? 200) },
  )
})

describe('two replicas on one Redis', () => {
  const keys = [newKey()]
  let redis: Redis
  let one: Vestibule
  let two: Vestibule

  beforeAll(async () => {
    redis = await startRedis()
    one = await startReplica(idp, redis, keys)
    two = await startReplica(idp, redis, keys)
  })
  afterAll(async () => {
    await one.stop()
    await two.stop()
    await redis.stop()
  })

  const signedIn = async (cookie: string): Promise<readonly boolean[]> =>
    await Promise.all([one, two].map(async (each) => (await whoIs(each, cookie)) !== undefined))

  test('B15 what one was told the other knows: gone, and used', async () => {
    const cookie = await signInWithSid(one, idp, 'erin', 'shared')
    expect(await signedIn(cookie)).toEqual([true, true])
    const form = { logout_token: await logoutToken(idp, { sid: 'shared' }) }
    expectDone(await post(one, form))
    await until(async () => (await signedIn(cookie)).every((is) => !is), 1000)
    expectRefused(await post(two, form))
  })

  test('what ended is cleared away where the person is known', async () => {
    const client = openStore(redis)
    const sessions = async (): Promise<number> =>
      (await client.keys('vestibule:{*}:*')).filter((name) => /:(?:session|tokens)$/.test(name))
        .length
    try {
      const before = await sessions()
      await signInWithSid(one, idp, 'gina', 'stored')
      const other = await signInWithSid(one, idp, 'gina', 'stored-too')
      expect(await sessions()).toBe(before + 4)
      expectDone(await logout(two, idp, { sub: 'gina', sid: 'stored' }))
      expect(await sessions()).toBe(before + 2)
      expect(await signedIn(other)).toEqual([true, true])
    } finally {
      client.disconnect()
    }
  })

  test('what could not be told the store is not called done, and is heard when sent again', async () => {
    const cookie = await signInWithSid(one, idp, 'frank', 'again')
    expect(await signedIn(cookie)).toEqual([true, true])
    const form = { logout_token: await logoutToken(idp, { sid: 'again', sub: 'frank' }) }
    redis.child.signal('SIGSTOP')
    try {
      expectLater(await post(one, form), 503)
    } finally {
      redis.child.signal('SIGCONT')
    }
    await until(async () => (await post(two, form)).status === 200)
    await until(async () => (await signedIn(cookie)).every((is) => !is), 2000)
  })
})
