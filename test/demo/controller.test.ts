import { existsSync } from 'node:fs'
import { connect } from 'node:http2'
import { text } from 'node:stream/consumers'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { type Application, startApplication } from '../../demo/applications.ts'
import { createCertificate } from '../../demo/certificate.ts'
import type { Ingress } from '../../demo/controller/ingress.ts'
import { type Controller, type ControllerSettings, startController } from '../../demo/controller.ts'
import { renderControllerConfig } from '../../demo/controller-config.ts'
import { startNginx } from '../../demo/nginx.ts'
import { inspectNginx } from '../../demo/nginx-build.ts'
import { AUTH_URL, anIngress, CLUSTER_NAME } from './ingress-builder.ts'
import { exchange, get } from './raw-http.ts'
import { type StubAuth, startStubAuth } from './stub-auth.ts'

let auth: StubAuth
let web: Application
let errorPages: Application
let running: Controller | undefined

const start = async (
  ingresses: readonly Ingress[],
  more: Partial<ControllerSettings> = {},
): Promise<Controller> => {
  running = await startController({
    services: { web: web.address, 'error-pages': errorPages.address },
    clusterNames: { [CLUSTER_NAME]: auth.address },
    ingresses,
    ...more,
  })
  return running
}

beforeAll(async () => {
  auth = await startStubAuth()
  web = await startApplication({ name: 'web' })
  errorPages = await startApplication({ name: 'error-pages' })
})

afterAll(async () => {
  await Promise.all([auth.stop(), web.stop(), errorPages.stop()])
})

beforeEach(() => {
  auth.reset()
  web.reset()
  errorPages.reset()
})

afterEach(async () => {
  await running?.stop()
  running = undefined
})

const locationPath = (): string | undefined => /&lp=(.*)$/.exec(auth.request().url ?? '')?.[1]

describe('paths of an Ingress', () => {
  test.each([
    ['/shop', '/shop'],
    ['/shop/', '/shop'],
    ['/shop/cart', '/shop'],
    ['//shop/./cart', '/shop'],
    ['/%73hop', '/shop'],
    ['/x/..%2fshop/cart', '/shop'],
    ['/exact', '/exact'],
  ])('%s is routed by the rule %s', async (path, rule) => {
    const controller = await start([
      anIngress('app.test', { 'auth-url': AUTH_URL }, { '/shop': 'Prefix', '/exact': 'Exact' }),
    ])
    expect((await get(controller.port, 'app.test', path)).status).toBe(200)
    expect(locationPath()).toBe(rule)
    expect(web.lastRequest()?.url).toBe(path)
  })

  test.each(['/shopping', '/exact/', '/exactly', '/'])(
    '%s belongs to no rule, and is 404 only after authentication',
    async (path) => {
      const controller = await start([
        anIngress('app.test', { 'auth-url': AUTH_URL }, { '/shop': 'Prefix', '/exact': 'Exact' }),
      ])
      expect((await get(controller.port, 'app.test', path)).status).toBe(404)
      expect([locationPath(), web.hits()]).toEqual(['/', 0])
      auth.reset()
      auth.setAnswer({ status: 403 })
      expect((await get(controller.port, 'app.test', path)).status).toBe(403)
    },
  )

  test('ImplementationSpecific is a plain prefix of nginx', async () => {
    const paths = { '/shop': 'ImplementationSpecific' } as const
    const controller = await start([anIngress('app.test', { 'auth-url': AUTH_URL }, paths)])
    expect((await get(controller.port, 'app.test', '/shopping')).status).toBe(200)
    expect(locationPath()).toBe('/shop')
  })

  test('of two Ingresses for one host each path keeps its own annotations', async () => {
    const controller = await start([
      anIngress('app.test', { 'auth-url': AUTH_URL }),
      anIngress('app.test', {}, { '/public': 'Prefix' }),
    ])
    auth.setAnswer({ status: 403 })
    expect((await get(controller.port, 'app.test', '/public/x')).status).toBe(200)
    expect((await get(controller.port, 'app.test', '/publicity')).status).toBe(403)
  })
})

describe('custom-http-errors with default-backend', () => {
  const ingress = anIngress('app.test', {
    'auth-url': AUTH_URL,
    'custom-http-errors': '403,503',
    'default-backend': 'error-pages',
  })

  test('asks the error backend for the page, and tells it why', async () => {
    const controller = await start([ingress])
    auth.setAnswer({ status: 403 })
    const response = await get(controller.port, 'app.test', '/secret?x=1', ['Accept: text/html'])
    expect([response.status, web.hits(), errorPages.hits()]).toEqual([200, 0, 1])
    expect(errorPages.lastRequest()?.url).toBe('/?x=1')
    expect(
      [
        'X-Code',
        'X-Format',
        'X-Original-URI',
        'X-Namespace',
        'X-Ingress-Name',
        'X-Service-Name',
      ].flatMap((name) => errorPages.received(name)),
    ).toEqual(['403', 'text/html', '/secret?x=1', 'shop', 'app-test-ingress', 'web'])
    expect(errorPages.received('X-Service-Port')).toEqual(['80'])
    expect(errorPages.received('X-Request-ID')).toEqual(auth.received('x-request-id'))
    expect(errorPages.received('Host')).toEqual(['app.test'])
  })

  test('never lets the error backend decide about authentication', async () => {
    const controller = await start([ingress])
    auth.setAnswer({ status: 503 })
    expect((await get(controller.port, 'app.test')).status).toBe(500)
    expect([web.hits(), errorPages.hits()]).toEqual([0, 0])
  })
})

const preflight = (host: string) => [
  'OPTIONS / HTTP/1.1',
  `Host: ${host}`,
  'Origin: https://site.test',
  'Access-Control-Request-Method: PUT',
]

describe('enable-cors', () => {
  test('answers a preflight before anybody is asked', async () => {
    const controller = await start([
      anIngress('cors.test', { 'auth-url': AUTH_URL, 'enable-cors': 'true' }),
      anIngress('app.test', { 'auth-url': AUTH_URL }),
    ])
    const response = await exchange(controller.port, preflight('cors.test'))
    expect([response.status, auth.requests().length]).toEqual([204, 0])
    expect(response.headers.get('access-control-allow-origin')).toEqual(['*'])
    await exchange(controller.port, preflight('app.test'))
    expect(auth.received('x-original-method')).toEqual(['OPTIONS'])
  })

  test('adds its headers to the sign-in redirect, for origins that it admits', async () => {
    const controller = await start([
      anIngress('cors.test', {
        'auth-url': AUTH_URL,
        'auth-signin': 'http://auth.test/start',
        'enable-cors': 'true',
        'cors-allow-origin': 'https://*.site.test',
      }),
    ])
    auth.setAnswer({ status: 401 })
    const allowed = await get(controller.port, 'cors.test', '/', ['Origin: https://a.site.test'])
    const other = await get(controller.port, 'cors.test', '/', ['Origin: https://evil.test'])
    expect([allowed.status, other.status]).toEqual([302, 302])
    expect(allowed.headers.get('access-control-allow-origin')).toEqual(['https://a.site.test'])
    expect(other.headers.has('access-control-allow-origin')).toBe(false)
  })
})

describe('https', () => {
  test('works over HTTP/2, and shows in X-Original-URL', async () => {
    const certificate = createCertificate(['app.test'])
    try {
      const controller = await start([anIngress('app.test', { 'auth-url': AUTH_URL })], {
        https: { ...certificate, http2: true },
      })
      const session = connect('https://app.test', {
        ca: certificate.certificate,
        host: '127.0.0.1',
        port: controller.httpsPort ?? 0,
        servername: 'app.test',
      })
      const stream = session.request({ ':path': '/x', ':authority': 'app.test' })
      expect(await text(stream)).toContain('Nobody is signed in here')
      session.close()
      expect(auth.received('x-original-url')).toEqual(['https://app.test/x'])
    } finally {
      certificate.remove()
    }
  })

  test('force-ssl-redirect answers before authentication', async () => {
    const certificate = createCertificate(['app.test'])
    try {
      const annotations = { 'auth-url': AUTH_URL, 'force-ssl-redirect': 'true' }
      const controller = await start([anIngress('app.test', annotations)], { https: certificate })
      const { status, headers } = await get(controller.port, 'app.test', '/x')
      expect([status, headers.get('location'), auth.requests().length]).toEqual([
        308,
        ['https://app.test/x'],
        0,
      ])
    } finally {
      certificate.remove()
    }
  })
})

describe('annotations', () => {
  test.each([
    ['auth-signin', 'http://auth.test/start;return 200'],
    ['auth-method', 'GET; return 200'],
    ['auth-response-headers', "X-User';"],
    ['auth-cache-key', '$host; deny all'],
    ['no-such-annotation', 'x'],
  ])('%s: %s is refused', async (name, value) => {
    await expect(start([anIngress('app.test', { [name]: value })])).rejects.toThrow(name)
  })

  test('a cluster name without an address is a fault of the caller', async () => {
    const elsewhere = { 'auth-url': 'http://other.auth.svc.cluster.local/verify' }
    await expect(start([anIngress('app.test', elsewhere)])).rejects.toThrow(
      'no address is given for other.auth.svc.cluster.local',
    )
  })
})

describe('an nginx without the set-misc module', () => {
  test('sends the return URL unescaped', () => {
    const config = renderControllerConfig({
      ingresses: [anIngress('app.test', { 'auth-url': AUTH_URL, 'auth-signin': 'http://a.test/' })],
      services: { web: web.address },
      clusterNames: { [CLUSTER_NAME]: auth.address },
      listen: { http: 80 },
      nginx: { ...inspectNginx(), escapeModules: [] },
    })
    expect(config).toContain('set $escaped_request_uri $request_uri;')
    expect(config).not.toContain('load_module')
  })
})

describe('the nginx process', () => {
  test('says why it does not start, and leaves nothing behind', async () => {
    const starting = startNginx('daemon off; error_log error.log; nonsense on;')
    await expect(starting).rejects.toThrow('unknown directive "nonsense"')
  })

  test('is not started in the background, where nothing would end it', async () => {
    await expect(startNginx('error_log error.log;')).rejects.toThrow('daemon off')
  })

  test('keeps the running configuration when a reload is refused', async () => {
    const controller = await start([anIngress('app.test')])
    await expect(controller.reload({ services: { web: 'not an address;' } })).rejects.toThrow(
      'nginx',
    )
    expect((await get(controller.port, 'app.test')).status).toBe(200)
    await controller.reload({ ingresses: [anIngress('other.test')] })
    expect((await get(controller.port, 'app.test')).status).toBe(404)
    expect((await get(controller.port, 'other.test')).status).toBe(200)
  })

  test('is gone with its folder after stop', async () => {
    const controller = await start([anIngress('app.test')])
    expect(existsSync(controller.prefix)).toBe(true)
    await controller.stop()
    running = undefined
    expect(existsSync(controller.prefix)).toBe(false)
    await expect(get(controller.port, 'app.test')).rejects.toThrow('ECONNREFUSED')
  })
})
