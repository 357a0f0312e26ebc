import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { headerOf } from '../support/raw-http.ts'
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

const cookie = (who: 'alice' | 'bob' | 'root'): string => `Cookie: ${proxied.world.cookies[who]}`

/** Refused for somebody anonymous and for alice alike; root's session would open admin.test. */
const expectConfusionRefused = async (
  target: string,
  host: string | undefined,
  status = 403,
  start?: string,
): Promise<void> => {
  await expectClosed(proxied, request(target, host, [], start), status)
  for (const who of ['alice', 'root'] as const) {
    await expectClosed(proxied, request(target, host, [cookie(who)], start), status)
  }
  await expectPassed(proxied, request('/x', 'app.test', [cookie('bob')]), 'web', 'bob')
}

describe('plain requests', () => {
  test('pass and fail as the policies say', async () => {
    await expectClosed(proxied, request('/x', 'app.test'), 401)
    await expectPassed(proxied, request('/x', 'app.test', [cookie('alice')]), 'web', 'alice')
    await expectClosed(proxied, request('/x', 'admin.test', [cookie('alice')]), 403)
    await expectPassed(proxied, request('/x', 'admin.test', [cookie('root')]), 'admin', 'root')
    await expectPassed(proxied, request('/status', 'public.test'), 'web', 'nobody')
    await expectClosed(proxied, request('/x', 'unknown.test', [cookie('root')]), 404)
  })

  test('U29 the exact host of a wildcard decides', async () => {
    await expectClosed(proxied, request('/x', 'a.internal.test', [cookie('alice')]), 403)
    await expectPassed(proxied, request('/x', 'b.internal.test', [cookie('alice')]), 'web', 'alice')
  })
})

describe('a request line that routes to another host than the Host header names', () => {
  const CLAIMS = ['app.test', 'public.test', 'b.internal.test', 'unknown.test'] as const

  test.each(CLAIMS)('E1 http://admin.test/secret with Host: %s', async (claimed) => {
    await expectConfusionRefused('http://admin.test/secret', claimed)
    await expectConfusionRefused('http://admin.test/status', claimed)
  })

  test.each(['https', 'ws', 'foo', 'HTTP'])('E1 %s://admin.test/secret', async (scheme) => {
    await expectConfusionRefused(`${scheme}://admin.test/secret`, 'app.test')
  })

  test.each([
    'http://admin.test:80/secret',
    'http://ADMIN.TEST/secret',
    'http://admin.test./secret',
    'http://a.internal.test/secret',
  ])('E1 %s', async (target) => {
    await expectConfusionRefused(target, 'app.test')
  })

  test('E1 the other way round, and where both agree', async () => {
    await expectConfusionRefused('http://app.test/x', 'admin.test')
    const bytes = request('http://app.test/x', 'app.test', [cookie('alice')])
    await expectPassed(proxied, bytes, 'web', 'alice')
  })

  test('U53 an absolute form without a path is refused or read as /', async () => {
    await expectConfusionRefused('http://app.test?x', 'app.test')
    const bytes = request('http://app.test', 'app.test', [cookie('alice')])
    await expectPassed(proxied, bytes, 'web', 'alice')
  })

  test('E4 HTTP/1.0 without a Host header', async () => {
    const start = 'GET http://admin.test/public.test/status HTTP/1.0'
    await expectConfusionRefused('', undefined, 403, start)
    await expectConfusionRefused('', undefined, 404, 'GET /public.test/status HTTP/1.0')
  })
})

describe('a Host header that parsers read in different ways', () => {
  test.each([
    ['U1', 'admin.test:80@public.test'],
    ['U1', 'admin.test:80@app.test'],
    ['U2', 'admin.test:@app.test'],
    ['U2', 'admin.test:x@app.test:80'],
    ['U6', 'admin.test:1\\app.test'],
    ['U6', 'admin.test:1\\status'],
    ['U13', 'admin.test:1#'],
    ['U13', 'admin.test:1?x'],
    ['U13', 'admin.test:abc'],
    ['U13', 'admin.test:'],
    ['U13', 'admin.test:0'],
    ['U13', 'admin.test:99999'],
    ['U13', 'admin.test:443:80'],
    ['U4', 'public.test?.internal.test'],
    ['U4', 'public.test#.internal.test'],
    ['U6', 'public.test\\.internal.test'],
    ['U7', 'public.test;.internal.test'],
    ['U7', "public.test'.internal.test"],
    ['U7', 'public.test*.internal.test'],
    ['U7', 'public.test,b.internal.test'],
    ['U7', '$host.internal.test'],
    ['U8', 'public.test%2f.internal.test'],
    ['U9', 'b%2einternal.internal.test'],
    ['U24', 'public_test.internal.test'],
    ['U31', 'b.internal.test&host=public.test#.internal.test'],
    ['U31', 'public.test&ns=a#.internal.test'],
    ['U33', 'public.test\xff.internal.test'],
    ['U12', '-b.internal.test'],
    ['U19', `${'a'.repeat(64)}.internal.test`],
  ])('%s %s', async (_row, host) => {
    await expectConfusionRefused('/status', host)
    await expectConfusionRefused('/secret', host)
  })

  test.each([
    ['U33', 'admin.test/app.test'],
    ['U12', 'admin..test'],
    ['U33', 'admin.test\x01'],
    ['U34', 'app.test x'],
  ])('%s %j is refused by nginx itself', async (_row, host) => {
    await expectConfusionRefused('/status', host, 400)
  })

  test('E18 two Host headers are refused by nginx itself', async () => {
    for (const second of ['app.test', 'admin.test']) {
      const bytes = request('/status', 'app.test', [`Host: ${second}`, cookie('root')])
      await expectClosed(proxied, bytes, 400)
    }
  })

  test.each(['APP.TEST', 'App.Test.', 'app.test:8080', 'APP.TEST.:443'])(
    'U14 %s is app.test',
    async (host) => {
      await expectClosed(proxied, request('/x', host), 401)
      await expectPassed(proxied, request('/x', host, [cookie('alice')]), 'web', 'alice')
      await expectPassed(proxied, request('/status', host), 'web', 'nobody')
    },
  )
})

describe('the redirect to signing in', () => {
  test('E1 is not made for a host that the client made up', async () => {
    const plain = await expectClosed(proxied, request('/x', 'plain.test'), 302)
    expect(headerOf(plain, 'location')).toBe(
      'http://auth.test/oauth2/start?rd=http://plain.test%2Fx',
    )
    for (const host of ['plain.test:80@evil.test', 'plain.test:@evil.test', 'plain.test:1#']) {
      const answer = await expectClosed(proxied, request('/x', host), 403)
      expect(headerOf(answer, 'location')).toBeUndefined()
    }
    const absolute = request('http://plain.test/x', 'evil.test')
    expect(headerOf(await expectClosed(proxied, absolute, 403), 'location')).toBeUndefined()
  })
})

test('no line was too long, nothing leaked, and labels stayed closed', async () => {
  await expectSoundRecords(proxied.world)
})
