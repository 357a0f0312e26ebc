import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { type Application, startApplication } from '../../demo/applications.ts'
import { type Controller, startController } from '../../demo/controller.ts'
import { freePort } from '../../demo/free-port.ts'
import { AUTH_URL, anIngress, CLUSTER_NAME } from './ingress-builder.ts'
import { get } from './raw-http.ts'
import { type Answer, type StubAuth, startStubAuth } from './stub-auth.ts'

const SIGN_IN = 'http://auth.test/oauth2/start'

let auth: StubAuth
let web: Application
let controller: Controller

beforeAll(async () => {
  auth = await startStubAuth()
  web = await startApplication({ name: 'web' })
  controller = await startController({
    services: { web: web.address },
    clusterNames: {
      [CLUSTER_NAME]: auth.address,
      'nobody.auth.svc.cluster.local:8080': `127.0.0.1:${await freePort()}`,
    },
    authTimeout: 1,
    ingresses: [
      anIngress('plain.test', { 'auth-url': AUTH_URL }),
      anIngress('signin.test', { 'auth-url': AUTH_URL, 'auth-signin': SIGN_IN }),
      anIngress('query.test', { 'auth-url': AUTH_URL, 'auth-signin': `${SIGN_IN}?tenant=a` }),
      anIngress('ready.test', { 'auth-url': AUTH_URL, 'auth-signin': `${SIGN_IN}?rd=/home` }),
      anIngress('always.test', { 'auth-url': AUTH_URL, 'auth-always-set-cookie': 'true' }),
      anIngress('large.test', { 'auth-url': AUTH_URL, 'proxy-buffer-size': '16k' }),
      anIngress('cached.test', { 'auth-url': AUTH_URL, 'auth-cache-key': '$http_authorization' }),
      anIngress('refused.test', {
        'auth-url': 'http://nobody.auth.svc.cluster.local:8080/verify',
        'auth-signin': SIGN_IN,
      }),
      anIngress('broken.test', { 'auth-url': 'http://evil..example/verify' }),
      anIngress('strange.test', { 'auth-url': 'gopher://vestibule/verify' }),
      anIngress('open.test'),
    ],
  })
})

afterAll(async () => {
  await controller.stop()
  await Promise.all([auth.stop(), web.stop()])
})

beforeEach(() => {
  auth.reset()
  web.reset()
})

describe('the status that the auth service answers', () => {
  test.each([200, 201, 202, 204, 206, 299])('%i lets the request pass', async (status) => {
    auth.setAnswer({ status })
    expect((await get(controller.port, 'plain.test')).status).toBe(200)
    expect(web.hits()).toBe(1)
  })

  test.each([
    [401, 401],
    [403, 403],
    [301, 500],
    [302, 500],
    [304, 500],
    [400, 500],
    [404, 500],
    [405, 500],
    [429, 500],
    [431, 500],
    [500, 500],
    [502, 500],
    [503, 500],
  ])('%i becomes %i, and the application is not reached', async (status, shown) => {
    auth.setAnswer({ status, headers: [['location', 'http://auth.test/']] })
    const response = await get(controller.port, 'plain.test')
    expect(response.status).toBe(shown)
    expect(response.headers.has('location')).toBe(false)
    expect(web.hits()).toBe(0)
  })

  test('a body of the auth service never reaches the client', async () => {
    auth.setAnswer({ status: 403, body: 'the reason' })
    expect((await get(controller.port, 'plain.test')).body).not.toContain('the reason')
  })

  test('a service that refuses the connection becomes 500, never a sign-in', async () => {
    const response = await get(controller.port, 'refused.test')
    expect([response.status, web.hits()]).toEqual([500, 0])
    expect(controller.errorLog()).toContain('Connection refused')
  })

  test('a service that does not answer becomes 500 after the timeout', async () => {
    auth.setAnswer({ status: 200, silent: true })
    expect((await get(controller.port, 'plain.test')).status).toBe(500)
    expect(web.hits()).toBe(0)
  })

  test.each(['broken.test', 'strange.test'])(
    'an auth-url that cannot be parsed closes %s with 503',
    async (host) => {
      expect((await get(controller.port, host)).status).toBe(503)
      expect(web.hits()).toBe(0)
    },
  )

  test('a host without auth-url is open, and one without Ingress is 404', async () => {
    expect((await get(controller.port, 'open.test')).status).toBe(200)
    expect((await get(controller.port, 'unknown.test')).status).toBe(404)
    expect(auth.requests()).toHaveLength(0)
  })
})

describe('sign-in redirect', () => {
  test('escapes path and query of the return URL, but not scheme and host', async () => {
    auth.setAnswer({ status: 401, headers: [['www-authenticate', 'Bearer']] })
    const response = await get(controller.port, 'signin.test', '/a%20b/p?a=b&c=d%2520e')
    expect(response.status).toBe(302)
    expect(response.headers.get('location')).toEqual([
      `${SIGN_IN}?rd=http://signin.test%2Fa%2520b%2Fp%3Fa%3Db%26c%3Dd%252520e`,
    ])
    expect(response.headers.get('www-authenticate')).toEqual(['Bearer'])
  })

  test('carries the raw Host header, which the client chooses', async () => {
    auth.setAnswer({ status: 401 })
    const response = await get(controller.port, 'signin.test:80@evil.example', '/x')
    expect(response.headers.get('location')).toEqual([
      `${SIGN_IN}?rd=http://signin.test:80@evil.example%2Fx`,
    ])
  })

  test('appends to a query, and leaves a return URL that is there already', async () => {
    auth.setAnswer({ status: 401 })
    const appended = await get(controller.port, 'query.test', '/x')
    const kept = await get(controller.port, 'ready.test', '/x')
    expect(appended.headers.get('location')).toEqual([
      `${SIGN_IN}?tenant=a&rd=http://query.test%2Fx`,
    ])
    expect(kept.headers.get('location')).toEqual([`${SIGN_IN}?rd=/home`])
  })

  test('does not happen for 403, nor for a 401 of a host without auth-signin', async () => {
    auth.setAnswer({ status: 403 })
    expect((await get(controller.port, 'signin.test')).status).toBe(403)
    auth.setAnswer({ status: 401, headers: [['www-authenticate', 'Bearer error="x"']] })
    const response = await get(controller.port, 'plain.test')
    expect(response.status).toBe(401)
    expect(response.headers.get('www-authenticate')).toEqual(['Bearer error="x"'])
  })
})

describe('Set-Cookie of the auth service', () => {
  const cookies = [
    ['set-cookie', 'first=1; Path=/'],
    ['set-cookie', 'second=2; Path=/'],
  ] as const

  test('reaches the browser at most once', async () => {
    auth.setAnswer({ status: 200, headers: cookies })
    const { headers } = await get(controller.port, 'plain.test')
    expect(headers.get('set-cookie')).toHaveLength(1)
    expect(headers.get('set-cookie')?.[0]).toContain('first=1')
  })

  test('is lost with a 403, unless auth-always-set-cookie says otherwise', async () => {
    auth.setAnswer({ status: 403, headers: cookies.slice(0, 1) })
    const lost = await get(controller.port, 'plain.test')
    const kept = await get(controller.port, 'always.test')
    expect(lost.headers.get('set-cookie')).toBeUndefined()
    expect(kept.headers.get('set-cookie')).toEqual(['first=1; Path=/'])
  })

  test('survives onto the sign-in redirect', async () => {
    auth.setAnswer({ status: 401, headers: cookies.slice(0, 1) })
    const { headers } = await get(controller.port, 'signin.test')
    expect(headers.get('set-cookie')).toEqual(['first=1; Path=/'])
  })
})

const answerOf = (bytes: number): Answer => ({
  status: 200,
  headers: [['x-large', 'x'.repeat(bytes)]],
})

describe('size of the answer', () => {
  test('3 KiB of headers pass', async () => {
    auth.setAnswer(answerOf(3 * 1024))
    expect((await get(controller.port, 'plain.test')).status).toBe(200)
  })

  test('4 KiB of headers become 500', async () => {
    auth.setAnswer(answerOf(4 * 1024))
    expect((await get(controller.port, 'plain.test')).status).toBe(500)
    expect(controller.errorLog()).toContain('upstream sent too big header')
  })

  test('proxy-buffer-size holds for the auth location too', async () => {
    auth.setAnswer(answerOf(12 * 1024))
    expect((await get(controller.port, 'large.test')).status).toBe(200)
  })
})

const ask = async (token: string, path = '/') =>
  await get(controller.port, 'cached.test', path, [`Authorization: Bearer ${token}`])

describe('auth-cache-key', () => {
  test('lets a cached answer decide about another path', async () => {
    await ask('a', '/public')
    auth.setAnswer({ status: 403 })
    expect((await ask('a', '/admin')).status).toBe(200)
    expect(auth.requests()).toHaveLength(1)
  })

  test('stores nothing that says Cache-Control: no-store', async () => {
    auth.setAnswer({ status: 200, headers: [['cache-control', 'no-store']] })
    await ask('b')
    await ask('b')
    expect(auth.requests()).toHaveLength(2)
  })
})
