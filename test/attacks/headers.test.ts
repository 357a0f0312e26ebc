import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { createCertificate } from '../../demo/certificate.ts'
import {
  type Attack,
  expectIdentity,
  expectOutcome,
  expectOutcomes,
  type Outcome,
  outcomeOf,
  shown,
  startWorld,
  type World,
} from './support-requests.ts'
import { expectSoundRecords } from './support-requests-invariants.ts'

let world: World

beforeAll(async () => {
  world = await startWorld()
})
afterAll(() => world.stop())

type Row = readonly [row: string, what: string, attack: Attack, nobody: Outcome, alice?: Outcome]

const ADMIN = { url: 'https://admin.test/x', host: 'admin.test' } as const
const STATUS = { url: 'https://app.test/status' } as const
const PUBLIC_STATUS = { url: 'https://public.test/status', host: 'public.test' } as const
const PLAIN = { url: 'https://plain.test/x', host: 'plain.test' } as const

const MALFORMED = '403 malformed_request'
const DUPLICATE = '403 duplicate_header'
const ASKED = '401 not_signed_in'
const NO_RULE = '403 no_rule_matched'
const ALLOWED = '200 rule_matched'
const OPEN = '200 public_rule'

/** Other lines cannot change what the same request without them gets: 401, and alice's own 200. */
const ignored = (row: string, lines: readonly string[]): Row => [
  row,
  `takes no notice of ${lines.map((line) => line.slice(0, 48)).join(' + ')}`,
  { lines },
  ASKED,
  ALLOWED,
]

/** The same on a host that alice may not enter. */
const useless = (row: string, lines: readonly string[]): Row => [
  row,
  `does not open admin.test for ${lines.map((line) => line.slice(0, 48)).join(' + ')}`,
  { ...ADMIN, lines },
  ASKED,
  NO_RULE,
]

const logged = async (id: string) =>
  (await world.vestibule.decisions(world.verdicts.length)).find(({ decision }) => decision === id)

const expectRow = async ([, , attack, nobody, alice]: Row): Promise<void> => {
  await expectOutcomes(world, attack, nobody, alice)
}

describe('X-Original-URL and X-Original-Method', () => {
  const rows: readonly Row[] = [
    ['H1', 'refuses a request without the URL', { without: ['x-original-url'] }, MALFORMED],
    ['H2', 'refuses an empty URL', { url: '' }, MALFORMED],
    ['H2', 'refuses a URL of one space', { url: ' ' }, MALFORMED],
    ['H2', 'refuses a URL of one letter', { url: 'h' }, MALFORMED],
    [
      'H3',
      'refuses two lines of the URL',
      { ...STATUS, lines: ['X-Original-URL: https://app.test/x'] },
      DUPLICATE,
    ],
    [
      'H4',
      'refuses two URLs joined in one line',
      { url: 'https://public.test/status, https://admin.test/x', host: 'public.test' },
      MALFORMED,
    ],
    ['H5', 'refuses a request without a method', { without: ['x-original-method'] }, MALFORMED],
    ['H5', 'refuses an empty method', { method: '' }, MALFORMED],
    ['H5', 'refuses two methods in one line', { ...STATUS, method: 'GET, POST' }, MALFORMED],
    [
      'H5',
      'refuses two lines of the method',
      { ...STATUS, lines: ['X-Original-Method: POST'] },
      DUPLICATE,
    ],
    ['H9', 'refuses TRACE', { method: 'TRACE' }, '403 method_refused'],
    ['H9', 'refuses CONNECT', { method: 'CONNECT' }, '403 method_refused'],
    ['H9', 'refuses TRACE on a public path', { ...STATUS, method: 'TRACE' }, '403 method_refused'],
  ]
  test.each(rows)('%s %s', async (...row) => {
    await expectRow(row)
  })
})

describe('methods beside the public one', () => {
  const METHODS = ['FOO', 'get', 'Get', 'PROPFIND', 'PRI', 'POST', 'OPTIONS', 'A'.repeat(5000)]

  test.each(METHODS.map((method) => [shown(method), method]))(
    'H6 %s does not use the public rule for GET',
    async (_shown, method) => {
      await expectOutcomes(world, { ...STATUS, method }, ASKED, ALLOWED)
      // design.md 5: where signing in could not open it, somebody anonymous gets 403.
      await expectOutcomes(world, { ...PUBLIC_STATUS, method }, NO_RULE)
    },
  )

  // Blanks around a header value are not part of it (RFC 9110 section 5.5).
  test.each(['GET ', 'GET\t', ' GET'])('H6 %j is GET', async (method) => {
    await expectOutcomes(world, { ...STATUS, method }, OPEN)
  })

  const PREFLIGHT = ['Origin: https://evil.test', 'Access-Control-Request-Method: DELETE']

  test('H7 a preflight gets in only by a rule that says so, and then as nobody', async () => {
    const preflight = { method: 'OPTIONS', lines: PREFLIGHT }
    const there = { ...preflight, url: 'https://app.test/preflight' }
    await expectOutcomes(world, preflight, ASKED, ALLOWED)
    await expectOutcomes(world, there, OPEN)
    await expectOutcomes(world, { ...there, method: 'POST' }, ASKED, ALLOWED)
    await expectOutcomes(world, { ...there, lines: PREFLIGHT.slice(0, 1) }, ASKED, ALLOWED)
  })
})

describe('headers that nginx lets clients choose', () => {
  const FORWARDED = [
    'X-Forwarded-Uri: /status',
    'X-Forwarded-Host: public.test',
    'X-Forwarded-Proto: https',
    'X-Forwarded-Method: GET',
    'X-Forwarded-Prefix: /status',
    'X-Forwarded-Port: 443',
    'X-Forwarded-Server: public.test',
    'X-Forwarded-For: 127.0.0.1',
    'X-Forwarded-User: root',
    'X-Original-Forwarded-For: 127.0.0.1',
    'X-Rewrite-URL: /status',
    'X-Scheme: https',
    'X-HTTP-Method-Override: GET',
  ]
  const IDENTITY = [
    'X-Auth-Request-User: root',
    'X-Auth-Request-Email: root@example.test',
    'X-Auth-Request-Groups: admins',
    'X-Auth-Request-Actor: human',
    'X-Vestibule-Assertion: CANARY',
    'Remote-User: root',
  ]
  const rows: readonly Row[] = [
    ...['/oauth2/callback', '/outpost.goauthentik.io/x', '/status', '/healthz'].map((path) =>
      useless('H10', [`X-Original-URI: ${path}`]),
    ),
    ...FORWARDED.map((line) => useless('H11', [line])),
    useless('H11', FORWARDED),
    useless('H12', ['Forwarded: host=public.test;proto=https']),
    useless('H12', ['Forwarded: for="a,b;for=10.0.0.1";host="public.test"']),
    useless('H14', [
      'Ssl-Client-Verify: SUCCESS',
      'Ssl-Client-Cert: -----BEGIN%20CERTIFICATE-----CANARY',
      'Ssl-Client-Subject-Dn: CN=root',
    ]),
    useless('H15', IDENTITY),
    ignored('H16', IDENTITY),
    ignored('H17', ['X-AUTH-REQUEST-USER: root']),
    ignored('H19', ['Connection: close, X-Original-URL, X-Original-Method, Authorization']),
    ignored('H19', ['connection: x-original-url, cookie, x-auth-request-user']),
    ignored('H20', ['__proto__: x', 'constructor: x', 'hasOwnProperty: x', 'toString: x']),
    ...['GoogleHC/1.0', 'kube-probe/1.30', 'ELB-HealthChecker/2.0', '', 'a'.repeat(8192)].map(
      (agent) => useless('H29', [`User-Agent: ${agent}`]),
    ),
    ...['text/html', 'application/json', '*/*'].map((type) => ignored('H32', [`Accept: ${type}`])),
    ignored('H32', ['X-Requested-With: XMLHttpRequest', 'Sec-Fetch-Mode: navigate']),
    ignored('H34', ['Accept-Encoding: gzip, br']),
    ignored('H34', ['If-None-Match: *', 'If-Modified-Since: Thu, 01 Jan 2099 00:00:00 GMT']),
    ignored('H34', ['Range: bytes=0-0', 'TE: trailers']),
    ignored('H35', ['Host: public.test']),
    ['H35', 'needs no Host of its own', { without: ['host'] }, ASKED, ALLOWED],
  ]
  test.each(rows)('%s %s', async (...row) => {
    await expectRow(row)
  })

  test('H14 a real certificate proves nothing where the proxy is not said to set it', async () => {
    const certificate = createCertificate(['root.test'])
    certificate.remove()
    const lines = [
      'Ssl-Client-Verify: SUCCESS',
      `Ssl-Client-Cert: ${encodeURIComponent(certificate.certificate)}`,
    ]
    const request = { url: 'https://certificate.test/x', host: 'certificate.test' }
    await expectOutcomes(world, request, ASKED, NO_RULE)
    await expectOutcomes(world, { ...request, lines }, ASKED, NO_RULE)
  })

  test('H15 the answer to a forger is that to anybody else, but for its id', async () => {
    const plain = await world.send('GET /verify?host=app.test HTTP/1.0\r\n\r\n')
    const forged = await world.send(
      `GET /verify?host=app.test HTTP/1.0\r\n${IDENTITY.join('\r\n')}\r\n\r\n`,
    )
    expect({ ...forged, id: '' }).toEqual({ ...plain, id: '' })
  })
})

describe('names that look like ours', () => {
  // Behind a proxy that passes them on, an application that folds `_` and `.` would see two users.
  test.each([
    'X_Auth_Request_User: root',
    'X-Auth_Request-User: root',
    'x.auth.request.user: root',
    'X_AUTH_REQUEST_GROUPS: admins',
    'X-Vestibule_Assertion: CANARY',
    // A header of a preset (`app: grafana-proxy`).
    'X_WEBAUTH_USER: root',
  ])('H17 refuses %s', async (line) => {
    await expectOutcomes(world, { lines: [line] }, '403 impersonation_header')
  })

  test.each([
    ['a space before the colon', 'X-Auth-Request-User : root'],
    ['a Cyrillic letter', 'X-Auth-Request-Us\u00d0\u00b5r: root'],
    ['no colon', 'X-Auth-Request-User'],
    ['no name', ': root'],
  ])('H17 refuses a header line with %s', async (_what, line) => {
    await expectOutcomes(world, { lines: [line] }, MALFORMED)
  })

  test.each([
    'Impersonate-User: root',
    'impersonate-group: system:masters',
    'Impersonate-Extra-Scopes: x',
    'IMPERSONATE-UID: 0',
    'Impersonate_User: root',
    'Impersonate.User: root',
    'Impersonate-User:',
  ])('design 2.5 refuses %s, on a public path too', async (line) => {
    await expectOutcomes(world, { lines: [line] }, '403 impersonation_header')
    await expectOutcomes(world, { ...STATUS, lines: [line] }, '403 impersonation_header')
  })
})

const ODD_BYTES = [
  ['bytes above ASCII', '\x80\x99\xff'],
  ['UTF-8', '\u00c3\u00bc'],
  ['a line separator in UTF-8', '\u00e2\u0080\u00a8'],
] as const

describe.each(ODD_BYTES)('H24 %s', (_what, bytes) => {
  test('in the URL or method are refused', async () => {
    await expectOutcomes(world, { url: `https://app.test/${bytes}` }, MALFORMED)
    await expectOutcomes(world, { url: `https://app${bytes}.test/` }, MALFORMED)
    await expectOutcomes(world, { method: `GET${bytes}` }, MALFORMED)
  })

  test('in the redirect contradict the URL', async () => {
    await expectOutcomes(
      world,
      { without: ['x-auth-request-redirect'], lines: [`X-Auth-Request-Redirect: /x${bytes}`] },
      '403 path_mismatch',
    )
  })

  test('in what is only advice are no ground for anything', async () => {
    const advice = [`X-Real-IP: 10.0.0.1${bytes}`, `X-Request-ID: a${bytes}`]
    await expectOutcomes(world, { without: ['x-real-ip'], lines: advice }, ASKED, ALLOWED)
  })
})

describe('advice that is logged', () => {
  test.each(
    [
      ['a', undefined],
      ['', undefined],
      ['127.0.0.1', '127.0.0.1'],
      ['::1', '::1'],
      ['::ffff:10.0.0.1', '::ffff:10.0.0.1'],
      ['1.2.3.4, 10.0.0.1', undefined],
      ['010.0.0.1', undefined],
      ['%0a', undefined],
      ['1'.repeat(4096), undefined],
    ].map(([address = '', ip]) => [shown(address), address, ip] as const),
  )('H30 X-Real-IP %s changes no verdict', async (_shown, address, ip) => {
    const request = { without: ['x-real-ip'], lines: [`X-Real-IP: ${address}`] }
    const [verdict] = await expectOutcomes(world, request, ASKED, ALLOWED)
    expect((await logged(verdict.id))?.['clientIp']).toBe(ip)
  })

  test.each([
    ['10.1.2.3', ALLOWED],
    ['::ffff:10.0.0.1', ALLOWED],
    ['203.0.113.7', NO_RULE],
    ['1.2.3.4, 10.0.0.1', NO_RULE],
    ['10.0.0.1 x', NO_RULE],
    ['', NO_RULE],
  ] as const)('H30 a rule on addresses, asked about %j, says %s', async (address, outcome) => {
    const office = { url: 'https://office.test/x', host: 'office.test', without: ['x-real-ip'] }
    const lines = [`X-Real-IP: ${address}`, 'X-Forwarded-For: 10.0.0.1']
    await expectOutcome(world, { ...office, lines, cookie: world.cookies.alice }, outcome, 'alice')
  })

  test.each(
    ['x'.repeat(4096), 'a b', 'a"b', '"}{"level":"info', '../x', 'CANARY%0a'].map(
      (id) => [shown(id), id] as const,
    ),
  )('H31 X-Request-ID %s is replaced by an id of ours', async (_shown, id) => {
    const [verdict] = await expectOutcomes(
      world,
      { lines: [`X-Request-ID: ${id}`] },
      ASKED,
      ALLOWED,
    )
    expect((await logged(verdict.id))?.['requestId']).toBe(verdict.id)
  })
})

describe('duplicates', () => {
  test.each([
    'X-Original-URL: https://app.test/x',
    'x-original-url: https://app.test/x',
    'X-Original-Method: GET',
    'X-Auth-Request-Redirect: /x',
    'X-Real-IP: 203.0.113.7',
  ])('design 2.4 refuses a second %s, though it says the same', async (line) => {
    await expectOutcomes(world, { lines: [line] }, DUPLICATE)
  })

  test('design 2.4 refuses two X-Request-ID', async () => {
    await expectOutcomes(world, { lines: ['X-Request-ID: a', 'X-Request-ID: a'] }, DUPLICATE)
  })

  test('H36 three Cookie lines with a session each are no session', async () => {
    const { alice, bob, root } = world.cookies
    const lines = [alice, bob, root].map((cookie) => `Cookie: ${cookie}`)
    await expectOutcome(world, { lines }, '401 duplicate_cookie')
    await expectOutcome(world, { cookie: alice }, ALLOWED, 'alice')
  })

  test('H36 three Cookie lines of which one holds a session are that session', async () => {
    const lines = ['Cookie: a=1', `Cookie: ${world.cookies.alice}`, 'Cookie: b=2']
    await expectOutcome(world, { lines }, ALLOWED, 'alice')
  })

  test('H37 two Authorization lines are refused, though one is good', async () => {
    const token = await world.token({ sub: 'robot' })
    const lines = [`Authorization: Bearer ${token}`, 'Authorization: Basic eDp5']
    await expectOutcomes(world, { ...PLAIN, lines }, DUPLICATE)
    await expectOutcome(world, { ...PLAIN, lines: lines.slice(0, 1) }, ALLOWED)
  })
})

test('H16 an allow overwrites every identity header, and leaves none out', async () => {
  const verdict = await world.send(
    `GET /verify?host=app.test HTTP/1.1\r\nX-Original-URL: https://app.test/x\r\nX-Original-Method: GET\r\nX-Auth-Request-Groups: admins\r\nCookie: ${world.cookies.alice}\r\nConnection: close\r\n\r\n`,
  )
  expect(outcomeOf(verdict)).toBe(ALLOWED)
  expectIdentity(verdict, 'alice')
})

test('every answer left one clean line and only known labels', async () => {
  await expectSoundRecords(world)
})
