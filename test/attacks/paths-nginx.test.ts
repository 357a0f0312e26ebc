import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { shown } from './support-requests.ts'
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

/** What somebody anonymous and what alice gets: a status, or the application that is reached. */
type Row = readonly [row: string, path: string, nobody: number | 'web', alice: number | 'web']

const expectBoth = async (path: string, nobody: number | 'web', alice: number | 'web') => {
  const anonymous = request(path, 'app.test')
  if (nobody === 'web') await expectPassed(proxied, anonymous, 'web', 'nobody')
  else await expectClosed(proxied, anonymous, nobody)
  const signedIn = request(path, 'app.test', [cookie('alice')])
  if (alice === 'web') await expectPassed(proxied, signedIn, 'web', 'alice')
  else await expectClosed(proxied, signedIn, alice)
}

const ROWS: readonly Row[] = [
  ['U41', '/status', 'web', 'web'],
  ['U42', '/status?x=1', 'web', 'web'],
  ['U41', '/status/', 401, 'web'],
  // design.md 2.3: nginx routes on /status, so the rule on /status holds.
  ['U41', '//status', 'web', 'web'],
  ['U41', '/./status', 'web', 'web'],
  ['U41', '/x/../status', 'web', 'web'],
  ['U41', '/%73tatus', 'web', 'web'],
  ['U41', '/Status', 401, 'web'],
  ['U41', '/status%20', 401, 'web'],
  ['U41', '/status%09', 403, 403],
  ['U41', '/status;x', 403, 403],
  ['U41', '/status\\', 403, 403],
  ['U41', '/status%5c', 403, 403],
  ['U41', '/status#', 403, 403],
  ['U41', '/status%2f', 403, 403],
  ['U41', '/%2573tatus', 403, 403],
  ['U41', '/status%00', 400, 400],
  ['U43', '/x?/status', 401, 'web'],
  ['U44', '/x#/status', 403, 403],
  ['U46', '/assets/a.css', 'web', 'web'],
  ['U46', '/assets/%2fadmin', 403, 403],
  ['U46', '/assets/%2Fadmin', 403, 403],
  ['U47', '/assetsx/', 401, 'web'],
  ['U47', '/assets', 401, 'web'],
  ['U48', '/assets/a%0ab', 403, 403],
  ['U48', '/assets/a%0d%0ab', 403, 403],
  ['U48', '/assets/%c0%af', 403, 403],
  ['U48', '/assets/%e2%80%a8', 403, 403],
  ['U48', '/assets/\xff', 403, 403],
  ['U49', '/assets/%zz', 400, 400],
  ['U49', '/assets/%', 400, 400],
  ['U49', '/assets/%4', 400, 400],
  ['U52', '/..', 400, 400],
  ['U52', '/assets/../../x', 400, 400],
  ['U53', '*', 400, 400],
  ['U54', '/'.repeat(4000), 401, 'web'],
  ['U54', `/${'..;/'.repeat(1500)}`, 403, 403],
  ['U56', '/foo/x/bar', 'web', 'web'],
  ['U56', '/foo/secret#/bar', 403, 403],
  ['U57', `/x?${'q'.repeat(7000)}`, 401, 'web'],
  ['U57', '/x?a[__proto__]=1&%zz', 401, 'web'],
  ['U58', '/oauth2/callback', 401, 'web'],
  ['U58', '/verify?host=public.test', 401, 'web'],
  ['U58', '/healthz', 401, 'web'],
  ['U58', '/.well-known/jwks.json', 401, 'web'],
  // The internal locations of nginx are no way in.
  ['U58', '/_external-auth-Lw-Prefix', 404, 404],
]

describe('paths through nginx', () => {
  test.each(ROWS.map(([row, path, ...outcomes]) => [row, shown(path), path, ...outcomes] as const))(
    '%s %s',
    async (_row, _shown, path, nobody, alice) => {
      await expectBoth(path, nobody, alice)
    },
  )

  test.each(['/x y', '/x\ty', '/x\x7f', '/x\x01'])('U33 %j is refused', async (path) => {
    await expectClosed(proxied, request(path, 'app.test'), 400)
    await expectClosed(proxied, request(path, 'app.test', [cookie('alice')]), 400)
  })

  test('A1.40 the application gets the path as the client wrote it', async () => {
    const path = '/a/./b//c/%2e%2e/d?e=%2f'
    await expectPassed(proxied, request(path, 'app.test', [cookie('alice')]), 'web', 'alice')
    expect(proxied.applications.web.lastRequest()?.url).toBe(path)
  })
})

describe('an application below /admin of a host that all may enter', () => {
  const SPELLINGS = [
    '/admin',
    '/admin/',
    '/admin/x',
    '//admin/x',
    '/./admin/x',
    '/x/../admin/x',
    '/assets/../admin/x',
    '/assets/%2e%2e/admin/x',
    '/assets/.%2E/admin/x',
    '/%61dmin/x',
    '/%61%64%6d%69%6e/x',
    '/admin?/status',
    '/admin?path=/status',
    '/status/../admin',
    '/assets//../admin/x',
    '/assets/..//admin',
    '/admin/./../admin/x',
  ]

  test.each(SPELLINGS)('U51 %s is for admins only', async (path) => {
    await expectClosed(proxied, request(path, 'app.test'), 401)
    await expectClosed(proxied, request(path, 'app.test', [cookie('alice')]), 403)
    await expectPassed(proxied, request(path, 'app.test', [cookie('root')]), 'admin', 'root')
  })

  test.each([
    '/assets/..%2fadmin/x',
    '/assets/..%2Fadmin/x',
    '/assets/..%5cadmin/x',
    '/admin%2fx',
    '/admin;/x',
    '/admin/..;/status',
    '/admin/..%2fstatus',
    '/admin#/status',
    '/admin%252fx',
    '/x%2f..%2fadmin',
  ])('U52 %s is closed even to admins, since others may read it in another way', async (path) => {
    for (const lines of [[], [cookie('alice')], [cookie('root')]]) {
      await expectClosed(proxied, request(path, 'app.test', lines), 403)
    }
  })

  test.each(['/assets/..%2fadmin/x', '/admin%2fx', '/x%2f..%2fadmin', '/assets/..%2F/admin'])(
    'U52 %s on a host that accepts such paths is read as nginx reads it',
    async (path) => {
      await expectClosed(proxied, request(path, 'lenient.test'), 401)
      await expectClosed(proxied, request(path, 'lenient.test', [cookie('alice')]), 403)
      await expectPassed(proxied, request(path, 'lenient.test', [cookie('root')]), 'admin', 'root')
    },
  )

  test('U51 a host that folds case closes every spelling', async () => {
    for (const path of ['/ADMIN/x', '/%41dmin', '/Assets/../aDmin/x']) {
      await expectClosed(proxied, request(path, 'folded.test'), 401)
      await expectClosed(proxied, request(path, 'folded.test', [cookie('alice')]), 403)
    }
  })
})

describe('methods', () => {
  test.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'PROPFIND'])(
    'H6 %s does not use the public rule for GET',
    async (method) => {
      const start = `${method} /status HTTP/1.1`
      await expectClosed(proxied, request('', 'app.test', ['Content-Length: 0'], start), 401)
      const signedIn = [cookie('alice'), 'Content-Length: 0']
      await expectPassed(proxied, request('', 'app.test', signedIn, start), 'web', 'alice')
    },
  )

  test.each(['TRACE', 'CONNECT'])('H9 %s does not reach the service', async (method) => {
    const start = `${method} /status HTTP/1.1`
    await expectClosed(proxied, request('', 'app.test', [cookie('alice')], start), 405)
  })

  test.each(['get', 'Get'])('H6 %s is refused by nginx', async (method) => {
    const start = `${method} /status HTTP/1.1`
    await expectClosed(proxied, request('', 'app.test', [cookie('alice')], start), 400)
  })

  // No rule asks for the origin: the cookie is SameSite=Lax, so a foreign page does not send it.
  test('U62 a WebSocket needs a session as any request does', async () => {
    const lines = [
      'Upgrade: websocket',
      'Connection: Upgrade',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      'Origin: https://evil.test',
    ]
    const start = 'GET /ws HTTP/1.1'
    await expectClosed(proxied, request('', 'app.test', lines, start), 401)
    await expectClosed(proxied, request('', 'admin.test', [...lines, cookie('alice')], start), 403)
    await expectPassed(
      proxied,
      request('', 'app.test', [...lines, cookie('alice')], start),
      'web',
      'alice',
    )
  })
})

test('no line was too long, nothing leaked, and labels stayed closed', async () => {
  await expectSoundRecords(proxied.world)
})
