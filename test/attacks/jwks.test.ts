import { once } from 'node:events'
import { type ServerResponse } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { createBoundedFetch } from '../../src/edge/outbound/bounded-fetch.ts'
import { createKeySet, type KeySet, REMOTE } from '../../src/edge/tokens/key-set.ts'
import { remoteKeys } from '../../src/edge/tokens/key-sources.ts'
import { createTokenVerifier } from '../../src/edge/tokens/token-verifier.ts'
import { type TokenVerifier } from '../../src/flow/ports.ts'
import {
  failureOf,
  type IssuerServer,
  issuerOf,
  NOW,
  startIssuer,
} from '../tokens/support-tokens.ts'
import { createKey, encode, publicJwk, type SigningKey, signText } from './support-bearer.ts'

jest.setTimeout(20_000)

/*
 * NOT_APPLICABLE, or shown elsewhere:
 *
 * J4 (TLS)   certificates that are not trusted: cluster.test.ts, beside the tokens.
 * J8, J9     keys that are no good: public-keys.test.ts.
 * J16        keys and their cool-down are in the memory of each replica; Redis has no part in it.
 * J19        algorithms and endpoints of token issuers come from the configuration alone.
 * J22        clocks: bearer-claims.test.ts.
 * J23–J25    answers to a sign-in: callback-provider-faults.test.ts.
 * J26, J27   answers to a revalidation: refresh.test.ts.
 */

const KEY = createKey('one', 'ES256')
const OTHER = createKey('two', 'ES256')

let idp: IssuerServer
let clock: { nowMs: number }
let verify: TokenVerifier
let keys: KeySet
let failures: string[]

const tokenBy = (key: SigningKey, iss = idp.url): string => {
  const iat = Math.floor(clock.nowMs / 1000)
  const claims = { iss, sub: 'ci', aud: 'vestibule', iat, exp: iat + 300, jti: Math.random() }
  const input = `${encode({ alg: key.algorithm, kid: key.kid })}.${encode(claims)}`
  return `${input}.${signText(input, key)}`
}

const outcome = (key = KEY): Promise<string> => failureOf(verify, tokenBy(key))

/** Long enough for a busy machine; a test of hanging shortens it. */
let deadlineMs = 10_000

const build = (jwksUri?: string, longestWaitMs = 5000): void => {
  failures = []
  deadlineMs = 10_000
  keys = createKeySet({
    load: remoteKeys({
      issuer: idp.url,
      jwksUri,
      use: 'sig',
      fetch: (url, init) =>
        createBoundedFetch({ timeoutMs: deadlineMs, observe: () => undefined })(url, init),
    }),
    pace: { ...REMOTE, longestWaitMs },
    nowMs: () => clock.nowMs,
    onFailure: (detail) => failures.push(detail),
  })
  const issuer = issuerOf(idp.url, clock, {
    proof: { kind: 'signature', algorithms: ['ES256', 'RS256'], keys, review: undefined },
  })
  verify = createTokenVerifier([issuer], { nowSeconds: () => Math.floor(clock.nowMs / 1000) })
}

beforeEach(async () => {
  clock = { nowMs: NOW * 1000 }
  idp = await startIssuer()
  idp.publish({ keys: [publicJwk(KEY)] })
  build()
})
afterEach(() => idp.stop())

const answers =
  (status: number, body: string | Buffer = '', headers: Record<string, string> = {}) =>
  (response: ServerResponse): void => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body)
  }

const good = JSON.stringify({ keys: [publicJwk(KEY)] })

type Fault = readonly [what: string, respond: (response: ServerResponse) => void]

/** What the key set may answer in place of keys. */
const FAULTS: readonly Fault[] = [
  ...[500, 404, 429, 503, 403].map((status): Fault => [`J1 ${status}`, answers(status)]),
  ...[201, 206, 302, 404, 500].map(
    (status): Fault => [`J1 ${status} with the good keys`, answers(status, good)],
  ),
  ['J1 204', answers(204)],
  ['J1 an empty 200', answers(200)],
  ...['{}', '{"keys":null}', '{"keys":{}}', '[]', '"x"', 'null', '{"keys":[1]}'].map(
    (body): Fault => [`J1 ${body}`, answers(200, body)],
  ),
  ...[302, 307, 308, 301, 303].map(
    (status): Fault => [
      `J2 a ${status} to another place`,
      answers(status, '', { location: 'http://127.0.0.1:6379/' }),
    ],
  ),
  ['J2 a redirect to itself', answers(302, '', { location: '/jwks' })],
  ['J3 HTML', answers(200, '<html>', { 'content-type': 'text/html' })],
  ['J3 keys that say they are HTML', answers(200, good, { 'content-type': 'text/html' })],
  ['J3 gzip that is none', answers(200, good, { 'content-encoding': 'gzip' })],
  [
    'J3 gzip a thousand times',
    answers(200, good, { 'content-encoding': Array(1000).fill('gzip').join(',') }),
  ],
  ['J4 a connection that is reset', (response) => response.destroy()],
  [
    'J4 a body that is cut off',
    (response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '9999' })
      response.write(good, () => response.destroy())
    },
  ],
  ['J4 no answer', () => undefined],
  [
    'J4 a header and no body',
    (response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders()
    },
  ],
  ['J6 a body of a megabyte', answers(200, `${good.slice(0, -1)},"x":"${'x'.repeat(1e6)}"}`)],
  [
    'J6 a gzip bomb',
    answers(200, gzipSync(Buffer.alloc(20_000_000)), { 'content-encoding': 'gzip' }),
  ],
  [
    'J6 a body without end',
    (response) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      const more = (): void => {
        while (response.write(' '.repeat(65_536)));
      }
      response.on('drain', more)
      more()
    },
  ],
  [
    'J7 101 keys',
    answers(200, JSON.stringify({ keys: Array.from({ length: 101 }, () => publicJwk(KEY)) })),
  ],
  ['J28 a header of a megabyte', answers(200, good, { 'x-large': 'x'.repeat(1e6) })],
]

describe.each(FAULTS)('%s', (_what, respond) => {
  const misbehave = (): void => {
    deadlineMs = 800
    idp.respond((_request, response) => respond(response))
  }

  test('cold: could not check, and only one call for many tokens', async () => {
    build(`${idp.url}/jwks`)
    misbehave()
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => outcome()))
    expect(new Set(outcomes)).toEqual(new Set(['unreachable']))
    expect(idp.count()).toBe(1)
  })

  test('warm: known keys go on, unknown ones are refused', async () => {
    build(`${idp.url}/jwks`)
    expect(await outcome()).toBe('accepted')
    misbehave()
    clock.nowMs += 3_600_000
    expect([await outcome(), await outcome(OTHER), await outcome()]).toEqual([
      'accepted',
      'unreachable',
      'accepted',
    ])
  })
})

describe('J28 answers that are no HTTP', () => {
  test.each([
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}'],
    ['a bad chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}'],
    ['interim answers only', 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(1000)],
    ['noise', '\u0000\u0001\u0002'],
  ])('%s', async (_what, bytes) => {
    const server = createTcpServer((socket) => {
      socket.on('error', () => undefined)
      socket.end(bytes)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    build(`http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`)
    deadlineMs = 800
    expect(await outcome()).toBe('unreachable')
    server.close()
  })

  test('J4 nobody listens, or the name is no name', async () => {
    build('http://127.0.0.1:1/jwks')
    expect(await outcome()).toBe('unreachable')
    build('http://nothing.invalid/jwks')
    expect(await outcome()).toBe('unreachable')
  })
})

describe('J11 J12 J13 rotation', () => {
  test('J11 a new key costs one fetch; the old one counts while it is listed', async () => {
    expect(await outcome()).toBe('accepted')
    idp.publish({ keys: [publicJwk(KEY), publicJwk(OTHER)] })
    expect([await outcome(OTHER), await outcome(OTHER), await outcome()]).toEqual([
      'accepted',
      'accepted',
      'accepted',
    ])
    expect(idp.count('/jwks')).toBe(2)
  })

  test('J12 a key that was removed dies at the next refresh, for tokens already known too', async () => {
    const known = tokenBy(KEY)
    expect(await failureOf(verify, known)).toBe('accepted')
    idp.publish({ keys: [publicJwk(OTHER)] })
    expect(await failureOf(verify, known)).toBe('accepted')
    expect(await outcome(OTHER)).toBe('accepted')
    expect([await failureOf(verify, known), await outcome()]).toEqual(['invalid', 'invalid'])
  })

  test('J12 a set without a key that can be used takes all of them away', async () => {
    const known = tokenBy(KEY)
    expect(await failureOf(verify, known)).toBe('accepted')
    for (const none of [[], [{ ...publicJwk(KEY), use: 'enc' }]]) {
      idp.publish({ keys: none })
      clock.nowMs += 31_000
      await outcome(OTHER)
      expect([await failureOf(verify, known), await outcome()]).toEqual(['invalid', 'invalid'])
    }
  })

  test('J13 the same kid with another key: the new one counts after one fetch', async () => {
    expect(await outcome()).toBe('accepted')
    const renewed = { ...OTHER, kid: 'one' }
    idp.publish({ keys: [publicJwk(renewed)] })
    expect([await outcome(renewed), await outcome()]).toEqual(['accepted', 'invalid'])
    expect(idp.count('/jwks')).toBe(2)
  })

  test('J13 forged signatures of a known kid cause one fetch in a cool-down', async () => {
    expect(await outcome()).toBe('accepted')
    const forged = { ...OTHER, kid: 'one' }
    const outcomes = await Promise.all(Array.from({ length: 100 }, () => outcome(forged)))
    expect(new Set(outcomes)).toEqual(new Set(['invalid']))
    expect(idp.count('/jwks')).toBe(2)
  })
})

describe('J14 J17 floods and outages', () => {
  test.each([50, 1000])('J14 %i unknown kids cause one fetch in a cool-down', async (count) => {
    expect(await outcome()).toBe('accepted')
    const flood = (): Promise<readonly string[]> =>
      Promise.all(Array.from({ length: count }, (_each, n) => outcome({ ...OTHER, kid: `x${n}` })))
    expect(new Set(await flood())).toEqual(new Set(['invalid']))
    expect(idp.count('/jwks')).toBe(2)
    expect(await outcome()).toBe('accepted')
    clock.nowMs += 31_000
    await flood()
    expect(idp.count('/jwks')).toBe(3)
  })

  test('J17 known keys serve for a day without their issuer, and then no more', async () => {
    expect(await outcome()).toBe('accepted')
    await idp.stop()
    const after = async (minutes: number): Promise<string> => {
      clock.nowMs = (NOW + minutes * 60) * 1000
      return await outcome()
    }
    expect([await after(1), await after(11), await after(600), await after(1430)]).toEqual(
      Array.from({ length: 4 }, () => 'accepted'),
    )
    expect(await after(1441)).toBe('unreachable')
    idp = await startIssuer(Number(new URL(idp.url).port))
    idp.publish({ keys: [publicJwk(KEY)] })
    clock.nowMs += 31_000
    expect(await outcome()).toBe('accepted')
  })

  test('J17 unknown keys are refused at once while their issuer hangs', async () => {
    expect(await outcome()).toBe('accepted')
    deadlineMs = 800
    idp.respond(() => undefined)
    const started = performance.now()
    const outcomes = await Promise.all(
      Array.from({ length: 50 }, (_each, n) => outcome({ ...OTHER, kid: `x${n}` })),
    )
    expect(new Set(outcomes)).toEqual(new Set(['unreachable']))
    expect(await outcome()).toBe('accepted')
    // Generous: what is bounded is waiting, and none waits for the deadline of a second call.
    expect(performance.now() - started).toBeLessThan(5000)
    expect(idp.count()).toBe(3)
  })

  test('J5 a request does not wait for a slow issuer as long as the call to it may take', async () => {
    build(undefined, 50)
    deadlineMs = 60_000
    idp.respond(() => undefined)
    expect(await outcome()).toBe('unreachable')
    expect(await outcome(OTHER)).toBe('unreachable')
    expect(failures).toEqual([])
  })

  test('J14 cold: tokens that come one after the other cause one fetch in five seconds', async () => {
    idp.respond((_request, response) => answers(500)(response))
    for (let count = 0; count < 10; count += 1) expect(await outcome()).toBe('unreachable')
    expect(idp.count()).toBe(1)
    clock.nowMs += 5000
    idp.respond()
    expect(await outcome()).toBe('accepted')
  })

  test('J5 nor does one by an unknown key, while the others go on', async () => {
    build(undefined, 50)
    expect(await outcome()).toBe('accepted')
    deadlineMs = 60_000
    idp.respond(() => undefined)
    expect([await outcome(OTHER), await outcome()]).toEqual(['unreachable', 'accepted'])
  })

  test('keys are fetched before the first token comes, and again in the background', async () => {
    keys.start()
    for (let tries = 0; idp.count('/jwks') === 0 && tries < 200; tries += 1) {
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    expect(await outcome()).toBe('accepted')
    expect(idp.count('/jwks')).toBe(1)
    keys.stop()
  })
})

describe('J18 J21 discovery', () => {
  const discovered = (change: Readonly<Record<string, unknown>>): void => {
    idp.respond((request, response) => {
      const body =
        request.url === '/jwks'
          ? { keys: [publicJwk(KEY)] }
          : { issuer: idp.url, jwks_uri: `${idp.url}/jwks`, ...change }
      answers(200, JSON.stringify(body))(response)
    })
  }

  test.each<readonly [string, (url: string) => Readonly<Record<string, unknown>>]>([
    ['another issuer', () => ({ issuer: 'https://evil.test' })],
    ['its issuer with a slash', (url) => ({ issuer: `${url}/` })],
    ['no issuer', () => ({ issuer: undefined })],
    ['no jwks_uri', () => ({ jwks_uri: undefined })],
    ['a list', (url) => ({ jwks_uri: [`${url}/jwks`] })],
    ['an address of the cloud', () => ({ jwks_uri: 'http://169.254.169.254/jwks' })],
    ['another port', () => ({ jwks_uri: 'http://127.0.0.1:1/jwks' })],
    ['localhost by another name', (url) => ({ jwks_uri: url.replace('127.0.0.1', 'localhost') })],
    ['another origin', () => ({ jwks_uri: 'https://evil.test/jwks' })],
    ['a file', () => ({ jwks_uri: 'file:///etc/passwd' })],
    ['a password', (url) => ({ jwks_uri: url.replace('//', '//user:pw@') })],
  ])('J18 a document with %s is not believed', async (_what, change) => {
    discovered(change(idp.url))
    expect(await outcome()).toBe('unreachable')
    expect(idp.count('/jwks')).toBe(0)
    expect(failures).toHaveLength(1)
  })

  test('J18 a document that leads to the good keys, but at another origin, leads nowhere', async () => {
    const elsewhere = await startIssuer()
    elsewhere.publish({ keys: [publicJwk(KEY)] })
    discovered({ jwks_uri: `${elsewhere.url}/jwks` })
    expect(await outcome()).toBe('unreachable')
    expect(elsewhere.count()).toBe(0)
    await elsewhere.stop()
  })

  test('J18 a document that is a list', async () => {
    idp.respond((_request, response) => answers(200, '[]')(response))
    expect(await outcome()).toBe('unreachable')
  })

  test('J21 keys of somebody else prove nothing, and the own ones count again', async () => {
    idp.publish({ keys: [publicJwk(OTHER)] })
    expect(await outcome()).toBe('invalid')
    idp.publish({ keys: [publicJwk(KEY)] })
    clock.nowMs += 31_000
    expect(await outcome()).toBe('accepted')
  })
})
