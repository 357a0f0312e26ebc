import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { sendRaw } from '../support/raw-http.ts'
import { expectSoundRecords } from './support-requests-invariants.ts'
import {
  expectClosed,
  expectPassed,
  type Proxied,
  request,
  startProxied,
} from './support-requests-proxy.ts'

let proxied: Proxied

beforeAll(async () => {
  proxied = await startProxied()
})
afterAll(() => proxied.stop())

const cookie = (who: 'alice' | 'root'): string => `Cookie: ${proxied.world.cookies[who]}`

const IDENTITY = [
  'X-Auth-Request-User: root',
  'X-Auth-Request-Email: root@example.test',
  'X-Auth-Request-Preferred-Username: root',
  'X-Auth-Request-Groups: admins',
  'X-Auth-Request-Actor: workload',
  'X-Vestibule-Assertion: a.b.c',
]

/** Header lines that change nothing, whoever sends them, and never reach an application as ours. */
const expectUseless = async (lines: readonly string[]): Promise<void> => {
  await expectClosed(proxied, request('/x', 'app.test', lines), 401)
  await expectClosed(proxied, request('/x', 'admin.test', lines), 401)
  await expectClosed(proxied, request('/x', 'admin.test', [...lines, cookie('alice')]), 403)
  await expectPassed(proxied, request('/status', 'app.test', lines), 'web', 'nobody')
  await expectPassed(
    proxied,
    request('/x', 'app.test', [...lines, cookie('alice')]),
    'web',
    'alice',
  )
}

describe('headers that clients make up', () => {
  test.each([
    ['E5', ['X-Original-URL: http://public.test/status']],
    ['E5', ['X-Original-Method: GET', 'X-Auth-Request-Redirect: /status']],
    ['E5', ['X-Real-IP: 127.0.0.1', 'X-Forwarded-For: 127.0.0.1', 'X-Sent-From: me']],
    ['H10', ['X-Original-URI: /status']],
    ['H10', ['X-Original-URI: /outpost.goauthentik.io/x']],
    [
      'H11',
      [
        'X-Forwarded-Uri: /status',
        'X-Forwarded-Host: public.test',
        'X-Forwarded-Method: GET',
        'X-Forwarded-Prefix: /status',
        'X-Forwarded-Proto: https',
        'X-Forwarded-Port: 443',
        'X-Forwarded-Server: public.test',
        'X-Forwarded-User: root',
      ],
    ],
    ['H12', ['Forwarded: host=public.test;proto=https;for="a,b"']],
    ['H14', ['Ssl-Client-Verify: SUCCESS', 'Ssl-Client-Subject-Dn: CN=root']],
    ['H15', IDENTITY],
    ['H15', ['Remote-User: root', 'X-Remote-User: root', 'X-WebAuth-User: root']],
    ['H19', ['Connection: close, X-Auth-Request-User, X-Original-URL, X-Vestibule-Assertion']],
    ['H20', ['__proto__: x', 'constructor: x', 'hasOwnProperty: x']],
    ['H29', ['User-Agent: GoogleHC/1.0']],
    ['H29', ['User-Agent: kube-probe/1.30']],
    ['H31', ['X-Request-ID: "}{"level":"info']],
    ['H32', ['X-Requested-With: XMLHttpRequest', 'Sec-Fetch-Mode: navigate']],
    ['H34', ['Accept-Encoding: gzip, br', 'If-None-Match: *', 'Range: bytes=0-0']],
  ] as const)('%s %j change nothing', async (_row, lines) => {
    await expectUseless(lines)
  })

  test('H15 a header that is sent twice is overwritten twice', async () => {
    await expectUseless([...IDENTITY, ...IDENTITY, 'x-auth-request-user: admin'])
  })

  test('H7 a preflight is asked for a session like any request', async () => {
    const lines = ['Origin: https://evil.test', 'Access-Control-Request-Method: DELETE']
    const start = 'OPTIONS /x HTTP/1.1'
    await expectClosed(proxied, request('', 'app.test', lines, start), 401)
    await expectClosed(proxied, request('', 'app.test', [], 'OPTIONS /preflight HTTP/1.1'), 401)
    await expectPassed(
      proxied,
      request('', 'app.test', lines, 'OPTIONS /preflight HTTP/1.1'),
      'web',
      'nobody',
    )
  })

  test.each(['Impersonate-User: root', 'impersonate-group: admins', 'Impersonate-Extra-X: y'])(
    'design 2.5 %s is refused, on a public path too',
    async (line) => {
      await expectClosed(proxied, request('/x', 'app.test', [line, cookie('root')]), 403)
      await expectClosed(proxied, request('/status', 'app.test', [line]), 403)
    },
  )
})

const SPELLINGS = [
  'X_Auth_Request_User: root',
  'X-Auth_Request-User: root',
  'X_AUTH_REQUEST_GROUPS: admins',
  'x_vestibule_assertion: a.b.c',
  'Impersonate_User: root',
  'X_WEBAUTH_USER: root',
]

describe('identity headers in other spellings', () => {
  test.each([...SPELLINGS, 'x.auth.request.user: root', 'X-AUTH-REQUEST-USER: root'])(
    'H17 %s never reaches an application',
    async (line) => {
      await expectUseless([line])
    },
  )

  test('H17 nor does a name with a space before the colon, or of other letters', async () => {
    await expectUseless(['X-Auth-Request-Us\u00d0\u00b5r: root'])
    await expectClosed(proxied, request('/status', 'app.test', ['X-Auth-Request-User : root']), 400)
  })

  test('H17 the headers of a preset are overwritten too', async () => {
    const forged = ['X-WEBAUTH-USER: root', 'x-webauth-groups: admins', cookie('alice')]
    const { web } = proxied.applications
    await expectPassed(proxied, request('/x', 'preset.test', forged), 'web', 'alice')
    expect(web.received('X-WEBAUTH-USER')).toEqual(['alice'])
    expect(web.received('X-WEBAUTH-GROUPS')).toEqual([])
  })

  test('H17 where nginx passes underscores on, such a request is refused', async () => {
    await proxied.controller.reload({ underscoresInHeaders: true })
    try {
      for (const line of SPELLINGS) {
        await expectClosed(proxied, request('/x', 'app.test', [line, cookie('alice')]), 403)
        await expectClosed(proxied, request('/status', 'app.test', [line]), 403)
      }
      await expectUseless(['X_Original_URL: http://public.test/status', 'X_Forwarded_Uri: /status'])
      await expectUseless(['x.auth.request.user: root', 'X-AUTH-REQUEST-USER: root'])
    } finally {
      await proxied.controller.reload({ underscoresInHeaders: false })
    }
  })
})

const smuggled = (): string => request('/x', 'admin.test', [cookie('root')])

describe('framing', () => {
  test.each([
    ['H26', 'two codings of the body', ['Transfer-Encoding: chunked', 'Content-Length: 5']],
    ['H26', 'two lengths', ['Content-Length: 5', 'Content-Length: 6']],
    ['H26', 'a signed length', ['Content-Length: +5']],
    ['H26', 'a list of lengths', ['Content-Length: 5, 5']],
    ['H37', 'two Authorization', ['Authorization: Bearer a', 'Authorization: Bearer b']],
  ])('%s nginx refuses %s', async (_row, _what, lines) => {
    const bytes = request('', 'app.test', lines, 'POST /x HTTP/1.1')
    await expectClosed(proxied, `${bytes}${smuggled()}`, 400)
  })

  test('H27 a body that is a request stays a body', async () => {
    const body = smuggled()
    const lines = [`Content-Length: ${body.length}`]
    const start = 'POST /x HTTP/1.1'
    await expectClosed(proxied, `${request('', 'app.test', lines, start)}${body}`, 401)
    await expectPassed(
      proxied,
      `${request('', 'app.test', [...lines, cookie('alice')], start)}${body}`,
      'web',
      'alice',
    )
  })

  test('H24 bytes above ASCII in headers are no ground for anything', async () => {
    await expectUseless(['X-Request-ID: \x80\xff', 'User-Agent: \u00c3\u00bc'])
  })

  test('H22 long headers get a verdict, very long ones a 400', async () => {
    const long = Array.from({ length: 3 }, (_each, index) => `X-Long-${index}: ${'x'.repeat(4000)}`)
    await expectUseless(long)
    const tooLong = [...long, ...long, ...long, ...long]
    await expectClosed(proxied, request('/x', 'app.test', [...tooLong, cookie('alice')]), 400)
  })

  test('H21 very many headers hide nothing', async () => {
    await proxied.send(
      request(
        '/x',
        'app.test',
        Array.from({ length: 900 }, (_each, index) => `a${index}: 1`),
      ),
    )
    const many = Array.from({ length: 900 }, (_each, index) => `a${index}: 1`)
    await expectUseless(many)
    const bytes = request('/x', 'app.test', [...many, 'Impersonate-User: root', cookie('alice')])
    await expectClosed(proxied, bytes, 403)
  })
})

const keptAlive = (host: string, lines: readonly string[]): string =>
  request('/x', host, lines).replace('Connection: close\r\n', '')

test('A2.12 one client after another on one connection, each with an answer of his own', async () => {
  const { controller, world } = proxied
  const bytes = [
    keptAlive('app.test', [cookie('alice')]),
    keptAlive('app.test', []),
    keptAlive('admin.test', [cookie('root')]),
    keptAlive('admin.test', [cookie('alice')]),
    request('/status', 'app.test'),
  ].join('')
  const text = await sendRaw(controller.port, bytes)
  expect(text.match(/^HTTP\/1\.1 [0-9]+/gm)).toEqual(
    [200, 401, 200, 403, 200].map((status) => `HTTP/1.1 ${status}`),
  )
  for (let each = 0; each < 5; each += 1) world.lose()
})

test('no line was too long, nothing leaked, and labels stayed closed', async () => {
  await expectSoundRecords(proxied.world)
})
