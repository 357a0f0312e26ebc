import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { type Browser, createBrowser } from '../../demo/browser.ts'
import { freePort } from '../../demo/free-port.ts'
import { type Redis, startRedis } from '../../demo/redis.ts'
import { type Vestibule } from '../../demo/vestibule.ts'
import { askVerify } from '../support/verify-request.ts'
import { SESSION_COOKIE, type Site, startSite, until } from './support-world.ts'

jest.setTimeout(60_000)

let redis: Redis | undefined
let site: Site
let second: Vestibule

beforeAll(async () => {
  redis = await startRedis()
  site = await startSite({ store: redis.url })
  second = await site.startAnother({
    verify: await freePort(),
    public: await freePort(),
    ops: await freePort(),
  })
})

beforeEach(() => {
  // oidc-provider misses a global of Node in jest's sandbox when it tells clients of a sign-out.
  jest.spyOn(console, 'warn').mockImplementation(() => {})
})

afterAll(async () => {
  await site?.stop()
  await redis?.stop()
})

type Person = { readonly browser: Browser; readonly cookie: string }

const signIn = async (person: string): Promise<Person> => {
  const browser = createBrowser()
  const target = site.url('wiki')
  const page = await browser.open(target)
  await browser.open(page.url, { form: { person } })
  return { browser, cookie: browser.cookiesFor(target).get(SESSION_COOKIE) ?? '' }
}

/** What each replica says to nginx about a session. */
const statuses = async ({ cookie }: Person): Promise<readonly number[]> => {
  const url = site.url('wiki', '/page')
  const answers = [site.vestibule, second].map(({ ports }) =>
    askVerify(ports.verify, {
      url,
      host: new URL(url).hostname,
      cookie: `${SESSION_COOKIE}=${cookie}`,
    }),
  )
  return (await Promise.all(answers)).map(({ status }) => status)
}

/** Says yes to the page on which the provider asks; nothing of Vestibule's is opened. */
const signOutAtProvider = async ({ browser }: Person): Promise<void> => {
  const { issuer } = site.identityProvider
  const page = await browser.open(`${issuer}/session/end`)
  const xsrf = /name="xsrf" value="([^"]+)"/.exec(page.body)?.[1] ?? ''
  const done = await browser.open(`${issuer}/session/end/confirm`, {
    form: { xsrf, logout: 'yes' },
  })
  expect(done.body).toContain('Your session has ended.')
}

describe('a sign-out at the identity provider', () => {
  test('ends that session on every replica at once, and no other', async () => {
    const [phone, laptop, bob] = [await signIn('alice'), await signIn('alice'), await signIn('bob')]
    for (const each of [phone, laptop, bob]) expect(await statuses(each)).toEqual([200, 200])
    await signOutAtProvider(laptop)
    // The provider waits for the answer of the back channel; the other replica hears of it.
    expect((await statuses(laptop))[0]).toBe(401)
    await until(async () => (await statuses(laptop))[1] === 401, 'the other replica', 1000)
    expect(await statuses(phone)).toEqual([200, 200])
    expect(await statuses(bob)).toEqual([200, 200])
  })

  test('lets him sign in again', async () => {
    const alice = await signIn('alice')
    await signOutAtProvider(alice)
    expect((await statuses(alice))[0]).toBe(401)
    expect(await statuses(await signIn('alice'))).toEqual([200, 200])
  })
})
