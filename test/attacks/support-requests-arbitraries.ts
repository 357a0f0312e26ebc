import * as fc from 'fast-check'
import { type VerifyRequest } from '../support/verify-request.ts'

/** Pieces of paths over which parsers differ, beside the names that rules know. */
const PIECES = [
  'status',
  'admin',
  'assets',
  'foo',
  'bar',
  'x',
  'ADMIN',
  '',
  '.',
  '..',
  '%2e%2e',
  '.%2E',
  '..;',
  '%2f',
  '%2F..',
  '%5c',
  '\\',
  ';x',
  '%3b',
  '%73tatus',
  '%61dmin',
  '%2561dmin',
  '%252e',
  '%00',
  '%0a',
  '%zz',
  '%',
  '%c0%af',
  '%c3%a9',
  '%e2%80%a8',
  'a%23b',
  'a%3fb',
  '~._-',
]

const printable = (maxLength: number): fc.Arbitrary<string> =>
  fc.string({
    unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)),
    maxLength,
  })

/** Bytes that an HTTP parser lets through in a header value. */
export const headerBytes = (maxLength: number): fc.Arbitrary<string> =>
  fc
    .array(
      fc.oneof(
        { weight: 6, arbitrary: fc.integer({ min: 0x20, max: 0x7e }) },
        { weight: 1, arbitrary: fc.integer({ min: 0x80, max: 0xff }) },
        { weight: 1, arbitrary: fc.constant(9) },
      ),
      { maxLength },
    )
    .map((codes) => String.fromCharCode(...codes))

/** Any bytes at all. */
export const anyBytes = (maxLength: number): fc.Arbitrary<string> =>
  fc.uint8Array({ maxLength }).map((bytes) => Buffer.from(bytes).toString('latin1'))

export const path: fc.Arbitrary<string> = fc
  .array(
    fc.oneof(
      { weight: 8, arbitrary: fc.constantFrom(...PIECES) },
      { weight: 1, arbitrary: printable(8).map((text) => text.replaceAll(/[?#]/g, '')) },
    ),
    { maxLength: 6 },
  )
  .map((pieces) => `/${pieces.join('/')}`)

/** Paths on which all parties agree, so that only their spelling is varied. */
export const tamePath: fc.Arbitrary<string> = fc
  .array(
    fc.constantFrom('status', 'admin', 'assets', 'foo', 'bar', 'x', '.', '..', '', 'a-b_c~d'),
    {
      maxLength: 6,
    },
  )
  .map((pieces) => `/${pieces.join('/')}`)

export const query: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom('?', '?/status', '?x=/../status', '?#/status', '?%00', '?a[__proto__]=1'),
  printable(16).map((text) => `?${text}`),
)

export const fragment: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom('#', '#/status', '#/../status', '#?'),
  printable(8).map((text) => `#${text}`),
)

const HOSTS = [
  'app.test',
  'admin.test',
  'public.test',
  'plain.test',
  'lenient.test',
  'folded.test',
  'grafana.test',
  'a.internal.test',
  'b.internal.test',
  'deny-last.test',
  'other.test',
] as const

export const host: fc.Arbitrary<string> = fc.constantFrom(...HOSTS)

/** A name with any of its letters in the other case. */
export const spelled = (name: string): fc.Arbitrary<string> =>
  fc
    .array(fc.boolean(), { minLength: name.length, maxLength: name.length })
    .map((flips) =>
      Array.from(name, (letter, at) => (flips[at] === true ? letter.toUpperCase() : letter)).join(
        '',
      ),
    )

const authority: fc.Arbitrary<string> = fc.oneof(
  { weight: 6, arbitrary: host },
  { weight: 2, arbitrary: host.chain(spelled) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(
        host,
        fc.constantFrom(':80', ':', '.', '..', ':80@', '@', '#', '?', '\\', '%2e', ':0'),
        host,
      )
      .map(([first, odd, second]) => `${first}${odd}${second}`),
  },
  { weight: 1, arbitrary: host.map((name) => `${name}:443`) },
  { weight: 1, arbitrary: printable(12) },
)

const method: fc.Arbitrary<string> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom('GET', 'HEAD', 'POST', 'OPTIONS', 'DELETE', 'get', 'TRACE'),
  },
  { weight: 1, arbitrary: printable(8) },
)

export const HEADER_NAMES = [
  'X-Original-URI',
  'X-Original-URL',
  'X-Original-Method',
  'X-Auth-Request-Redirect',
  'X-Forwarded-Uri',
  'X-Forwarded-Host',
  'X-Forwarded-Proto',
  'X-Forwarded-Method',
  'X-Forwarded-For',
  'X-Real-IP',
  'X-Request-ID',
  'Forwarded',
  'Ssl-Client-Verify',
  'Ssl-Client-Cert',
  'X-Auth-Request-User',
  'X_Auth_Request_User',
  'Remote-User',
  'Impersonate-User',
  'User-Agent',
  'Origin',
  'Access-Control-Request-Method',
  'Host',
  'Accept',
  '__proto__',
  'constructor',
] as const

const headerName: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...HEADER_NAMES) },
  { weight: 1, arbitrary: fc.stringMatching(/^[A-Za-z][A-Za-z0-9_.!~-]{0,12}$/) },
)

const headerValue: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    'https://app.test/status',
    'https://public.test/status',
    '/status',
    'public.test',
    'GET',
    'SUCCESS',
    'root',
    '127.0.0.1',
    'kube-probe/1.30',
    '',
  ),
  headerBytes(24),
)

/** One header line that is no credential and does not change the framing. */
export const headerLine: fc.Arbitrary<string> = fc
  .tuple(headerName, headerValue)
  .filter(
    ([name]) =>
      !/^(?:cookie|authorization|connection|content-length|transfer-encoding|upgrade|expect)$/i.test(
        name,
      ),
  )
  .map(([name, value]) => `${name}: ${value}`)

/** Cookies and Authorization that prove nothing. */
const cookie: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    '__Secure-vestibule=',
    `__Secure-vestibule=${'A'.repeat(43)}`,
    '=; ;',
    'vestibule=x',
  ),
  headerBytes(40).map((value) => `__Secure-vestibule=${value}`),
  headerBytes(60),
)

const authorization: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    'Bearer',
    'Bearer ',
    'Bearer eyJhbGciOiJub25lIn0.e30.',
    'Basic eDp5',
    'bearer a.b.c',
  ),
  headerBytes(40).map((value) => `Bearer ${value}`),
  headerBytes(24),
)

/** `undefined` in one of so many cases and the rest of it. */
const maybe = <Value>(arbitrary: fc.Arbitrary<Value>, weight: number) =>
  fc.oneof({ weight, arbitrary }, { weight: 6 - weight, arbitrary: fc.constant(undefined) })

/** Whole subrequests without a credential, hostile in every part that a client or URL reaches. */
export const hostileRequest: fc.Arbitrary<VerifyRequest> = fc
  .record({
    routed: host,
    claimed: maybe(authority, 2),
    scheme: fc.constantFrom('https', 'http', 'https', 'HTTP', 'ws'),
    path,
    query: maybe(query, 2),
    fragment: maybe(fragment, 1),
    bytes: maybe(headerBytes(40), 1),
    method,
    lines: fc.array(headerLine, { maxLength: 3 }),
    cookie: maybe(cookie, 2),
    authorization: maybe(authorization, 1),
  })
  .map(({ routed, claimed = routed, scheme, bytes, ...rest }) => ({
    host: routed,
    url: bytes ?? `${scheme}://${claimed}${rest.path}${rest.query ?? ''}${rest.fragment ?? ''}`,
    method: rest.method,
    lines: rest.lines,
    ...(rest.cookie === undefined ? {} : { cookie: rest.cookie }),
    ...(rest.authorization === undefined ? {} : { authorization: rest.authorization }),
  }))
