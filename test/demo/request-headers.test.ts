import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { type Application, startApplication } from '../../demo/applications.ts'
import { type Controller, startController } from '../../demo/controller.ts'
import { AUTH_URL, anIngress, CLUSTER_NAME } from './ingress-builder.ts'
import { exchange, get } from './raw-http.ts'
import { type StubAuth, startStubAuth } from './stub-auth.ts'

let auth: StubAuth
let web: Application
let controller: Controller

const LISTED = { 'auth-url': AUTH_URL, 'auth-response-headers': 'X-Auth-Request-User, X-Listed' }

beforeAll(async () => {
  auth = await startStubAuth()
  web = await startApplication({ name: 'web' })
  controller = await startController({
    services: { 'shop/web': web.address },
    clusterNames: { [CLUSTER_NAME]: auth.address },
    configMaps: { 'shop/pinned': { 'X-Policy': 'strict' } },
    ingresses: [
      anIngress('strict.test', LISTED),
      anIngress('loose.test', LISTED),
      anIngress('*.wild.test', LISTED),
      anIngress('method.test', { ...LISTED, 'auth-method': 'POST' }),
      anIngress('pinned.test', { ...LISTED, 'auth-proxy-set-headers': 'shop/pinned' }),
      anIngress('redirect.test', { ...LISTED, 'auth-request-redirect': 'http://elsewhere.test/' }),
      anIngress('bare.test', { 'auth-url': `http://${CLUSTER_NAME}` }),
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

describe('what the auth service receives', () => {
  test('GET without a body, whatever the client sends, and the method beside it', async () => {
    await exchange(controller.port, [
      'POST /cart?x=1 HTTP/1.1',
      'Host: strict.test',
      'Content-Type: application/json',
      'Content-Length: 0',
    ])
    expect(auth.request().method).toBe('GET')
    expect(auth.received('content-length')).toEqual([])
    expect(auth.received('content-type')).toEqual(['application/json'])
    expect(auth.received('x-original-method')).toEqual(['POST'])
    expect(auth.received('connection')).toEqual(['close'])
  })

  test('where nginx routed the request, in the query of auth-url', async () => {
    await get(controller.port, 'strict.test', '/a?b=c')
    expect(auth.request().url).toBe(
      '/verify?host=strict.test&ns=shop&ing=strict-test-ingress&svc=web&lp=/',
    )
    expect(auth.received('host')).toEqual(['vestibule.auth.svc.cluster.local'])
  })

  test('the values of nginx for six headers, not those of the client', async () => {
    await get(controller.port, 'strict.test', '/real', [
      'X-Original-URL: http://evil.test/',
      'X-Original-Method: HEAD',
      'X-Real-IP: 10.0.0.1',
      'X-Forwarded-For: 10.0.0.1',
      'X-Sent-From: me',
      'X-Auth-Request-Redirect: /evil',
      'X-Forwarded-Proto: https',
    ])
    expect(auth.received('x-original-url')).toEqual(['http://strict.test/real'])
    expect(auth.received('x-original-method')).toEqual(['GET'])
    expect(auth.received('x-real-ip')).toEqual(['127.0.0.1'])
    expect(auth.received('x-forwarded-for')).toEqual(['127.0.0.1'])
    expect(auth.received('x-sent-from')).toEqual(['nginx-ingress-controller'])
    expect(auth.received('x-auth-request-redirect')).toEqual(['/real'])
    expect(auth.received('x-forwarded-proto')).toEqual([])
  })

  test.each([
    'X-Original-URI',
    'X-Forwarded-Host',
    'X-Forwarded-Uri',
    'X-Forwarded-Method',
    'X-Forwarded-Prefix',
    'X-Forwarded-Port',
    'X-Scheme',
    'Forwarded',
    'X-HTTP-Method-Override',
    'X-Original-Forwarded-For',
    'Ssl-Client-Verify',
    'X-Auth-Request-User',
    'X-Auth-Request-Groups',
    'Impersonate-User',
    'Cookie',
    'Authorization',
  ])('%s as the client sends it', async (name) => {
    await get(controller.port, 'strict.test', '/', [`${name}: forged`])
    expect(auth.received(name)).toEqual(['forged'])
  })

  test('X-Original-URI and X-Scheme of nginx, where auth-method is set', async () => {
    await get(controller.port, 'method.test', '/p', ['X-Original-URI: /forged', 'X-Scheme: https'])
    expect(auth.request().method).toBe('POST')
    expect(auth.received('x-original-uri')).toEqual(['/p'])
    expect(auth.received('x-scheme')).toEqual(['http'])
  })

  test('a client X-Request-ID, or else a random one that the application gets too', async () => {
    await get(controller.port, 'strict.test', '/', ['X-Request-ID: mine'])
    expect(auth.received('x-request-id')).toEqual(['mine'])
    auth.reset()
    await get(controller.port, 'strict.test')
    expect(auth.received('x-request-id')[0]).toMatch(/^[0-9a-f]{32}$/)
    expect(web.received('x-request-id')).toEqual(auth.received('x-request-id'))
  })

  test('both lines of a duplicate header; a duplicate Authorization is 400', async () => {
    await get(controller.port, 'strict.test', '/', ['DPoP: a', 'DPoP: b'])
    expect(auth.received('dpop')).toEqual(['a', 'b'])
    const twice = ['Authorization: Bearer a', 'Authorization: Bearer b']
    expect((await get(controller.port, 'strict.test', '/', twice)).status).toBe(400)
  })

  test('the annotations auth-proxy-set-headers and auth-request-redirect', async () => {
    await get(controller.port, 'pinned.test', '/', ['X-Policy: loose'])
    expect(auth.received('x-policy')).toEqual(['strict'])
    auth.reset()
    await get(controller.port, 'redirect.test', '/x')
    expect(auth.received('x-auth-request-redirect')).toEqual(['http://elsewhere.test/'])
  })

  test("nginx's internal name, where auth-url has no path", async () => {
    await get(controller.port, 'bare.test', '/x')
    expect(auth.request().url).toBe('/_external-auth-Lw-Prefix')
  })

  test('the raw path, however it is spelled', async () => {
    const path = '/a/..%2fb//c/%2e%2e/d;x'
    await get(controller.port, 'strict.test', path)
    expect(auth.received('x-original-url')).toEqual([`http://strict.test${path}`])
    expect(web.lastRequest()?.url).toBe(path)
  })
})

describe('what the application receives', () => {
  test('listed headers of the auth service in place of those of the client', async () => {
    auth.setAnswer({ status: 200, headers: [['X-Auth-Request-User', 'alice']] })
    await get(controller.port, 'strict.test', '/', [
      'X-Auth-Request-User: root',
      'X-Listed: forged',
    ])
    expect(web.received('x-auth-request-user')).toEqual(['alice'])
    expect(web.received('x-listed')).toEqual([])
  })

  test('no listed header that the auth service leaves empty', async () => {
    auth.setAnswer({ status: 200, headers: [['X-Listed', '']] })
    await get(controller.port, 'strict.test', '/', ['X-Listed: forged'])
    expect(web.received('x-listed')).toEqual([])
  })

  test('unlisted identity headers, exactly as the client forged them', async () => {
    auth.setAnswer({ status: 200, headers: [['X-Auth-Request-Email', 'alice@example.com']] })
    await get(controller.port, 'strict.test', '/', ['X-Auth-Request-Email: root@example.com'])
    expect(web.received('x-auth-request-email')).toEqual(['root@example.com'])
  })

  test('no header with an underscore, unless the controller is told to pass them', async () => {
    const forged = ['X_Auth_Request_User: root']
    await get(controller.port, 'strict.test', '/', forged)
    expect(auth.received('x_auth_request_user')).toEqual([])
    auth.reset()
    await controller.reload({ underscoresInHeaders: true })
    await get(controller.port, 'strict.test', '/', forged)
    expect(auth.received('x_auth_request_user')).toEqual(['root'])
    await controller.reload({ underscoresInHeaders: false })
  })
})

const seen = (): readonly (string | undefined)[] => [
  /\?host=([^&]*)&/.exec(auth.request().url ?? '')?.[1],
  ...auth.received('x-original-url'),
]

describe('host confusion', () => {
  test.each([
    [
      'an absolute-form request line',
      'http://strict.test/secret',
      'loose.test',
      'http://loose.test/secret',
    ],
    ['another scheme', 'foo://strict.test/secret', 'loose.test', 'http://loose.test/secret'],
    [
      'user information',
      '/secret',
      'strict.test:80@loose.test',
      'http://strict.test:80@loose.test/secret',
    ],
    [
      'an empty port and @',
      '/secret',
      'strict.test:@loose.test',
      'http://strict.test:@loose.test/secret',
    ],
    ['a backslash', '/secret', 'strict.test:1\\public', 'http://strict.test:1\\public/secret'],
    ['a fragment', '/secret', 'strict.test:1#', 'http://strict.test:1#/secret'],
    ['a query', '/secret', 'strict.test:1?x', 'http://strict.test:1?x/secret'],
    [
      'case, trailing dot and port',
      '/secret',
      'STRICT.TEST.:8080',
      'http://STRICT.TEST.:8080/secret',
    ],
    ['a port that is no number', '/secret', 'strict.test:abc', 'http://strict.test:abc/secret'],
  ])('with %s, $host is the routed host', async (_name, target, host, url) => {
    const response = await get(controller.port, host, target)
    expect(response.status).toBe(200)
    expect(seen()).toEqual(['strict.test', url])
  })

  test('HTTP/1.0 without a Host header leaves the authority empty', async () => {
    await exchange(controller.port, ['GET http://strict.test/loose.test/x HTTP/1.0'])
    expect(seen()).toEqual(['strict.test', 'http:///loose.test/x'])
  })

  test.each(['?', '#', '\\', ';', '*', '$host'])(
    'a wildcard host matches %s inside the name, and sends it unescaped',
    async (odd) => {
      const host = `loose.test${odd}.wild.test`
      await get(controller.port, host, '/x')
      expect(auth.request().url).toContain(`?host=${host}&ns=shop&`)
      expect(auth.received('x-original-url')).toEqual([`http://${host}/x`])
    },
  )

  test('a wildcard host can repeat query parameters, but not without a strange authority', async () => {
    const host = 'loose.test&ns=a#.wild.test'
    await get(controller.port, host, '/x')
    expect(auth.request().url).toContain('?host=loose.test&ns=a#.wild.test&ns=shop&')
    expect(auth.received('x-original-url')).toEqual([`http://${host}/x`])
    auth.reset()
    const response = await get(controller.port, 'loose.test', `http://${host}/x`)
    expect([response.status, auth.requests().length]).toEqual([400, 0])
  })
})
