import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { freePort } from '../../demo/free-port.ts'
import { type Nginx, startNginx } from '../../demo/nginx.ts'
import { isAmbiguousPath, routedPath } from '../../src/core/routed-path.ts'
import { parseAnswers } from '../support/raw-http.ts'

describe('routedPath', () => {
  test.each([
    ['/a/b', '/a/b'],
    ['/a?x=/../y', '/a'],
    ['/a#b', '/a'],
    ['//a///b', '/a/b'],
    ['/a/./b/.', '/a/b/'],
    ['/a/../b', '/b'],
    ['/a/..%2Fb', '/b'],
    ['/%61dmin', '/admin'],
    ['/%2561', '/%61'],
    ['/a/..', '/'],
    ['/caf%C3%A9', '/caf\u00c3\u00a9'],
    ['/a;x/b', '/a;x/b'],
    ['/..;/a', '/..;/a'],
  ])('%s is routed as %s', (target, path) => {
    expect(routedPath(target)).toBe(path)
  })

  test.each(['', 'a', '*', '/..', '/a/../..', '/%', '/%4', '/%zz', '/%00', 'http://x/'])(
    '%j is nothing that nginx routes',
    (target) => {
      expect(routedPath(target)).toBeUndefined()
    },
  )
})

describe('isAmbiguousPath', () => {
  test.each([
    '/a%2fb',
    '/a%2Fb',
    '/a%5cb',
    '/a\\b',
    '/a;b',
    '/a%3bb',
    '/a%23b',
    '/a%3Fb',
    '/..;/b',
    '/a%252fb',
    '/a%2561',
    '/a%0ab',
    '/a%7fb',
    '/%c0%af',
    '/%e2%80%a8',
    '/a%85',
    '/a#b',
  ])('%s may be read in another way', (target) => {
    expect(isAmbiguousPath(target)).toBe(true)
  })

  test.each(['/a/b', '/a?x=%2f;', '/%61', '//a', '/a/../b', '/caf%C3%A9', '/a%20b', '/100%25'])(
    '%s is read in one way',
    (target) => {
      expect(isAmbiguousPath(target)).toBe(false)
    },
  )
})

const CONFIG = (port: number): string => `
daemon off;
worker_processes 1;
pid nginx.pid;
error_log error.log notice;
events { worker_connections 256; }
http {
  access_log off;
  keepalive_requests 1000000;
  client_body_temp_path tmp_body; proxy_temp_path tmp_proxy; fastcgi_temp_path tmp_fcgi;
  uwsgi_temp_path tmp_uwsgi; scgi_temp_path tmp_scgi;
  default_type text/plain;
  server { listen 127.0.0.1:${port}; location / { return 200 $uri; } }
}
`

const TARGETS = 40_000
const PIECES = [
  '/',
  '/',
  '/',
  '//',
  '.',
  '..',
  '/./',
  '/../',
  '%2e',
  '%2E%2e',
  '%2f',
  '%2F',
  '%5c',
  '\\',
  ';',
  'a',
  'B',
  'admin',
  '%61',
  '%41',
  '%25',
  '%2561',
  '%00',
  '%zz',
  '%',
  '%4',
  '?',
  '#',
  '%23',
  '%3f',
  '+',
  '%20',
  '~',
  ':',
  '@',
  '*',
  '%c3%a9',
  '\u00e9',
  '\u00ff',
  '%ff',
  '%0a',
  '=',
  '&',
  "'",
  '"',
  '|',
]

/** What nginx routed each target on; undefined where it answered 400. */
const askNginx = async (
  port: number,
  targets: readonly string[],
): Promise<(string | undefined)[]> => {
  const routed: (string | undefined)[] = []
  while (routed.length < targets.length) {
    const batch = targets.slice(routed.length, routed.length + 500)
    for (const { status, body } of parseAnswers(await pipeline(port, batch))) {
      routed.push(status === 200 ? body : undefined)
    }
  }
  return routed
}

/** Sends a batch on one connection; nginx closes it after a bad request, and the rest is asked again. */
const pipeline = (port: number, targets: readonly string[]): Promise<string> =>
  new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    const socket: Socket = connect(port, '127.0.0.1')
    socket.on('data', (chunk) => chunks.push(chunk))
    socket.on('error', reject)
    socket.on('close', () => resolve(Buffer.concat(chunks).toString('latin1')))
    const requests = targets.map((target) => `GET ${target} HTTP/1.1\r\nHost: x\r\n\r\n`)
    socket.end(Buffer.from(requests.join(''), 'latin1'))
  })

describe('routedPath against a real nginx', () => {
  let nginx: Nginx
  let port: number

  beforeAll(async () => {
    port = await freePort()
    nginx = await startNginx(CONFIG(port))
  })
  afterAll(() => nginx.stop())

  test(`agrees on ${TARGETS} generated targets, refusals included`, async () => {
    const piece = fc.constantFrom(...PIECES)
    const target = fc
      .array(piece, { minLength: 1, maxLength: 9 })
      .map((parts) => `/${parts.join('')}`)
    const targets = fc.sample(target, { numRuns: TARGETS, seed: 20_261_121 })
    const routed = await askNginx(port, targets)
    const differences = targets.flatMap((each, index) =>
      routedPath(each) === routed[index] ? [] : [[each, routedPath(each), routed[index]]],
    )
    expect(differences.slice(0, 10)).toEqual([])
    // The comparison means something only if both kinds of answer were among them.
    expect(routed.filter((path) => path === undefined).length).toBeGreaterThan(TARGETS / 50)
    expect(routed.filter((path) => path !== undefined).length).toBeGreaterThan(TARGETS / 4)
  }, 60_000)
})
