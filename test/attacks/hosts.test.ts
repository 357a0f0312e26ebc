import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { parseHostName } from '../../src/core/ids.ts'
import { parseOriginalUrl } from '../../src/core/original-url.ts'
import { startVestibule } from '../support/vestibule.ts'
import {
  type Attack,
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
const MISMATCH = '403 host_mismatch'
const MISCONFIGURED = '403 misconfigured_auth_url'
const UNKNOWN = '403 unknown_host'
const ASKED = '401 not_signed_in'
const NO_RULE = '403 no_rule_matched'
const ALLOWED = '200 rule_matched'

const at = (authority: string, host = 'admin.test', scheme = 'http'): Attack => ({
  url: `${scheme}://${authority}/x`,
  host,
})

/** As nginx sends it: the routed host in the query, the raw Host header in the URL. */
const expectRefused = async (authority: string, outcome: Outcome = MALFORMED): Promise<void> => {
  for (const host of ['admin.test', 'public.test', 'app.test']) {
    await expectOutcomes(world, at(authority, host), outcome)
  }
}

describe('authorities that parsers read in different ways', () => {
  test.each(
    [
      ['U1', 'admin.test:80@public.test'],
      ['U1', 'admin.test:80@app.test'],
      ['U2', 'admin.test:@public.test'],
      ['U3', 'admin.test@public.test'],
      ['U3', 'admin.test%40public.test'],
      ['U4', 'public.test?.internal.test'],
      ['U4', 'public.test#.internal.test'],
      ['U6', 'public.test\\.internal.test'],
      ['U6', 'admin.test:1\\public.test'],
      ['U7', 'public.test;.internal.test'],
      ['U7', "public.test'.internal.test"],
      ['U7', 'public.test*.internal.test'],
      ['U7', 'public.test,admin.test'],
      ['U7', '$host.internal.test'],
      ['U8', 'public.test%2f.internal.test'],
      ['U8', 'admin.test%00'],
      ['U9', 'admin%2etest'],
      ['U9', '%61dmin.test'],
      ['U12', 'admin.test..'],
      ['U12', 'admin..test'],
      ['U12', '.admin.test'],
      ['U12', '-admin.test'],
      ['U12', 'admin-.test'],
      ['U13', 'admin.test:'],
      ['U13', 'admin.test:0'],
      ['U13', 'admin.test:080'],
      ['U13', 'admin.test:8a'],
      ['U13', 'admin.test:99999'],
      ['U13', 'admin.test:65536'],
      ['U13', 'admin.test:443:80'],
      ['U13', 'admin.test:-1'],
      ['U13', 'admin.test: 80'],
      ['U18', '[::1]'],
      ['U18', '[::ffff:7f00:1]'],
      ['U18', '[fe80::1%25eth0]'],
      ['U18', '[::1'],
      ['U21', '\u00e2\u0084\u00aaelvin.test'],
      ['U23', 'xn--'],
      ['U23', `${'a'.repeat(64)}.test`],
      ['U23', `${'a.'.repeat(125)}test`],
      ['U24', 'a_b.test'],
      ['U24', '*.internal.test'],
      ['U33', 'admin\u007f.test'],
      ['U33', 'admin.test\u0085'],
      ['U34', 'app.test\t'],
      ['U34', 'app.test '],
      ['U36', '@'.repeat(1000)],
      ['U36', ':'.repeat(1000)],
      ['U36', 'a'.repeat(8192)],
      ['U38', 'b\u00c3\u00bccher.test'],
      ['U39', ''],
    ].map(([row, authority = '']) => [row, shown(authority), authority] as const),
  )('%s refuses %s', async (_row, _shown, authority) => {
    await expectRefused(authority)
  })

  test.each(['\t', '\r', '\n', '\0', '\x01'])('U33 refuses the byte %j in it', async (byte) => {
    await expectRefused(`admin${byte}.test`)
  })

  test.each([
    ['@', 60_000],
    [':', 60_000],
    ['a', 60_000],
    ['a-', 30_000],
    ['a.', 30_000],
    ['a-.', 20_000],
  ] as const)('U36 %s, %i times, is refused at once', (text, count) => {
    const authority = text.repeat(count)
    const times = Array.from({ length: 10 }, () => {
      const startedAt = performance.now()
      parseOriginalUrl(`http://${authority}/x`)
      parseHostName(authority)
      return performance.now() - startedAt
    })
    expect(parseOriginalUrl(`http://${authority}/x`)).toBeUndefined()
    // Far below 1 ms by itself, more on a busy machine; squared it would be seconds.
    expect(Math.min(...times)).toBeLessThan(250)
  })
})

describe('URLs that are none', () => {
  test.each([
    ['U16', 'http://'],
    ['U16', 'http:/app.test/x'],
    ['U16', 'http:app.test/x'],
    ['U16', 'http:///app.test/x'],
    ['U16', '//app.test/x'],
    ['U16', '/x'],
    ['U17', 'ftp://app.test/x'],
    ['U17', 'javascript://app.test/x'],
    ['U17', 'ws://app.test/x'],
    ['U17', 'wss://app.test/x'],
    ['U17', 'h2://app.test/x'],
    ['U17', 'httpss://app.test/x'],
    ['U17', ' https://app.test/x y'],
    ['U39', 'https:///x'],
    ['U39', 'https:////app.test/x'],
  ])('%s refuses %s', async (_row, url) => {
    await expectOutcomes(world, { url, host: 'app.test' }, MALFORMED)
    await expectOutcomes(world, { url, host: 'public.test' }, MALFORMED)
  })

  test.each(['HTTP', 'HTTPS', 'Https'])('U17 takes %s as its lower case', async (scheme) => {
    await expectOutcomes(world, at('app.test', 'app.test', scheme), ASKED, ALLOWED)
    await expectOutcomes(world, at('admin.test', 'admin.test', scheme), ASKED, NO_RULE)
  })

  // Behind a load balancer that ends TLS, nginx itself says http: the scheme decides nothing.
  test('U37 decides the same for http as for https', async () => {
    await expectOutcomes(world, at('app.test', 'app.test', 'http'), ASKED, ALLOWED)
    await expectOutcomes(world, at('admin.test', 'admin.test', 'http'), ASKED, NO_RULE)
  })
})

describe('spellings of one host', () => {
  test.each([
    ['U11', 'admin.test.'],
    ['U14', 'admin.test:80'],
    ['U14', 'admin.test:443'],
    ['U14', 'admin.test:8443'],
    ['A1.11', 'ADMIN.Test'],
    ['A1.36', 'Admin.TEST.:8080'],
  ])('%s %s is admin.test, on either side', async (_row, authority) => {
    await expectOutcomes(world, at(authority), ASKED, NO_RULE)
    const [routed = ''] = authority.split(':')
    await expectOutcomes(world, at('admin.test', routed), ASKED, NO_RULE)
    await expectOutcomes(world, at(authority, 'app.test'), MISMATCH)
  })

  test('U21 K is k in ASCII only', async () => {
    await expectOutcomes(world, at('Kelvin.test', 'kelvin.test'), ASKED, ALLOWED)
    const sign = '\u00e2\u0084\u00aaelvin.test'
    await expectOutcomes(world, at('kelvin.test', sign), MALFORMED)
  })

  test.each(['xn--bcher-kva.test', 'XN--BCHER-KVA.TEST'])(
    'U38 %s is a host of ASCII',
    async (name) => {
      await expectOutcomes(world, at(name, name), ASKED, ALLOWED)
    },
  )

  test('U38 a policy for a host outside ASCII does not load', async () => {
    const policies = {
      'b.yaml':
        'hosts: [bücher.test]\npolicy: [ { allow: { and: [ { authenticated_user: true } ] } } ]\n',
    }
    await expect(startVestibule({ policies })).rejects.toThrow(/bücher|host/)
  })
})

describe('the host that nginx routed to', () => {
  test.each([
    ['admin.test', 'app.test'],
    ['admin.test', 'public.test'],
    ['app.test', 'admin.test'],
    ['a.internal.test', 'b.internal.test'],
    ['internal.test', 'x.internal.test'],
    ['xn--dmin-5cd.test', 'admin.test'],
  ])('E1 %s is refused where the client claims %s', async (routed, claimed) => {
    await expectOutcomes(world, at(claimed, routed), MISMATCH)
    await expectOutcomes(world, { url: `http://${claimed}/status`, host: routed }, MISMATCH)
  })

  test.each([
    ['none at all', '/verify'],
    ['an empty query', '/verify?'],
    ['two', '/verify?host=app.test&host=admin.test'],
    ['two that agree', '/verify?host=app.test&host=app.test'],
    ['an empty one', '/verify?host='],
    ['an encoded NUL', '/verify?host=%00'],
    ['an encoded letter', '/verify?host=%61pp.test'],
    ['a plus', '/verify?host=app.test+'],
    ['a path', '/verify?host=../admin'],
    ['another case of the name', '/verify?HOST=app.test'],
    ['an encoded name', '/verify?h%6fst=app.test'],
    ['no value', '/verify?host'],
    ['an array', '/verify?host[]=app.test'],
    ['an unknown parameter', '/verify?host=app.test&policy=public'],
    ['a prototype', '/verify?host=app.test&__proto__=x'],
    ['an empty pair', '/verify?host=app.test&&ns=shop'],
    ['a trailing ampersand', '/verify?host=app.test&'],
    ['a semicolon', '/verify?host=app.test;ns=shop'],
    ['a fragment', '/verify?host=app.test#'],
    ['a second question mark', '/verify?host=app.test?ns=shop'],
    ['a port', '/verify?host=app.test:443'],
    ['user information', '/verify?host=x@app.test'],
    ['a wildcard', '/verify?host=*.internal.test'],
    ['a namespace with a slash', '/verify?host=app.test&ns=a/b'],
    ['two namespaces', '/verify?host=app.test&ns=a&ns=b'],
    ['an unexpanded variable', '/verify?host=$host'],
    ['a very long name', `/verify?host=${'a.'.repeat(200)}test`],
  ])('U31 an auth URL with %s is misconfigured', async (_what, target) => {
    await expectOutcomes(world, { target }, MISCONFIGURED)
    await expectOutcomes(world, { target, url: 'https://app.test/status' }, MISCONFIGURED)
  })

  // What $host of a wildcard server can be: nginx cuts it at no odd character.
  test.each(['?', '#', '\\', ';', '*', '%2f', '&ns=a', '&host=public.test#', '$host'])(
    'U4 a routed host with %s in it is misconfigured',
    async (odd) => {
      const name = `public.test${odd}.internal.test`
      await expectOutcomes(
        world,
        { target: `/verify?host=${name}&ns=shop&ing=i&svc=web&lp=/`, url: `http://${name}/x` },
        MISCONFIGURED,
      )
    },
  )

  test('design 2.2 the other parameters change nothing', async () => {
    const target = '/verify?host=app.test&ns=shop&ing=app-ingress&svc=web&lp=/a(/|$)(.*)'
    await expectOutcomes(world, { target }, ASKED, ALLOWED)
  })
})

describe('hosts without a policy of their own', () => {
  test.each([
    ['U19', '0x7f.1'],
    ['U19', '127.1'],
    ['U19', '2130706433'],
    ['U19', '017700000001'],
    ['U22', 'xn--dmin-5cd.test'],
    ['U23', 'xn--a'],
    ['U26', 'localhost'],
    ['U26', '127.0.0.1'],
    ['U26', '169.254.169.254'],
    ['U26', 'auth.test'],
    ['U27', 'other.test'],
    ['U28', 'internal.test'],
    ['U28', 'xinternal.test'],
    ['U28', 'internal.test.evil.test'],
    ['U28', 'test'],
    ['U32', 'deleted.admin.test'],
  ])('%s %s is unknown, and closed', async (_row, name) => {
    const fetched = world.idp.counts()
    await expectOutcomes(world, at(name, name), UNKNOWN)
    await expectOutcomes(world, { url: `http://${name}/status`, host: name }, UNKNOWN)
    expect(world.idp.counts()).toEqual(fetched)
  })

  test.each(['x.internal.test', 'x.y.internal.test', 'internal.test.internal.test'])(
    'U28 %s lies below *.internal.test',
    async (name) => {
      await expectOutcomes(world, at(name, name), ASKED, ALLOWED)
    },
  )

  test.each(['internal', 'reversed'])(
    'U29 the exact host decides, whichever file is read first (%s)',
    async (family) => {
      const exact = `a.${family}.test`
      await expectOutcomes(world, at(exact, exact), '403 denied_by_rule')
      await expectOutcomes(world, at(exact.toUpperCase(), exact), '403 denied_by_rule')
      await expectOutcomes(world, at(`b.${family}.test`, `b.${family}.test`), ASKED, ALLOWED)
      await expectOutcomes(world, at(`x.${exact}`, `x.${exact}`), ASKED, ALLOWED)
    },
  )
})

test('every answer left one clean line and only known labels', async () => {
  await expectSoundRecords(world)
})
