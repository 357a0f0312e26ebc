import * as fc from 'fast-check'
import { anyBytes, HEADER_NAMES } from './support-requests-arbitraries.ts'

/** Pieces of HTTP/1.1, well-formed and not, in which a parser may get lost. */
const PIECES = [
  'GET ',
  'POST ',
  'CONNECT ',
  'PRI * HTTP/2.0',
  '/verify',
  '/verify?host=plain.test',
  '/verify?host=admin.test&host=plain.test',
  '/oauth2/auth?host=plain.test',
  'http://app.test/verify?host=admin.test',
  '/healthz',
  ' HTTP/1.1',
  ' HTTP/1.0',
  ' HTTP/9.9',
  '\r\n',
  '\n',
  '\r',
  '\r\n\r\n',
  '\r\n ',
  '\0',
  ': ',
  ' : ',
  'Host: plain.test',
  'X-Original-URL: https://plain.test/x',
  'X-Original-URL: https://admin.test/x',
  'X-Original-Method: GET',
  'Connection: close',
  'Connection: upgrade',
  'Upgrade: websocket',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: gzip',
  'Content-Length: 5',
  'Content-Length: 999999999999999999999',
  'Expect: 100-continue',
  'Cookie: __Secure-vestibule=',
  'Authorization: Bearer ',
  '0\r\n\r\n',
  '5\r\nabcde\r\n',
  'ffffffffffffffff\r\n',
] as const

const piece: fc.Arbitrary<string> = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom<string>(...PIECES) },
  { weight: 1, arbitrary: fc.constantFrom<string>(...HEADER_NAMES) },
  { weight: 1, arbitrary: anyBytes(12) },
  { weight: 1, arbitrary: fc.nat({ max: 3000 }).map((count) => 'x'.repeat(count)) },
)

const soup: fc.Arbitrary<string> = fc
  .array(piece, { minLength: 1, maxLength: 24 })
  .map((pieces) => pieces.join(''))

/** A request line and headers in their order, each of which may be any piece. */
const shaped: fc.Arbitrary<string> = fc
  .tuple(soup, fc.array(piece, { maxLength: 8 }), fc.boolean())
  .map(
    ([start, lines, isWhole]) =>
      `GET ${start}\r\n${lines.join('\r\n')}${isWhole ? '\r\n\r\n' : ''}`,
  )

/** Bytes for a connection: noise, the soup of a request, or something like one. */
export const hostileBytes: fc.Arbitrary<string> = fc.oneof(
  { weight: 1, arbitrary: anyBytes(200) },
  { weight: 2, arbitrary: soup },
  { weight: 2, arbitrary: shaped },
)

type Change = {
  readonly kind: 'set' | 'insert' | 'delete' | 'double' | 'cut'
  readonly at: number
  readonly text: string
}

const applied = (text: string, { kind, at, text: more }: Change): string => {
  const index = at % (text.length + 1)
  switch (kind) {
    case 'set':
      return `${text.slice(0, index)}${more}${text.slice(index + more.length)}`
    case 'insert':
      return `${text.slice(0, index)}${more}${text.slice(index)}`
    case 'delete':
      return `${text.slice(0, index)}${text.slice(index + 1 + more.length)}`
    case 'double':
      return `${text.slice(0, index)}${text.slice(index, index + 40)}${text.slice(index)}`
    case 'cut':
      return text.slice(0, index)
  }
}

/** A text after one to three changes at random places. */
export const mutated = (text: string): fc.Arbitrary<string> =>
  fc
    .array(
      fc.record({
        kind: fc.constantFrom('set', 'set', 'insert', 'insert', 'delete', 'double', 'cut'),
        at: fc.nat({ max: 100_000 }),
        text: fc.oneof(anyBytes(4), fc.constantFrom('\r\n', '\n', ' ', '\t', ':', '%', '\r\n\r\n')),
      }),
      { minLength: 1, maxLength: 3 },
    )
    .map((changes) => changes.reduce(applied, text))
