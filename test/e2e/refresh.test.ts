import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { freePort } from '../../demo/free-port.ts'
import { type Redis, startRedis } from '../../demo/redis.ts'
import { type Vestibule } from '../../demo/vestibule.ts'
import { headerOf } from '../support/raw-http.ts'
import { askVerify } from '../support/verify-request.ts'
import { SESSION_COOKIE, type Site, signIn, startSite, until } from './support-world.ts'

jest.setTimeout(60_000)

let redis: Redis
let site: Site
const others: Vestibule[] = []

const startOther = async (): Promise<Vestibule> => {
  const other = await site.startAnother({
    verify: await freePort(),
    public: await freePort(),
    ops: await freePort(),
  })
  others.push(other)
  return other
}

beforeAll(async () => {
  redis = await startRedis()
  site = await startSite({
    store: redis.url,
    session: { revalidateEvery: '1s', providerOutage: { serveFor: '30s' } },
  })
})
afterAll(async () => {
  await site?.stop()
  await redis?.stop()
})

const HOST = 'grafana.vestibule.localhost'

/** Status and reason of a request of that session, from one process. */
const ask = async ({ ports }: Pick<Vestibule, 'ports'>, session: string): Promise<string> => {
  const answer = await askVerify(ports.verify, {
    host: HOST,
    url: `http://${HOST}/`,
    cookie: `${SESSION_COOKIE}=${session}`,
  })
  return `${answer.status} ${headerOf(answer, 'x-vestibule-reason') ?? ''}`
}

/** Asks until the provider has been asked about the session by that process. */
const untilAsked = async (replica: Vestibule, session: string): Promise<void> => {
  site.identityProvider.resetCounts()
  await until(async () => {
    expect(await ask(replica, session)).toBe('200 rule_matched')
    return site.identityProvider.count('/token') > 0
  }, 'the provider to be asked')
}

describe('a refresh token whose heir nobody got', () => {
  test('signs nobody out: the process that used it was killed before the answer came', async () => {
    const doomed = await startOther()
    const survivor = await startOther()
    const session = await signIn(site, 'alice')
    site.identityProvider.setBehaviour({ losesAnswers: true, paths: ['/token'] })
    await untilAsked(doomed, session)
    doomed.child.signal('SIGKILL')
    await doomed.child.ended
    site.identityProvider.setBehaviour({})
    // The word of the provider is asked for again, without the token that is spent.
    site.identityProvider.resetCounts()
    site.identityProvider.setGroups('alice', [])
    const seen = new Set<string>()
    await until(async () => {
      seen.add(await ask(survivor, session))
      return site.identityProvider.count('/me') > 0 && seen.size > 1
    }, 'the new groups to count')
    site.identityProvider.setGroups('alice', ['sre'])
    expect([...seen].toSorted()).toEqual(['200 rule_matched', '403 no_rule_matched'])
    expect(site.identityProvider.count('/token')).toBe(0)
  })

  test('keeps nobody in who was disabled meanwhile', async () => {
    const session = await signIn(site, 'alice')
    site.identityProvider.setBehaviour({ losesAnswers: true, paths: ['/token'] })
    await untilAsked(site.vestibule, session)
    site.identityProvider.setBehaviour({})
    site.identityProvider.setDisabled('alice', true)
    const seen = new Set<string>()
    await until(async () => {
      seen.add(await ask(site.vestibule, session))
      return seen.size > 1
    }, 'Alice to be signed out')
    expect([...seen]).toEqual(['200 rule_matched', '401 unknown_session'])
    site.identityProvider.setDisabled('alice', false)
  })
})
