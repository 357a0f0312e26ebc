import { type ServerResponse } from 'node:http'
import { gzipSync } from 'node:zlib'
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { type Reply } from '../../demo/http-client.ts'
import { askPublic } from '../support/sign-in.ts'
import { type Vestibule } from '../support/vestibule.ts'
import {
  begin,
  expectOutage,
  expectRefusal,
  expectSignedIn,
  expectUnspoken,
  REFUSED,
  STALE,
  signInAt,
  startAgainst,
} from './support-callback.ts'
import { type ScriptedProvider, startScriptedProvider } from './support-scripted-provider.ts'

let idp: ScriptedProvider
let vestibule: Vestibule

beforeAll(async () => {
  idp = await startScriptedProvider()
  vestibule = await startAgainst(idp, {}, '300ms')
})
afterEach(() => idp.play())
afterAll(async () => {
  await vestibule.stop()
  await idp.stop()
})

type Answer = (response: ServerResponse) => void

const answering =
  (
    status: number,
    body: string | Buffer = '',
    headers: Readonly<Record<string, string>> = { 'content-type': 'application/json' },
  ): Answer =>
  (response) => {
    response.writeHead(status, headers).end(body)
  }

const HTML = { 'content-type': 'text/html' }
const oauthError = (error: string): string => JSON.stringify({ error, error_description: '<b>' })

/** Bytes as they are, on the bare connection. */
const raw =
  (bytes: string): Answer =>
  (response) => {
    response.socket?.end(bytes)
  }

const OUTAGES: readonly (readonly [string, Answer])[] = [
  ['401 invalid_client', answering(401, oauthError('invalid_client'))],
  ['401 with a challenge', answering(401, '', { 'www-authenticate': 'Basic realm="x"' })],
  ['403 without a body', answering(403)],
  ['404', answering(404, 'not found', HTML)],
  ['429 in JSON', answering(429, oauthError('slow_down'))],
  ['429 with Retry-After', answering(429, '', { 'retry-after': '1' })],
  ['500', answering(500)],
  ['500 in JSON', answering(500, oauthError('invalid_grant'))],
  ['502 as HTML', answering(502, '<h1>Bad Gateway</h1>', HTML)],
  ['503 in JSON', answering(503, oauthError('temporarily_unavailable'))],
  ['400 server_error', answering(400, oauthError('server_error'))],
  ['200 as HTML', answering(200, '<h1>Sign in</h1>', HTML)],
  ['204', answering(204)],
  ['302 to another path', answering(302, '', { location: '/stolen' })],
  ['307 to another path', answering(307, '', { location: '/stolen' })],
  ['308 to the cloud', answering(308, '', { location: 'http://169.254.169.254/' })],
  ['10 MB', answering(200, `{"x":"${'x'.repeat(10_000_000)}"}`)],
  [
    'a bomb of 10 MB in gzip',
    answering(200, gzipSync(Buffer.alloc(10_000_000, ' ')), {
      'content-type': 'application/json',
      'content-encoding': 'gzip',
    }),
  ],
  [
    'gzip that is none',
    answering(200, 'no', { 'content-type': 'application/json', 'content-encoding': 'gzip' }),
  ],
  ['silence', () => undefined],
  ['a head and silence', (response) => response.writeHead(200).flushHeaders()],
  ['a reset', (response) => response.socket?.resetAndDestroy()],
  ['no HTTP', raw('SSH-2.0-OpenSSH_9.6\r\n\r\n')],
  ['a chunk without end', raw('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"a')],
  ['less than it said', raw('HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{')],
  ['two lengths', raw('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}')],
  ['a header of 1 MB', raw(`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(1_000_000)}\r\n\r\n`)],
  ['a thousand early hints', raw('HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(1000))],
]

const REFUSALS: readonly (readonly [string, Answer])[] = [
  ['400 invalid_grant', answering(400, oauthError('invalid_grant'))],
  ['403 access_denied', answering(403, oauthError('access_denied'))],
  ['200 with an error', answering(200, oauthError('invalid_grant'))],
  ['200 {}', answering(200, '{}')],
  ['200 {} as text', answering(200, '{}', { 'content-type': 'text/plain' })],
  ['200 null', answering(200, 'null')],
  ['200 []', answering(200, '[]')],
  ['200 without a body', answering(200, '')],
  ['200 cut in the middle', answering(200, '{"access_token":"x"')],
]

/** One callback against that answer, and what must hold whatever it was. */
const completeAgainst = async (respond: Answer): Promise<Reply> => {
  idp.play({ respond })
  const begun = await begin(vestibule, '?rd=https://app.test/x')
  const path = idp.authorize(begun.authorizationUrl)
  const before = idp.tokenRequests().length
  const startedAt = performance.now()
  const reply = await askPublic(vestibule, path, { cookies: [begun.browserCookie] })
  expect(performance.now() - startedAt).toBeLessThan(5000)
  expectRefusal(await askPublic(vestibule, path, { cookies: [begun.browserCookie] }), STALE)
  // A code is never sent twice (RFC 6749 section 4.1.2), and never to another address.
  expect(idp.tokenRequests()).toHaveLength(before + 1)
  expect(idp.requests()).not.toContain('/stolen')
  return reply
}

const expectNextOneWorks = async (): Promise<void> => {
  idp.play()
  const reply = await signInAt(vestibule, idp, { query: '?rd=https://app.test/x' })
  expectSignedIn(reply, 'https://app.test/x')
}

describe('the token endpoint fails', () => {
  test.each(OUTAGES)(
    'L24 with %s: an outage page, and trying again works',
    async (_row, respond) => {
      expectOutage(await completeAgainst(respond), 502)
      await expectNextOneWorks()
    },
  )

  test.each(REFUSALS)('with %s: a refusal, and trying again works', async (_row, respond) => {
    expectRefusal(await completeAgainst(respond), REFUSED)
    await expectNextOneWorks()
  })

  test('what it says is neither shown nor logged at length', async () => {
    const shout = `CANARY ${'<script>\u001b[31m'.repeat(5000)}`
    const reply = await completeAgainst(answering(400, JSON.stringify({ error: shout })))
    expectRefusal(reply, REFUSED)
    await expectUnspoken(vestibule, ['<script>', '\\u001b'])
    for (const line of vestibule.notices()) expect(line.length).toBeLessThan(4096)
  })
})

describe('the provider is not there', () => {
  test('L24 starting answers an outage page, keeps where one wanted to go, and no redirect', async () => {
    const alone = await startAgainst({ issuer: 'http://127.0.0.1:1' }, {}, '300ms')
    try {
      const reply = await askPublic(alone, '/oauth2/start?rd=https://app.test/x')
      expectOutage(reply, 502)
      expect(reply.body).toContain('rd=https%3A%2F%2Fapp.test%2Fx')
    } finally {
      await alone.stop()
    }
  })

  test.each([
    ['another issuer', { issuer: 'https://evil.test' }],
    ['its issuer with a slash more', { issuer: 'http://127.0.0.1/' }],
    ['no authorization endpoint', { authorization_endpoint: undefined }],
    ['a script for an authorization endpoint', { authorization_endpoint: 'javascript:alert(1)' }],
    ['an authorization endpoint that is a list', { authorization_endpoint: ['https://x.test'] }],
  ])('J18 a discovery document that names %s sends nobody anywhere', async (_row, metadata) => {
    const odd = await startScriptedProvider(metadata)
    const service = await startAgainst(odd, {}, '300ms')
    try {
      expectOutage(await askPublic(service, '/oauth2/start'), 502)
    } finally {
      await service.stop()
      await odd.stop()
    }
  })
})
