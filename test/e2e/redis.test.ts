import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { Redis as RedisClient } from 'ioredis'
import { createBrowser } from '../../demo/browser.ts'
import { freePort } from '../../demo/free-port.ts'
import { ask, type Reply } from '../../demo/http-client.ts'
import { type Redis, startRedis } from '../../demo/redis.ts'
import { type Vestibule } from '../../demo/vestibule.ts'
import { CLUSTER_NAME } from '../../demo/world.ts'
import {
  SESSION_COOKIE,
  type Site,
  signIn,
  startSite,
  until,
  withSession,
} from './support-world.ts'

jest.setTimeout(60_000)

/** The shortest that leaves a slow machine time for the request that has to be served. */
const SERVE_KNOWN_FOR_MS = 3000

let redis: Redis | undefined
let site: Site
/** A second process, on ports of its own; nginx asks whichever `lead` names. */
let second: Vestibule

beforeAll(async () => {
  redis = await startRedis()
  site = await startSite({
    store: redis.url,
    session: { storeTimeout: '100ms', storeOutage: { serveKnownFor: `${SERVE_KNOWN_FOR_MS}ms` } },
  })
  second = await site.startAnother({
    verify: await freePort(),
    public: await freePort(),
    ops: await freePort(),
  })
})

afterAll(async () => {
  await site?.stop()
  await redis?.stop()
})

/** Lets nginx ask one of the two processes. */
const lead = async ({ ports }: Pick<Vestibule, 'ports'>): Promise<void> => {
  const services = Object.fromEntries(
    [...site.applications].map(([name, { address }]) => [name, address]),
  )
  await site.controller.reload({
    services: { ...services, 'vestibule-public': `127.0.0.1:${ports.public}` },
    clusterNames: { [CLUSTER_NAME]: `127.0.0.1:${ports.verify}` },
  })
}

const open = async (session?: string, path = '/'): Promise<Reply> =>
  await ask(site.url('wiki', path), {
    headers: { accept: 'text/html', ...(session === undefined ? {} : withSession(session)) },
  })

const statusFor = async (session: string): Promise<number> => (await open(session)).status

/** What stands under a name, of whatever type it is. */
const contentOf = async (client: RedisClient, key: string): Promise<readonly (Buffer | null)[]> => {
  switch (await client.type(key)) {
    case 'string':
      return [await client.getBuffer(key)]
    case 'hash':
      return Object.values(await client.hgetallBuffer(key))
    case 'zset':
      return await client.zrangeBuffer(key, 0, '-1')
    case 'stream':
      return [Buffer.from(JSON.stringify(await client.xrange(key, '-', '+')))]
    default:
      throw new Error(`nobody knows what ${key} is`)
  }
}

/** Everything that a thief of the Redis would have, as text of every kind. */
const dump = async (): Promise<string> => {
  const client = new RedisClient(redis?.url ?? '')
  try {
    const parts: string[] = []
    for await (const keys of client.scanStream() as AsyncIterable<string[]>) {
      for (const key of keys) {
        parts.push(key)
        for (const bytes of [...(await contentOf(client, key)), await client.dumpBuffer(key)]) {
          parts.push(bytes?.toString('latin1') ?? '', bytes?.toString('base64url') ?? '')
        }
      }
    }
    return parts.join('\n')
  } finally {
    client.disconnect()
  }
}

describe('sessions in Redis', () => {
  test('are of no use to somebody who reads it', async () => {
    const browser = createBrowser()
    const { url } = await browser.open(site.url('wiki'))
    const duringSignIn = await dump()
    await browser.open(url, { form: { person: 'alice' } })
    const session = browser.cookiesFor(site.url('wiki')).get(SESSION_COOKIE) ?? ''
    const everything = `${duringSignIn}\n${await dump()}`
    expect(everything).toMatch(/^vestibule:\{[A-Za-z0-9_-]{43}\}:session$/m)
    expect(everything).toMatch(/^vestibule:\{[A-Za-z0-9_-]{43}\}:tokens$/m)
    expect(everything).toMatch(/^vestibule:sign-in:[A-Za-z0-9_-]{43}$/m)
    expect(everything).toMatch(/^vestibule:sessions-of:[A-Za-z0-9_-]{43}$/m)

    const { location = '' } = await ask(site.url('auth', '/oauth2/sign_out'), {
      headers: withSession(session),
    })
    const idToken = new URL(location).searchParams.get('id_token_hint') ?? ''
    const browserCookie = browser.cookiesFor(site.url('auth')).get('vestibule-sign-in') ?? ''
    const secrets = [session, browserCookie, ...idToken.split('.')]
    expect(secrets.map((secret) => secret.length > 40)).toEqual(Array(5).fill(true))
    for (const secret of [...secrets, 'alice', 'example.com', 'eyJ', 'localhost']) {
      expect([secret, everything.includes(secret)]).toEqual([secret, false])
    }
    expect((await dump()).split('\n').filter((line) => line.endsWith(':session'))).toEqual([])
  })

  test('serve two processes: begun on one, finished on the other, ended on the first', async () => {
    const browser = createBrowser()
    const target = site.url('wiki', '/page')
    await lead(site.vestibule)
    const { url } = await browser.open(target)
    await lead(second)
    const page = await browser.open(url, { form: { person: 'bob' } })
    expect([page.url, page.status]).toEqual([target, 200])
    const session = browser.cookiesFor(target).get(SESSION_COOKIE) ?? ''
    await lead(site.vestibule)
    expect(await statusFor(session)).toBe(200)
    await browser.open(site.url('auth', '/oauth2/sign_out'))
    await lead(second)
    expect(await statusFor(session)).toBe(302)
  })
})

const unknownSession = (): string => randomBytes(32).toString('base64url')

type Sessions = {
  /** Seen a moment ago by the process that is asked. */
  readonly alice: string
  /** Known to the other process only. */
  readonly stranger: string
  /** Of somebody who wants to sign out just now. */
  readonly leaver: string
}

/** What people meet while Redis does not answer. */
const expectOutage = async ({ alice, stranger, leaver }: Sessions): Promise<void> => {
  const [known, unknown, elsewhere, start, end] = await Promise.all([
    open(alice),
    open(unknownSession()),
    open(stranger),
    ask(site.url('auth', '/oauth2/start?rd=/'), { headers: { accept: 'text/html' } }),
    ask(site.url('auth', '/oauth2/sign_out'), { headers: withSession(leaver) }),
  ])
  expect([known.status, unknown.status, elsewhere.status]).toEqual([200, 500, 500])
  expect([start.status, end.status]).toEqual([503, 503])
  expect(start.body).toContain('Vestibule cannot reach its session store.')
  expect(end.body).toContain('<h1>You may still be signed in</h1>')
  for (const { setCookies, location } of [known, unknown, elsewhere, start, end]) {
    expect([setCookies, location]).toEqual([[], undefined])
  }
}

describe('a Redis that does not answer', () => {
  let sessions: Sessions

  beforeEach(async () => {
    await lead(second)
    const stranger = await signIn(site, 'carol')
    await lead(site.vestibule)
    sessions = { alice: await signIn(site, 'alice'), stranger, leaver: await signIn(site, 'bob') }
    expect(await statusFor(sessions.alice)).toBe(200)
  })

  test('costs nobody the session: known ones are served for a while, all of them after', async () => {
    redis?.child.signal('SIGSTOP')
    try {
      await expectOutage(sessions)
      await until(async () => (await statusFor(sessions.alice)) === 500, 'the grace to be over')
      expect((await open()).status).toBe(302)
      expect((await open(unknownSession(), '/public/welcome')).status).toBe(200)
    } finally {
      redis?.child.signal('SIGCONT')
    }
    await until(async () => (await statusFor(sessions.alice)) === 200, 'Alice to be served again')
    expect(await statusFor(sessions.stranger)).toBe(200)
    expect(await statusFor(unknownSession())).toBe(302)
    expect(await signIn(site, 'bob')).toMatch(/^[A-Za-z0-9_-]{43}$/)
  })

  test('and comes back empty needs no hand: people sign in again', async () => {
    const port = Number(new URL(redis?.url ?? '').port)
    redis?.child.signal('SIGKILL')
    await redis?.child.ended
    await expectOutage(sessions)
    await redis?.stop()
    redis = await startRedis(port)
    expect(new URL(redis.url).port).toBe(String(port))
    await until(async () => (await statusFor(sessions.alice)) === 302, 'the new Redis to be asked')
    const fresh = await signIn(site, 'alice')
    expect(await statusFor(fresh)).toBe(200)
    await lead(second)
    await until(async () => (await statusFor(fresh)) === 200, 'the other process to follow')
  })
})
