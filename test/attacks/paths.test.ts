import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { isAmbiguousPath, routedPath } from '../../src/core/routed-path.ts'
import { askRaw } from '../support/raw-http.ts'
import { startVestibule } from '../support/vestibule.ts'
import {
  expectOutcome,
  expectOutcomes,
  type Outcome,
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

const MALFORMED = '403 malformed_request'
const AMBIGUOUS = '403 path_ambiguous'
const ASKED = '401 not_signed_in'
const DENIED = '403 denied_by_rule'
const ALLOWED = '200 rule_matched'
const OPEN = '200 public_rule'

const expectPath = async (
  path: string,
  nobody: Outcome,
  alice: Outcome = nobody,
  host = 'app.test',
): Promise<void> => {
  await expectOutcomes(world, { url: `https://${host}${path}`, host }, nobody, alice)
}

/** What somebody anonymous and alice get for each path of app.test. */
const table = (
  rows: readonly (readonly [row: string, path: string, nobody: Outcome, alice?: Outcome])[],
) =>
  rows.map(
    ([row, path, nobody, alice]) => [row, shown(path), nobody, path, alice ?? nobody] as const,
  )

describe('the public literal /status', () => {
  test.each(
    table([
      ['U41', '/status', OPEN],
      ['U42', '/status?x=1', OPEN],
      ['U42', '/status?', OPEN],
      ['U41', '/status/', ASKED, ALLOWED],
      ['U41', '/status//', ASKED, ALLOWED],
      // design.md 2.3: rules see the path on which nginx routes, and on these it routes to /status.
      ['U41', '//status', OPEN],
      ['U41', '/./status', OPEN],
      ['U41', '/x/../status', OPEN],
      ['U41', '/%73tatus', OPEN],
      ['U41', '/statu%73', OPEN],
      ['U41', '/%2e/status', OPEN],
      ['U41', '/status%20', ASKED, ALLOWED],
      ['U41', '/status%09', AMBIGUOUS],
      ['U41', '/status;x', AMBIGUOUS],
      ['U41', '/status;jsessionid=1', AMBIGUOUS],
      ['U41', '/status%3bx', AMBIGUOUS],
      ['U41', '/Status', ASKED, ALLOWED],
      ['U41', '/STATUS', ASKED, ALLOWED],
      ['U41', '/status.json', ASKED, ALLOWED],
      ['U41', '/status%2e', ASKED, ALLOWED],
      ['U41', '/status.', ASKED, ALLOWED],
      ['U41', '/status%00', MALFORMED],
      ['U41', '/status%2f', AMBIGUOUS],
      ['U41', '/status\\', AMBIGUOUS],
      ['U41', '/status%5c', AMBIGUOUS],
      ['U41', '/%2573tatus', AMBIGUOUS],
      ['U41', '/status#', AMBIGUOUS],
      ['U41', '/status%23', AMBIGUOUS],
      ['U41', '/status%3f', AMBIGUOUS],
      ['U41', '/status\u00a0', MALFORMED],
    ]),
  )('%s %s: %s', async (_row, _shown, nobody, path, alice) => {
    await expectPath(path, nobody, alice)
  })
})

describe('/admin, which only admins may see', () => {
  test.each(
    table([
      ['U43', '/admin?/status', ASKED, DENIED],
      ['U43', '/admin?path=/status', ASKED, DENIED],
      ['U43', '/admin?x#/status', ASKED, DENIED],
      ['U43', '/admin??/../status', ASKED, DENIED],
      ['U44', '/admin#/status', AMBIGUOUS],
      ['U44', '/admin%00/status', MALFORMED],
      ['U51', '/admin/x', ASKED, DENIED],
      ['U51', '//admin/x', ASKED, DENIED],
      ['U51', '/%61dmin/x', ASKED, DENIED],
      ['U51', '/x/..//admin/', ASKED, DENIED],
      ['U51', '/admin%2fx', AMBIGUOUS],
      ['U51', '/admin%2Fx', AMBIGUOUS],
      ['U51', '/admin\\x', AMBIGUOUS],
      ['U51', '/admin;a=b/x', AMBIGUOUS],
      ['U51', '/adminx', ASKED, ALLOWED],
      ['U52', '/admin/..%2fstatus', AMBIGUOUS],
      ['U52', '/admin/..%2Fstatus', AMBIGUOUS],
      ['U52', '/admin/..%5cstatus', AMBIGUOUS],
      ['U52', '/admin/..;/status', AMBIGUOUS],
      ['U52', '/admin/%252e%252e/status', AMBIGUOUS],
      ['U52', '/status/../admin', ASKED, DENIED],
      ['U52', '/assets/../admin/x', ASKED, DENIED],
      ['U52', '/assets/%2e%2e/admin', ASKED, DENIED],
      ['U52', '/assets/.%2e/admin', ASKED, DENIED],
      ['U52', '/assets/..%2fadmin', AMBIGUOUS],
      ['U52', '/assets/..%5cadmin', AMBIGUOUS],
      ['U52', '/assets/..;/admin', AMBIGUOUS],
      // design.md 2.3: nginx resolves the dots and routes to /status; so do browsers before that.
      ['U52', '/admin/../status', OPEN],
    ]),
  )('%s %s: %s', async (_row, _shown, nobody, path, alice) => {
    await expectPath(path, nobody, alice)
  })

  test('U51 a host may fold the case of its paths; then every spelling is admin', async () => {
    for (const path of ['/ADMIN/x', '/%41dmin/x', '/aDMIN']) {
      await expectPath(path, ASKED, ALLOWED)
      await expectPath(path, ASKED, DENIED, 'folded.test')
    }
    await expectPath('/Status', OPEN, OPEN, 'folded.test')
  })

  test('U51 admins get in, with the one group that the policy names', async () => {
    const request = { url: 'https://app.test/admin/x', cookie: world.cookies.root }
    await expectOutcome(world, request, ALLOWED, 'root')
  })
})

describe('the public prefix /assets/', () => {
  test.each(
    table([
      ['U46', '/assets/a.css', OPEN],
      ['U46', '/assets/', OPEN],
      ['U46', '/assets/%2fadmin', AMBIGUOUS],
      ['U46', '/assets/%2Fadmin', AMBIGUOUS],
      ['U47', '/assetsx/', ASKED, ALLOWED],
      ['U47', '/assets', ASKED, ALLOWED],
      ['U47', '/assets%2f', AMBIGUOUS],
      ['U47', '/assets;/', AMBIGUOUS],
      ...['%0a', '%0d', '%09', '%7f', '%85', '%e2%80%a8', '%1b', '%ef%bb%bf', '%c0%af', '%ff'].map(
        (code) => ['U48', `/assets/a${code}b`, AMBIGUOUS] as const,
      ),
      ['U48', '/assets/a%00b', MALFORMED],
      ['U49', '/assets/%zz', MALFORMED],
      ['U49', '/assets/%', MALFORMED],
      ['U49', '/assets/%4', MALFORMED],
      ['U49', '/assets/%u0041', MALFORMED],
      ['U49', '/assets/%%41', MALFORMED],
      ['U52', '/..', MALFORMED],
      ['U52', '/assets/../../x', MALFORMED],
      ['U52', '/assets/%2e%2e/%2e%2e/x', MALFORMED],
    ]),
  )('%s %s: %s', async (_row, _shown, nobody, path, alice) => {
    await expectPath(path, nobody, alice)
  })

  test('U46 a host may accept such paths; nginx decides where they lead', async () => {
    await expectPath('/assets/a%2fb', OPEN, OPEN, 'lenient.test')
    await expectPath('/assets/..%2Fadmin', ASKED, DENIED, 'lenient.test')
    await expectPath('/admin%2fx', ASKED, DENIED, 'lenient.test')
    await expectPath('/assets/%00', MALFORMED, MALFORMED, 'lenient.test')
  })

  test('U46 a host without rules on paths takes them as they are', async () => {
    await expectPath('/a%2fb;c', ASKED, ALLOWED, 'plain.test')
    await expectPath('/a%00', MALFORMED, MALFORMED, 'plain.test')
  })
})

const redirected = (redirect: string, host: string) => ({
  url: `https://${host}/x?y=1`,
  host,
  without: ['x-auth-request-redirect'],
  lines: [`X-Auth-Request-Redirect: ${redirect}`],
})

describe('odd targets', () => {
  test.each(
    table([
      ['U53', '*', MALFORMED],
      ['U53', '', MALFORMED],
      ['U53', '?x', MALFORMED],
      ['U53', '/', ASKED, ALLOWED],
      ['U54', '/'.repeat(4000), ASKED, ALLOWED],
      ['U54', `/${'a/'.repeat(8000)}`, ASKED, ALLOWED],
      ['U54', `/${'..;/'.repeat(8000)}`, AMBIGUOUS],
      ['U54', `/${'a/../'.repeat(4000)}status`, OPEN],
      ['U54', `/${'%01'.repeat(4000)}`, AMBIGUOUS],
      ['U54', `/${'"'.repeat(4000)}`, ASKED, ALLOWED],
      ['U54', `/${'%f0%9f%98%80'.repeat(1000)}`, ASKED, ALLOWED],
      // There are no regular expressions; the nearest is a prefix with an ending.
      ['U56', '/foo/x/bar', OPEN],
      ['U56', '/foo/secret?/bar', ASKED, ALLOWED],
      ['U56', '/foo/secret#/bar', AMBIGUOUS],
      ['U56', '/foo/secret%3b/bar', AMBIGUOUS],
      // To nginx a name with a `#` in it; to who decodes before he parses, the end of the path.
      ['U56', '/foo/secret%23/bar', AMBIGUOUS],
      ['U57', `/x?${'q'.repeat(7168)}`, ASKED, ALLOWED],
      ['U57', `/x?${'a=b&'.repeat(5000)}`, ASKED, ALLOWED],
      ['U57', '/x?a[__proto__]=1&CANARY=1', ASKED, ALLOWED],
      ['U57', '/x?%&%zz&%00', ASKED, ALLOWED],
      ['U57', '/status?%', OPEN],
      ...[
        '/oauth2/callback',
        '/oauth2/start',
        '/oauth2/sign_out',
        '/oauth2/anything',
        '/healthz',
        '/readyz',
        '/metrics',
        '/verify',
        '/verify?host=public.test',
        '/.well-known/jwks.json',
        '/denied',
      ].map((path) => ['U58', path, ASKED, ALLOWED] as const),
    ]),
  )('%s %s: %s', async (_row, _shown, nobody, path, alice) => {
    await expectPath(path, nobody, alice)
  })

  test.each([
    ['/', 4000],
    ['/a', 8000],
    ['/..;', 8000],
    ['/a/..', 8000],
    ['/%2e', 8000],
    ['/.a.', 8000],
    ['%25', 8000],
  ] as const)('U54 takes time in proportion for %s, times %i', (part, count) => {
    const target = `/${part.repeat(count)}`
    const times = Array.from({ length: 10 }, () => {
      const startedAt = performance.now()
      routedPath(target)
      isAmbiguousPath(target)
      return performance.now() - startedAt
    })
    // 1.2 ms by itself, more on a busy machine; squared it would be seconds.
    expect(Math.min(...times)).toBeLessThan(250)
  })

  test('A1.40 the redirect has to repeat path and query of the URL, byte for byte', async () => {
    const [confirmed, contradicted] = ['/x?y=1', '/status'] as const
    await expectOutcomes(world, redirected(confirmed, 'app.test'), ASKED, ALLOWED)
    for (const other of [contradicted, '/x', '/x?y=1&', '/X?y=1', '//x?y=1', '/%78?y=1', '']) {
      await expectOutcomes(world, redirected(other, 'app.test'), '403 path_mismatch')
    }
    await expectOutcomes(world, redirected('https://app.test/', 'overridden.test'), ASKED, ALLOWED)
  })
})

describe('which rule wins', () => {
  const NO_RULES = ['[]', '{}', 'null', '[ { allow: { and: [] } } ]', '[ { deny: {} } ]']

  // A policy of no rules would be a forgotten one: it does not load, so nothing is open.
  test.each(NO_RULES)('U63 a file with the rules %s does not load', async (rules) => {
    const policies = { 'empty.yaml': `hosts: [empty.test]\npolicy: ${rules}\n` }
    await expect(startVestibule({ policies })).rejects.toThrow(/empty\.yaml/)
  })

  test.each(['deny-first.test', 'deny-last.test'])('U64 the deny, on %s', async (host) => {
    await expectPath('/x', DENIED, DENIED, host)
    await expectPath('/y', ASKED, ALLOWED, host)
  })
})

describe('paths of the verify listener itself', () => {
  const HEADERS = 'X-Original-URL: https://app.test/status\r\nX-Original-Method: GET\r\n'

  test.each([
    '/verify/',
    '/verify/?host=app.test',
    '/VERIFY?host=app.test',
    '/verify/../healthz',
    '/x/../verify?host=app.test',
    '//verify?host=app.test',
    '/verify%2f?host=app.test',
    '/%76erify?host=app.test',
    '/verify;x?host=app.test',
    '/verify.html',
    '/verifyx?host=app.test',
    '/',
    '/index.html',
    '/healthz',
    '/readyz',
    '/metrics',
    '/admin/sessions',
    '/oauth2/start',
    '/oauth2/auth/',
    '/debug/pprof/',
    '/_external-auth-Lw-Prefix',
    '*',
    'app.test:80',
    'http://x/verify/y?host=app.test',
    'ftp://x/verify?host=app.test',
    'HTTP://x/verify?host=app.test',
    'verify?host=app.test',
  ])('U59 %s is no path here', async (path) => {
    const { verifyPort } = world.vestibule
    const request = `GET ${path} HTTP/1.1\r\n${HEADERS}Cookie: ${world.cookies.alice}\r\nConnection: close\r\n\r\n`
    const answer = await askRaw(verifyPort, request)
    expect([404, 403]).toContain(answer.status)
    expect([answer.body, answer.headers.find(([name]) => name === 'content-length')?.[1]]).toEqual([
      '',
      '0',
    ])
    if (answer.status === 403) world.lose()
  })

  test.each(['/verify', '/oauth2/auth', 'http://evil.test/verify'])(
    'U61 %s is one, and an authority in it means nothing',
    async (path) => {
      await expectOutcomes(world, { target: `${path}?host=app.test` }, ASKED, ALLOWED)
      const admin = { target: `${path}?host=admin.test`, url: 'https://admin.test/x' }
      await expectOutcomes(world, admin, ASKED, '403 no_rule_matched')
    },
  )

  test.each(['/verify?host=app.test', '/oauth2/auth?host=app.test', '/metrics', '/healthz'])(
    'A1.27 %s of one listener is 404 without a body on the others',
    async (path) => {
      const { publicPort, opsPort } = world.vestibule
      const ports = /metrics|healthz/.test(path) ? [publicPort] : [publicPort, opsPort]
      for (const port of ports) {
        const answer = await askRaw(
          port,
          `GET ${path} HTTP/1.1\r\nHost: auth.test\r\n${HEADERS}Cookie: ${world.cookies.alice}\r\nConnection: close\r\n\r\n`,
        )
        expect([answer.status, answer.body]).toEqual([404, ''])
      }
    },
  )
})

test('every answer left one clean line and only known labels', async () => {
  await expectSoundRecords(world)
})
