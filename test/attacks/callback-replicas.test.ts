import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { type Redis, startRedis } from '../../demo/redis.ts'
import { headerOf } from '../support/raw-http.ts'
import { askPublic } from '../support/sign-in.ts'
import { askVerify } from '../support/verify-request.ts'
import { type Vestibule } from '../support/vestibule.ts'
import {
  begin,
  expectOutage,
  expectRefusal,
  expectSignedIn,
  STALE,
  signInAt,
  whoIs,
} from './support-callback.ts'
import { isReady, newKey, openStore, startReplica, until } from './support-replicas.ts'
import { type ScriptedProvider, startScriptedProvider } from './support-scripted-provider.ts'

const OLD_KEY = newKey()
const NEW_KEY = newKey()

let idp: ScriptedProvider
let redis: Redis

beforeAll(async () => {
  idp = await startScriptedProvider()
  redis = await startRedis()
})
afterEach(() => idp.play())
afterAll(async () => {
  await redis.stop()
  await idp.stop()
})

const startedOnAndCompletedOn = async (one: Vestibule, other: Vestibule, subject = 'alice') => {
  const begun = await begin(one, '?rd=https://app.test/x')
  return await askPublic(other, idp.authorize(begun.authorizationUrl, subject), {
    cookies: [begun.browserCookie],
  })
}

describe('two replicas on one Redis', () => {
  let one: Vestibule
  let two: Vestibule

  beforeAll(async () => {
    one = await startReplica(idp, redis, [OLD_KEY])
    two = await startReplica(idp, redis, [OLD_KEY])
  })
  afterAll(async () => {
    await one.stop()
    await two.stop()
  })

  test('L28 what one begins the other completes, and both know the session', async () => {
    const cookie = expectSignedIn(await startedOnAndCompletedOn(one, two), 'https://app.test/x')
    for (const replica of [one, two]) {
      const answer = await askVerify(replica.verifyPort, { cookie })
      expect([answer.status, headerOf(answer, 'x-auth-request-user')]).toEqual([200, 'alice'])
    }
  })

  test('L5 L28 a callback sent to both at once makes one session', async () => {
    const begun = await begin(one)
    const path = idp.authorize(begun.authorizationUrl)
    const before = idp.tokenRequests().length
    const replies = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        askPublic(index % 2 === 0 ? one : two, path, { cookies: [begun.browserCookie] }),
      ),
    )
    expect(replies.filter(({ status }) => status === 302)).toHaveLength(1)
    expect(replies.filter(({ status }) => status === 400)).toHaveLength(49)
    expect(idp.tokenRequests()).toHaveLength(before + 1)
  })

  // A thousand take some seconds more; VESTIBULE_FUZZ_RUNS asks for them.
  const LOGINS = Number(process.env['VESTIBULE_FUZZ_RUNS'] ?? 0) > 0 ? 1000 : 200

  test(`L39 of ${LOGINS} sign-ins side by side each is about its own person`, async () => {
    const people = Array.from({ length: LOGINS }, (_, index) => `person-${index}`)
    const begun = await Promise.all(
      people.map((_, index) => begin(index % 2 === 0 ? one : two, `?rd=/${index}`)),
    )
    // Completed in another order than begun, each by the replica that did not begin it.
    const completed = await Promise.all(
      people
        .map((subject, index) => ({ subject, index, ...begun[index] }))
        .toReversed()
        .map(async ({ subject, index, authorizationUrl = '', browserCookie = '' }) => {
          const reply = await askPublic(
            index % 2 === 0 ? two : one,
            idp.authorize(authorizationUrl, subject),
            { cookies: [browserCookie] },
          )
          return { subject, cookie: expectSignedIn(reply, `/${index}`) }
        }),
    )
    expect(new Set(completed.map(({ cookie }) => cookie)).size).toBe(LOGINS)
    const seen = await Promise.all(completed.map(({ cookie }) => whoIs(one, cookie)))
    expect(seen).toEqual(completed.map(({ subject }) => subject))
  }, 60_000)

  test('L29 a key that is rotated in between still opens what it sealed', async () => {
    const rotated = await startReplica(idp, redis, [NEW_KEY, OLD_KEY])
    try {
      expectSignedIn(await startedOnAndCompletedOn(one, rotated), 'https://app.test/x')
    } finally {
      await rotated.stop()
    }
  })

  test('L29 a key that is gone gives a clear page, once, and beginning again works', async () => {
    const stranger = await startReplica(idp, redis, [NEW_KEY])
    try {
      const begun = await begin(one)
      const path = idp.authorize(begun.authorizationUrl)
      const before = idp.tokenRequests().length
      const cookies = [begun.browserCookie]
      expectRefusal(await askPublic(stranger, path, { cookies }), STALE)
      expect(idp.tokenRequests()).toHaveLength(before)
      expectSignedIn(await signInAt(stranger, idp))
    } finally {
      await stranger.stop()
    }
  })
})

describe('Redis fails between the exchange and the save', () => {
  let own: Redis
  let replica: Vestibule

  beforeEach(async () => {
    own = await startRedis()
    replica = await startReplica(idp, own, [OLD_KEY])
  })
  afterEach(async () => {
    own.child.signal('SIGCONT')
    await replica.stop()
    await own.stop()
  })

  const completeWhile = async (signal: NodeJS.Signals) => {
    const begun = await begin(replica)
    const path = idp.authorize(begun.authorizationUrl)
    idp.play({ meanwhile: () => own.child.signal(signal) })
    const before = idp.tokenRequests().length
    const reply = await askPublic(replica, path, { cookies: [begun.browserCookie] })
    expect(idp.tokenRequests()).toHaveLength(before + 1)
    idp.play()
    return { begun, path, reply }
  }

  test('L25 killed: an outage page, no cookie, the code is not sent again', async () => {
    const { begun, path, reply } = await completeWhile('SIGKILL')
    expectOutage(reply, 503)
    const before = idp.tokenRequests().length
    const again = await askPublic(replica, path, { cookies: [begun.browserCookie] })
    expectOutage(again, 503)
    expect(idp.tokenRequests()).toHaveLength(before)
    expectOutage(await askPublic(replica, '/oauth2/start'), 503)
    const { port } = new URL(own.url)
    await own.stop()
    own = await startRedis(Number(port))
    await until(() => isReady(replica))
    expectSignedIn(await signInAt(replica, idp))
  })

  test('L26 frozen: no cookie, and what is saved late ends by itself', async () => {
    const { begun, path, reply } = await completeWhile('SIGSTOP')
    expectOutage(reply, 503)
    own.child.signal('SIGCONT')
    await until(() => isReady(replica))
    const cookies = [begun.browserCookie]
    expectRefusal(await askPublic(replica, path, { cookies }), STALE)
    const store = openStore(own)
    try {
      for (const name of await store.keys('*')) {
        // Orphans: no cookie names them, and they have an end.
        expect([name, (await store.pttl(name)) > 0]).toEqual([name, true])
      }
    } finally {
      store.disconnect()
    }
    expectSignedIn(await signInAt(replica, idp))
  })
})
