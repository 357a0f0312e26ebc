import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { type Reply } from '../../demo/http-client.ts'
import { askPublic } from '../support/sign-in.ts'
import { type Vestibule } from '../support/vestibule.ts'
import {
  BACK_CHANNEL,
  EVENT,
  expectDone,
  expectRefused,
  logout,
  logoutClaims,
  logoutToken,
  nowSeconds,
  post,
  signed,
  signInWithSid,
} from './support-back-channel.ts'
import { expectUnspoken, startAgainst, whoIs } from './support-callback.ts'
import {
  type Claims,
  type ScriptedProvider,
  startScriptedProvider,
} from './support-scripted-provider.ts'

let idp: ScriptedProvider
let vestibule: Vestibule
/** Alice at `at-home` and at `at-work`, Bob at `elsewhere`. */
let alice: string
let aliceToo: string
let bob: string

beforeAll(async () => {
  idp = await startScriptedProvider()
  vestibule = await startAgainst(idp)
})
let round = 0
let names: { readonly home: string; readonly work: string; readonly bob: string }
let subjects: { readonly alice: string; readonly bob: string }

beforeEach(async () => {
  // What one test ended stays ended: each has people of its own.
  round += 1
  names = { home: `home-${round}`, work: `work-${round}`, bob: `bob-${round}` }
  subjects = { alice: `alice-${round}`, bob: `bob-${round}` }
  alice = await signInWithSid(vestibule, idp, subjects.alice, names.home)
  aliceToo = await signInWithSid(vestibule, idp, subjects.alice, names.work)
  bob = await signInWithSid(vestibule, idp, subjects.bob, names.bob)
})
afterEach(() => idp.play())
afterAll(async () => {
  await vestibule.stop()
  await idp.stop()
})

const signedIn = async (): Promise<readonly boolean[]> =>
  await Promise.all(
    [alice, aliceToo, bob].map(async (each) => (await whoIs(vestibule, each)) !== undefined),
  )

const expectNothingEnded = async (): Promise<void> => {
  expect(await signedIn()).toEqual([true, true, true])
}

const sendRaw = (body: string, contentType: string | undefined): Promise<Response> =>
  fetch(`http://127.0.0.1:${vestibule.publicPort}${BACK_CHANNEL}`, {
    method: 'POST',
    body: Buffer.from(body),
    headers: contentType === undefined ? {} : { 'content-type': contentType },
  })

describe('B1 what is no form with one logout token', () => {
  const form = 'application/x-www-form-urlencoded'
  const rows: readonly (readonly [string, string | undefined, (token: string) => string])[] = [
    ['no body', form, () => ''],
    ['no content type', undefined, (token) => `logout_token=${token}`],
    ['an empty token', form, () => 'logout_token='],
    ['another parameter alone', form, (token) => `token=${token}`],
    ['the token twice', form, (token) => `logout_token=${token}&logout_token=${token}`],
    ['a list', form, (token) => `logout_token[]=${token}`],
    ['JSON', 'application/json', (token) => JSON.stringify({ logout_token: token })],
    ['JSON under the type of a form', form, (token) => JSON.stringify({ logout_token: token })],
    ['plain text', 'text/plain', (token) => `logout_token=${token}`],
    ['a JWT', 'application/logout+jwt', (token) => token],
    [
      'multipart',
      'multipart/form-data; boundary=x',
      (token) =>
        `--x\r\ncontent-disposition: form-data; name="logout_token"\r\n\r\n${token}\r\n--x--`,
    ],
    ['another charset', `${form}; charset=utf-16`, (token) => `logout_token=${token}`],
    ['two types', `${form}, text/plain`, (token) => `logout_token=${token}`],
  ]

  test.each(rows)('%s is refused', async (_name, contentType, bodyOf) => {
    const reply = await sendRaw(bodyOf(await logoutToken(idp, { sid: names.home })), contentType)
    expect([reply.status, reply.headers.get('cache-control')]).toEqual([400, 'no-store'])
    expect(await reply.json()).toMatchObject({ error: 'invalid_request' })
    await expectNothingEnded()
  })

  test.each([form, `${form};charset=UTF-8`, `${form.toUpperCase()}; charset="utf-8"`])(
    'as %s it is understood',
    async (contentType) => {
      const token = await logoutToken(idp, { sid: names.home })
      expect((await sendRaw(`logout_token=${token}`, contentType)).status).toBe(200)
      expect(await signedIn()).toEqual([false, true, true])
    },
  )

  test('a token in the query is not looked at', async () => {
    const token = await logoutToken(idp, { sid: names.home })
    const path = `${BACK_CHANNEL}?logout_token=${token}`
    expectRefused(await askPublic(vestibule, path, { method: 'POST', form: {} }))
    await expectNothingEnded()
  })
})

test.each(['GET', 'PUT', 'OPTIONS', 'HEAD', 'DELETE'])('B2 %s is not allowed', async (method) => {
  const token = await logoutToken(idp, { sid: names.home })
  const path = `${BACK_CHANNEL}?logout_token=${token}`
  const reply = await askPublic(vestibule, path, { method })
  expect([reply.status, reply.headers.allow]).toEqual([405, 'POST'])
  await expectNothingEnded()
})

test('B5 other parameters are ignored', async () => {
  const form = { state: 'x', ['__proto__']: '1', 'a[b]': 'c', 'constructor[prototype]': 'x' }
  const token = await logoutToken(idp, { sid: names.home })
  expectDone(await post(vestibule, { ...form, logout_token: token }))
  expect(await signedIn()).toEqual([false, true, true])
})

test('the address with a hyphen is the same', async () => {
  const form = { logout_token: await logoutToken(idp, { sid: names.home }) }
  const path = '/oauth2/backchannel-logout'
  expectDone(await askPublic(vestibule, path, { method: 'POST', form }))
  expect(await signedIn()).toEqual([false, true, true])
})

describe('B6 a good token ends what it names', () => {
  test('by sid: that session alone', async () => {
    expectDone(await logout(vestibule, idp, { sid: names.home }))
    expect(await signedIn()).toEqual([false, true, true])
  })

  test('by subject: all of them, and nobody else', async () => {
    expectDone(await logout(vestibule, idp, { sub: subjects.alice }))
    expect(await signedIn()).toEqual([false, false, true])
  })

  test('by both: that session alone', async () => {
    expectDone(await logout(vestibule, idp, { sub: subjects.alice, sid: names.work }))
    expect(await signedIn()).toEqual([true, false, true])
  })

  test('and says so in the metrics, not in the log', async () => {
    expectDone(await logout(vestibule, idp, { sub: subjects.alice, sid: names.work }))
    const metrics = await vestibule.metrics()
    expect(metrics).toMatch(/vestibule_sign_outs_total\{way="back_channel"\} [1-9]/)
    expect(metrics).toMatch(/vestibule_logout_tokens_total\{outcome="done"\} [1-9]/)
    await expectUnspoken(vestibule, [names.work])
  })
})

const without = (claims: Claims, name: string): Claims =>
  Object.fromEntries(Object.entries(claims).filter(([each]) => each !== name))

const send = async (claims: Claims): Promise<Reply> =>
  await post(vestibule, { logout_token: await signed(idp, claims) })

describe('B7 claims that every token needs', () => {
  test.each(['iss', 'aud', 'iat', 'exp', 'jti', 'events'])('without %s', async (name) => {
    expectRefused(await send(without(logoutClaims(idp, { sid: names.home }), name)))
    await expectNothingEnded()
  })

  test.each([
    ['iat of long ago', { iat: nowSeconds() - 700 }],
    ['iat to come', { iat: nowSeconds() + 300 }],
    ['iat in milliseconds', { iat: Date.now() }],
    ['iat as text', { iat: String(nowSeconds()) }],
    ['iat negative', { iat: -1 }],
    ['iat null', { iat: null }],
    ['exp over', { exp: nowSeconds() - 120 }],
    ['exp as text', { exp: String(nowSeconds() + 120) }],
    ['exp null', { exp: null }],
    ['nbf to come', { nbf: nowSeconds() + 300 }],
    ['jti empty', { jti: '' }],
    ['jti a number', { jti: 7 }],
    ['jti a list', { jti: ['x'] }],
    ['jti of 2 KiB', { jti: 'x'.repeat(2048) }],
    ['iss in a list', { iss: ['x'] }],
    ['a nonce', { nonce: 'x' }],
    ['an empty nonce', { nonce: '' }],
    ['a nonce of null', { nonce: null }],
  ] as const)('%s', async (_name, claims) => {
    expectRefused(await send({ ...logoutClaims(idp, { sid: names.home }), ...claims }))
    await expectNothingEnded()
  })
})

describe('B8 tokens that name nobody', () => {
  const values: readonly (readonly [string, unknown])[] = [
    ['empty', ''],
    ['blank', ' '],
    ['null', null],
    ['a number', 7],
    ['a list', ['x']],
    ['an object', {}],
    ['true', true],
    ['of 4 KiB', 'x'.repeat(4096)],
    ['of two lines', 'a\nb'],
  ]

  test('neither sub nor sid', async () => {
    expectRefused(await logout(vestibule, idp, {}))
    await expectNothingEnded()
  })

  test.each(values)('sid %s', async (_name, sid) => {
    expectRefused(await logout(vestibule, idp, { sid }))
    expectRefused(await logout(vestibule, idp, { sub: subjects.alice, sid }))
    await expectNothingEnded()
  })

  test.each(values)('sub %s', async (_name, sub) => {
    expectRefused(await logout(vestibule, idp, { sub }))
    expectRefused(await logout(vestibule, idp, { sub, sid: names.home }))
    await expectNothingEnded()
  })
})

describe('B10 the event', () => {
  test.each<readonly [string, unknown]>([
    ['a list', [EVENT]],
    ['text', EVENT],
    ['null', null],
    ['nothing in it', {}],
    ['another address', { 'http://schemas.openid.net/event/other': {} }],
    ['https', { [EVENT.replace('http:', 'https:')]: {} }],
    ['an empty list', { [EVENT]: [] }],
    ['text for a value', { [EVENT]: 'x' }],
    ['null for a value', { [EVENT]: null }],
    ['true for a value', { [EVENT]: true }],
  ])('%s is refused', async (_name, events) => {
    expectRefused(await send({ ...logoutClaims(idp, { sid: names.home }), events }))
    await expectNothingEnded()
  })

  test.each<readonly [string, unknown]>([
    ['another event beside it', { [EVENT]: {}, 'urn:x': {} }],
    ['members inside', { [EVENT]: { more: [1], __proto__: 1 } }],
  ])('%s is ignored', async (_name, events) => {
    expectDone(await send({ ...logoutClaims(idp, { sid: names.home }), events }))
    expect(await signedIn()).toEqual([false, true, true])
  })
})

describe('B15 a token that comes again', () => {
  test('is refused, and a newer session of that person lives on', async () => {
    const form = {
      logout_token: await logoutToken(idp, { sub: subjects.alice, iat: nowSeconds() - 60 }),
    }
    // Dated before the sessions: nothing of them was issued by then.
    expectDone(await post(vestibule, form))
    await expectNothingEnded()
    expectRefused(await post(vestibule, form))
    await expectNothingEnded()
    expect(await vestibule.metrics()).toMatch(
      /vestibule_logout_tokens_total\{outcome="replayed"\} [1-9]/,
    )
  })

  test('many times at once does once what it says', async () => {
    const form = { logout_token: await logoutToken(idp, { sid: names.home }) }
    const replies = await Promise.all(Array.from({ length: 20 }, () => post(vestibule, form)))
    expect(new Set([...replies.map(({ status }) => status), 200, 400])).toEqual(new Set([200, 400]))
    expect(replies.some(({ status }) => status === 200)).toBe(true)
    expect(await signedIn()).toEqual([false, true, true])
    expectRefused(await post(vestibule, form))
  })
})

describe('B17 a session of somebody else', () => {
  test('with the subject of this one: nothing ends', async () => {
    expectDone(await logout(vestibule, idp, { sub: subjects.alice, sid: names.bob }))
    await expectNothingEnded()
  })

  test('and what is put together otherwise is no other name', async () => {
    expectDone(await logout(vestibule, idp, { sid: `${names.home}","${subjects.alice}` }))
    expectDone(await logout(vestibule, idp, { sub: names.home }))
    expectDone(await logout(vestibule, idp, { sid: subjects.alice }))
    await expectNothingEnded()
  })
})

test('B18 nobody that is known here is out already', async () => {
  expectDone(await logout(vestibule, idp, { sid: 'never-seen' }))
  expectDone(await logout(vestibule, idp, { sub: 'never-seen' }))
  await expectNothingEnded()
})

test('B23 cookies and Origin of a browser change nothing', async () => {
  const headers = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }
  const token = await logoutToken(idp, { sid: names.home })
  const question = { headers, cookies: [bob] }
  expectRefused(await post(vestibule, { logout_token: 'x' }, question))
  await expectNothingEnded()
  const reply = await post(vestibule, { logout_token: token }, question)
  expectDone(reply)
  expect(reply.headers['access-control-allow-origin']).toBeUndefined()
  expect(await signedIn()).toEqual([false, true, true])
})
