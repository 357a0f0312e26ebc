import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { type Application } from '../../demo/applications.ts'
import { createBrowser } from '../../demo/browser.ts'
import { type Child } from '../../demo/child.ts'
import { ask, type Reply } from '../../demo/http-client.ts'
import { type Redis, startRedis } from '../../demo/redis.ts'
import {
  SESSION_COOKIE,
  type Site,
  signIn,
  startSite,
  until,
  withSession,
} from './support-world.ts'

jest.setTimeout(60_000)

let redis: Redis | undefined
let site: Site
let wiki: Application
let service: Child
let alice: { readonly cookie: string }

beforeAll(async () => {
  redis = await startRedis()
  site = await startSite({ store: redis.url, overrides: { shutdown: { drain: '40s' } } })
  // The controller sets no time-out for the auth subrequest, which leaves the 60 s of nginx.
  await site.controller.reload({ authTimeout: 2 })
  const found = site.applications.get('wiki')
  if (found === undefined) throw new Error('there is no application wiki')
  wiki = found
  service = site.vestibule.child
  alice = withSession(await signIn(site, 'alice'))
})

afterAll(async () => {
  await site?.stop()
  await redis?.stop()
})

beforeEach(() => {
  wiki.reset()
})

const open = async (headers: Readonly<Record<string, string>> = {}): Promise<Reply> =>
  await ask(site.url('wiki'), { headers })

const isServed = async (): Promise<boolean> => (await open(alice)).status === 200

/** Nobody gets in, nobody is sent to sign in, and nobody loses a session. */
const expectClosed = async (): Promise<void> => {
  const replies = await Promise.all([open(alice), open(), open({ authorization: 'Bearer x' })])
  for (const { status, location, setCookies } of replies) {
    expect([status, location, setCookies]).toEqual([500, undefined, []])
  }
  expect(wiki.hits()).toBe(0)
}

describe('a service that hangs', () => {
  test('closes every door until it goes on, and then nobody has been signed out', async () => {
    service.signal('SIGSTOP')
    try {
      await expectClosed()
    } finally {
      service.signal('SIGCONT')
    }
    await until(isServed, 'the service to go on')
    expect(wiki.received('x-auth-request-user')).toEqual(['alice'])
  })
})

/** People who keep asking; what they were answered. */
const askOnAndOn = () => {
  const statuses: number[] = []
  const over = new AbortController()
  const askers = Array.from({ length: 3 }, async () => {
    while (!over.signal.aborted) statuses.push((await open(alice)).status)
  })
  return {
    statuses,
    stop: async () => {
      over.abort()
      await Promise.all(askers)
    },
  }
}

describe('a service that is told to stop', () => {
  test('finishes what is under way, exits 0, and its successor knows the sessions', async () => {
    const { identityProvider } = site
    // Under the name of a key that nobody has seen: the decision has to ask for the keys.
    const claims = { sub: 'ci', aud: 'vestibule' }
    const token = await identityProvider.issueToken(claims, { header: { kid: 'unseen' } })
    const authorization = `Bearer ${token}`
    const browser = createBrowser()
    const target = site.url('wiki', '/slow')
    const form = { person: 'bob' }
    const { url } = await browser.open(target)
    const crowd = askOnAndOn()
    await until(() => crowd.statuses.length > 20, 'some answers')
    expect(new Set(crowd.statuses)).toEqual(new Set([200]))

    identityProvider.resetCounts()
    identityProvider.setBehaviour({ delayMilliseconds: 500, paths: ['/token', '/jwks'] })
    const signedIn = browser.open(url, { form, before: target })
    const decided = ask(site.url('api', '/v1/x'), { headers: { authorization } })
    const isUnderWay = (): boolean =>
      identityProvider.count('/token') > 0 && identityProvider.count('/jwks') > 0
    await until(isUnderWay, 'a sign-in and a decision to be under way')
    service.signal('SIGTERM')
    expect([(await decided).status, (await signedIn).status]).toEqual([401, 302])
    // Long before the drain is over: nothing is waited for but what is under way.
    await until(service.hasEnded, 'the service to end')
    expect(await service.ended).toBe('ended with exit code 0')
    await crowd.stop()
    identityProvider.setBehaviour({})
    expect(crowd.statuses.filter((status) => status !== 200 && status !== 500)).toEqual([])

    wiki.reset()
    await expectClosed()
    service = (await site.startAnother()).child
    await until(isServed, 'the successor to serve Alice')
    const bob = withSession(browser.cookiesFor(target).get(SESSION_COOKIE) ?? '')
    expect((await open(bob)).status).toBe(200)
    expect(wiki.received('x-auth-request-user')).toEqual(['bob'])
  })
})

describe('a service that dies', () => {
  test('closes every door at once, and sessions outlive it', async () => {
    service.signal('SIGKILL')
    await service.ended
    await expectClosed()
    await site.startAnother()
    await until(isServed, 'the successor to serve Alice')
  })
})
