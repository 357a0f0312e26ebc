import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import {
  type Attack,
  expectOthersUnharmed,
  expectOutcomes,
  outcomeOf,
  sendPartial,
  startWorld,
  type World,
} from './support-requests.ts'
import {
  expectSoundAnswer,
  expectSoundRecords,
  type Verdict,
} from './support-requests-invariants.ts'

let world: World

beforeAll(async () => {
  world = await startWorld()
})
afterAll(() => world.stop())

const MALFORMED = '403 malformed_request'
const ASKED = '401 not_signed_in'
const ALLOWED = '200 rule_matched'

const LINE = 'GET /verify?host=app.test HTTP/1.1\r\n'
const POST = LINE.replace('GET', 'POST')
const HEADERS = 'X-Original-URL: https://app.test/x\r\nX-Original-Method: GET\r\n'
const requestWith = (cookie: string): string => `${LINE}${HEADERS}Cookie: ${cookie}\r\n\r\n`
/** Would be answered 200, if it were taken for a request. */
const SMUGGLED = () => requestWith(world.cookies.alice)

/** Sends bytes that end a connection; every answer that comes has to be sound. */
const answersTo = async (bytes: string): Promise<readonly Verdict[]> => {
  const text = await sendPartial(world.vestibule.verifyPort, bytes)
  const verdicts = text
    .split(/(?=^HTTP\/1\.1 )/m)
    .filter((each) => each !== '')
    .map(expectSoundAnswer)
  world.verdicts.push(...verdicts)
  return verdicts
}

const expectOneAnswer = async (bytes: string, outcome: string): Promise<void> => {
  expect((await answersTo(bytes)).map(outcomeOf)).toEqual([outcome])
  await expectOthersUnharmed(world)
}

describe('framing that proxies and servers read in different ways', () => {
  test.each([
    ['H25', 'a folded URL', `${LINE}X-Original-URL: https://app.test/\r\n x\r\n\r\n`],
    ['H25', 'a folded header', `${LINE}${HEADERS}X-Any: a\r\n\tb\r\n\r\n`],
    [
      'H26',
      'Transfer-Encoding and Content-Length',
      `${POST}${HEADERS}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n`,
    ],
    [
      'H26',
      'chunked that is not the last coding',
      `${POST}${HEADERS}Transfer-Encoding: chunked, gzip\r\n\r\n`,
    ],
    ['H26', 'a coding that is not chunked', `${POST}${HEADERS}Transfer-Encoding: gzip\r\n\r\n`],
    ['H26', 'bare LF line ends', `${LINE}${HEADERS}\r\n`.replaceAll('\r', '')],
    ['H26', 'a bare CR', `${LINE}X-Any: a\rX-Other: b\r\n${HEADERS}\r\n`],
    ['H26', 'Content-Length: +5', `${POST}${HEADERS}Content-Length: +5\r\n\r\nabcde`],
    ['H26', 'Content-Length: -5', `${POST}${HEADERS}Content-Length: -5\r\n\r\nabcde`],
    ['H26', 'Content-Length: 5, 5', `${POST}${HEADERS}Content-Length: 5, 5\r\n\r\nabcde`],
    [
      'H26',
      'two Content-Length',
      `${POST}${HEADERS}Content-Length: 5\r\nContent-Length: 5\r\n\r\nabcde`,
    ],
    ['H26', 'a space before the colon', `${POST}${HEADERS}Content-Length : 5\r\n\r\nabcde`],
    ['H26', 'a NUL in a header', `${LINE}${HEADERS}X-Any: a\0b\r\n\r\n`],
    ['H29', 'an escape sequence as User-Agent', `${LINE}${HEADERS}User-Agent: \x1b[2J\r\n\r\n`],
    ['A1.6', 'a NUL in the target', `${LINE.replace(' HTTP', '\0 HTTP')}${HEADERS}\r\n`],
    ['A1.6', 'a space in the target', `${LINE.replace(' HTTP', ' x HTTP')}${HEADERS}\r\n`],
    ['A1.6', 'a target of 70 KB', `${LINE.replace('host', 'x'.repeat(70_000))}\r\n`],
    ['A1.6', 'an unknown method', `${LINE.replace('GET', 'BREW')}${HEADERS}\r\n`],
    ['A1.6', 'HTTP/1.2', `${LINE.replace('1.1', '1.2')}${HEADERS}\r\n`],
    ['A1.6', 'HTTP/3.0', `${LINE.replace('1.1', '3.0')}${HEADERS}\r\n`],
    ['A1.6', 'the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['A1.6', 'HTTP/0.9', 'GET /verify?host=app.test\r\n\r\n'],
    ['A1.6', 'the start of TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
  ])('%s refuses %s, and what follows is no request', async (_row, _what, bytes) => {
    await expectOneAnswer(`${bytes}${SMUGGLED()}`, MALFORMED)
  })

  test.each([
    ['in the request line', 'GE'],
    ['in a header', `${LINE}X-Orig`],
    ['before the empty line', `${LINE}${HEADERS}`],
  ])('A1.6 refuses a request cut off %s', async (_where, bytes) => {
    await expectOneAnswer(bytes, MALFORMED)
  })
})

describe('bodies', () => {
  const chunked = `${POST}${HEADERS}Transfer-Encoding: chunked\r\n\r\n`

  test.each([
    ['H26', 'in a chunk of odd size', () => `${chunked}0x5\r\nabcde\r\n0\r\n\r\n${SMUGGLED()}`],
    ['H26', 'in good chunks', () => `${chunked}5\r\nabcde\r\n0\r\n\r\n${SMUGGLED()}`],
    [
      'H27',
      'that is a request',
      () => `${LINE}${HEADERS}Content-Length: ${SMUGGLED().length}\r\n\r\n${SMUGGLED()}`,
    ],
    ['H27', 'of no length', () => `${LINE}${HEADERS}Content-Length: 00\r\n\r\n${SMUGGLED()}`],
    [
      'H27',
      'of 1 KB, and a request behind it',
      () => `${POST}${HEADERS}Content-Length: 1000\r\n\r\n${'x'.repeat(1000)}${SMUGGLED()}`,
    ],
    [
      'H27',
      'of 1 MB',
      () => `${POST}${HEADERS}Content-Length: 1000000\r\n\r\n${'x'.repeat(1e6)}${SMUGGLED()}`,
    ],
    [
      'H27',
      'that waits for 100 Continue',
      () => `${POST}${HEADERS}Expect: 100-continue\r\nContent-Length: 5\r\n\r\n`,
    ],
  ])('%s one %s gets one answer to its headers, and the connection ends', async (...row) => {
    await expectOneAnswer(row[2](), ASKED)
  })
})

describe('connections that go on', () => {
  test('C0c each of several people gets the own answer, in order', async () => {
    const { alice, bob } = world.cookies
    const bytes = [alice, 'a=b', bob, alice, bob].map(requestWith).join('')
    const verdicts = await answersTo(bytes)
    expect(verdicts.map(({ status, identity }) => [status, identity[0]])).toEqual([
      [200, 'alice'],
      [401, undefined],
      [200, 'bob'],
      [200, 'alice'],
      [200, 'bob'],
    ])
  })

  test('H26 garbage behind a request gets no answer that could be taken for it', async () => {
    await expectOneAnswer(`${LINE}${HEADERS}\r\nGARBAGE\r\n\r\n${SMUGGLED()}`, ASKED)
  })

  test('H29 an Expect of something else, or an Upgrade, is no reason to fail', async () => {
    await expectOneAnswer(`${LINE}${HEADERS}Expect: magic\r\n\r\n`, ASKED)
    await expectOneAnswer(
      `${LINE}${HEADERS}Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n`,
      ASKED,
    )
    await expectOneAnswer(`${LINE}${HEADERS}Upgrade: h2c\r\nConnection: Upgrade\r\n\r\n`, ASKED)
  })

  test.each(['HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND'])(
    'A1.6 %s to us is answered by the headers, as `auth-method` may have it',
    async (method) => {
      await expectOneAnswer(`${LINE.replace('GET', method)}${HEADERS}\r\n`, ASKED)
    },
  )

  test.each([
    ['CONNECT with a host', `CONNECT app.test:443 HTTP/1.1\r\n${HEADERS}\r\n`],
    ['CONNECT with our path', `CONNECT /verify?host=app.test HTTP/1.1\r\n${HEADERS}\r\n`],
    ['an empty line', '\r\n\r\n'],
  ])('H9 %s to us opens no tunnel and no way for what follows', async (_what, bytes) => {
    await expectOneAnswer(`${bytes}${SMUGGLED()}`, MALFORMED)
  })
})

const filler = (count: number): readonly string[] =>
  Array.from({ length: count }, (_each, index) => `a${index}: 1`)
const early =
  (lines: readonly string[], late: readonly string[] = []): Attack =>
  (cookieLine) =>
    [
      'GET /verify?host=plain.test HTTP/1.1',
      ...lines,
      'Connection: close',
      'X-Original-URL: https://plain.test/x',
      'X-Original-Method: GET',
      ...late,
      `${cookieLine}\r\n`,
    ].join('\r\n')

describe('very many and very long headers', () => {
  test.each([1200, 4000])('H21 reads what comes behind %i others', async (count) => {
    await expectOutcomes(world, early(filler(count)), ASKED, ALLOWED)
    await expectOutcomes(
      world,
      early(filler(count), ['X-Original-URL: https://plain.test/y']),
      '403 duplicate_header',
    )
    await expectOutcomes(
      world,
      early(filler(count), ['Impersonate-User: root']),
      '403 impersonation_header',
    )
  })

  test.each([17, 60])('H22 answers as ever with %i KiB of headers', async (size) => {
    await expectOutcomes(world, early([`X-Large: ${'x'.repeat(size * 1024)}`]), ASKED, ALLOWED)
  })

  // design.md 2.1: nothing but 200, 401, 403 and 503 leaves; Node's 431 would be a 500 in nginx.
  test.each([70, 200])('H22 refuses %i KiB of headers', async (size) => {
    await expectOutcomes(world, early([`X-Large: ${'x'.repeat(size * 1024)}`]), MALFORMED)
  })
})

test('every answer left one clean line and only known labels', async () => {
  await expectSoundRecords(world)
})
