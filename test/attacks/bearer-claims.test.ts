import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import {
  type BearerWorld,
  type Claims,
  expectToken,
  nowSeconds,
  startBearerWorld,
  to,
  untilWarm,
} from './support-bearer.ts'
import { type Outcome } from './support-requests.ts'

/*
 * NOT_APPLICABLE, or shown elsewhere:
 *
 * T8 (strict_audience)  one of ours among several is enough; pinned below.
 * T29                   tokens bound to their sender: dpop.test.ts, mtls.test.ts.
 * T30                   there is no criterion for scopes; `claim/scope` is the whole text, exactly.
 * T40, T41, T44         what is ended before it expires: bearer-revoked.test.ts.
 */

const INVALID = '401 invalid_token'
const EXPIRED = '401 expired_token'
const EARLY = '401 token_not_yet_valid'
const ALLOWED = '200 rule_matched'
const DENIED = '403 no_rule_matched'

let world: BearerWorld

beforeAll(async () => {
  world = await startBearerWorld()
  await untilWarm(world)
})
afterAll(() => world.stop())

type Row = readonly [what: string, claims: (now: number) => Claims, outcome: Outcome]

const TIMES: readonly Row[] = [
  ['T1 without exp', () => ({ exp: undefined }), INVALID],
  ['T3 exp 1e300', () => ({ exp: 1e300 }), INVALID],
  ['T3 exp beyond what a number holds', () => ({ exp: 9_007_199_254_740_992 }), INVALID],
  ['T3 exp in milliseconds', () => ({ exp: 1_999_999_999_000 }), INVALID],
  ['T3 exp negative', () => ({ exp: -1 }), EXPIRED],
  ['T3 exp as text', (now) => ({ exp: String(now + 300) }), INVALID],
  ['T3 exp as a list', (now) => ({ exp: [now + 300] }), INVALID],
  ['T3 exp null', () => ({ exp: null }), INVALID],
  ['T3 living longer than a day', (now) => ({ exp: now + 86_401 }), INVALID],
  ['T3 living a day', (now) => ({ exp: now + 86_400 }), ALLOWED],
  ['T4 expired beyond the tolerance', (now) => ({ iat: now - 300, exp: now - 35 }), EXPIRED],
  ['T4 expired within the tolerance', (now) => ({ iat: now - 300, exp: now - 20 }), ALLOWED],
  ['T5 issued tomorrow', (now) => ({ iat: now + 86_400, exp: now + 86_500 }), EARLY],
  ['J22 issued by a clock 10 minutes ahead', (now) => ({ iat: now + 600, exp: now + 900 }), EARLY],
  [
    'J22 issued by a clock 10 minutes behind',
    (now) => ({ iat: now - 600, exp: now - 300 }),
    EXPIRED,
  ],
  ['J22 issued by a clock 20 seconds ahead', (now) => ({ iat: now + 20, exp: now + 320 }), ALLOWED],
  ['T5 iat as text', (now) => ({ iat: String(now) }), INVALID],
  ['T5 without iat', () => ({ iat: undefined }), INVALID],
  ['T5 iat after exp', (now) => ({ iat: now + 10, exp: now + 5 }), INVALID],
  ['T6 nbf in an hour', (now) => ({ nbf: now + 3600, exp: now + 7200 }), EARLY],
  ['T6 nbf as text', (now) => ({ nbf: String(now) }), INVALID],
  ['T6 nbf at exp', (now) => ({ iat: now - 20, nbf: now - 5, exp: now - 5 }), INVALID],
]

const NAMES: readonly Row[] = [
  ['T8 for us and somebody else', () => ({ aud: ['api', 'evil'] }), ALLOWED],
  ['T8 for somebody else', () => ({ aud: 'evil' }), INVALID],
  ['T8 for nobody', () => ({ aud: undefined }), INVALID],
  ['T8 for an empty list', () => ({ aud: [] }), INVALID],
  ['T8 for an object', () => ({ aud: { api: true } }), INVALID],
  ['T8 for a number', () => ({ aud: 1 }), INVALID],
  ['T8 for another case', () => ({ aud: 'API' }), INVALID],
  ['T8 for a list in a list', () => ({ aud: [['api']] }), INVALID],
  ['T11 without sub', () => ({ sub: undefined }), INVALID],
  ...(['', ' ', 'alice ', 7, {}, ['alice'], null, true, 'a\r\nX: y', 'a'.repeat(256)] as const).map(
    (sub): Row => [
      `T11 with the sub ${JSON.stringify(sub).slice(0, 20)}`,
      () => ({ sub }),
      INVALID,
    ],
  ),
  ['T14 with a claim called constructor', () => ({ constructor: { admin: true } }), ALLOWED],
]

const ID_TOKENS: readonly Row[] = [
  ['T26 an ID token of a client', () => ({ aud: 'web', nonce: 'n' }), INVALID],
  ['T26 an ID token for us too', () => ({ aud: ['web', 'api'], nonce: 'n', azp: 'web' }), INVALID],
  ['T26 an ID token with at_hash', () => ({ aud: ['web', 'api'], at_hash: 'x' }), INVALID],
  ['T26 a token that calls itself an ID token', () => ({ token_use: 'id' }), INVALID],
  ['T26 one that calls itself a refresh token', () => ({ typ: 'Refresh' }), INVALID],
]

describe.each([
  ['times', TIMES],
  ['names', NAMES],
  ['kinds', ID_TOKENS],
])('a genuine token, by its %s', (_kind, rows) => {
  test.each(rows)('%s', async (_what, claims, outcome) => {
    await expectToken(world, world.mint({ claims: claims(nowSeconds()) }), outcome)
  })
})

describe('T9 an issuer is compared byte for byte', () => {
  test.each<readonly [string, (url: string) => unknown]>([
    ['with a slash', (url) => `${url}/`],
    ['in upper case', (url) => url.toUpperCase()],
    ['of another scheme', (url) => url.replace('http:', 'https:')],
    ['with a name behind', (url) => `${url}.evil.test`],
    ['in a list', (url) => [url, 'x']],
    ['in a list alone', (url) => [url]],
    ['missing', () => undefined],
    ['empty', () => ''],
    ['null', () => null],
    ['with a fragment', (url) => `${url}#`],
    ['with a space', (url) => ` ${url}`],
    ['nobody knows', () => 'https://idp3.test'],
  ])('%s', async (_what, change) => {
    await expectToken(world, world.mint({ claims: { iss: change(world.idp.url) } }), INVALID)
  })
})

describe('payloads that parsers read in different ways', () => {
  const withMember = (member: string): string =>
    JSON.stringify(world.good()).replace(/\}$/, `,${member}}`)
  const deep = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)

  test.each<readonly [string, () => string | Buffer]>([
    ['T3 exp 1e999', () => withMember('"x":1').replace(/"exp":[0-9]+/, '"exp":1e999')],
    ['T13 two sub', () => withMember('"sub":"root"')],
    ['T13 two aud', () => withMember('"aud":"api"')],
    ['T13 two exp', () => withMember('"exp":1')],
    ['T13 two sub, one escaped', () => withMember('"s\\u0075b":"root"')],
    ['T13 two members below', () => withMember('"a":[{"b":{"c":1,"c":2}}]')],
    ['T14 __proto__', () => withMember('"__proto__":{"admin":true}')],
    ['T14 __proto__ below', () => withMember('"a":{"__proto__":{"groups":["admins"]}}')],
    ['T15 a list', () => '[]'],
    ['T15 null', () => 'null'],
    ['T15 text', () => '"x"'],
    ['T15 a number', () => '1'],
    ['T15 a byte order mark', () => `\uFEFF${withMember('"x":1')}`],
    ['T15 UTF-16', () => Buffer.from(withMember('"x":1'), 'utf16le')],
    ['T15 no UTF-8', () => Buffer.from(withMember('"x":"\u00ff"'), 'latin1')],
    ['T15 a trailing comma', () => withMember('"x":1').replace(/\}$/, ',}')],
    ['T15 a comment', () => `${withMember('"x":1')}/* x */`],
    ['T16 nested 2,000 deep', () => withMember(`"x":${deep(2000)}`)],
    ['T16 nested 20 deep', () => withMember(`"x":${deep(20)}`)],
    ['T16 nested deep in objects', () => withMember(`"x":${'{"a":'.repeat(30)}1${'}'.repeat(30)}`)],
    ['T16 a number of 7,000 digits', () => withMember(`"x":${'9'.repeat(7000)}`)],
  ])('%s', async (_what, payload) => {
    const { rs } = world.keys
    const header = JSON.stringify({ alg: 'RS256', kid: 'rs', typ: 'JWT' })
    const body = payload()
    const token =
      typeof body === 'string'
        ? world.mintText(header, body, rs)
        : world.mintText(header, '{}', rs).replace(/\..*\./, `.${body.toString('base64url')}.`)
    await expectToken(world, token, INVALID)
  })

  test('T15 an empty payload', async () => {
    await expectToken(world, world.mint().replace(/\..*\./, '..'), INVALID)
  })

  test.each([
    ['T16 a claim of 10,000 characters', 10_000],
    ['T16 a claim of 30,000 characters', 30_000],
  ])('%s is too long to look at', async (_what, length) => {
    await expectToken(world, world.mint({ claims: { x: 'x'.repeat(length) } }), INVALID)
  })

  test('T14 no member makes anybody an administrator', async () => {
    const token = world.mint({ claims: { constructor: { groups: ['admins'] } } })
    await expectToken(world, token, DENIED, to('admin'))
  })
})

describe('T25 the type of a token', () => {
  const strict = (): Claims => ({ iss: world.strict.url, client_id: 'c', jti: 'j' })

  test.each<readonly [unknown, Outcome, Outcome]>([
    ['at+jwt', ALLOWED, ALLOWED],
    ['AT+JWT', ALLOWED, ALLOWED],
    ['application/at+jwt', ALLOWED, ALLOWED],
    ['JWT', ALLOWED, INVALID],
    [undefined, ALLOWED, INVALID],
    ['logout+jwt', INVALID, INVALID],
    ['dpop+jwt', INVALID, INVALID],
    ['secevent+jwt', INVALID, INVALID],
    ['at+jwt, JWT', INVALID, INVALID],
    ['', INVALID, INVALID],
    [1, INVALID, INVALID],
    [['JWT'], INVALID, INVALID],
    [null, INVALID, INVALID],
  ])('%j', async (typ, lenientOutcome, strictOutcome) => {
    await expectToken(world, world.mint({ header: { typ } }), lenientOutcome)
    await expectToken(world, world.mint({ header: { typ }, claims: strict() }), strictOutcome)
  })

  test.each(['client_id', 'jti'])('an access token needs %s (RFC 9068)', async (name) => {
    const claims = { ...strict(), [name]: undefined }
    await expectToken(world, world.mint({ header: { typ: 'at+jwt' }, claims }), INVALID)
  })
})

describe('T28 who is not who he seems', () => {
  test("a program with alice's sub is no person, and not alice", async () => {
    const claims = { sub: 'alice', client_id: 'alice' }
    await expectToken(world, world.mint({ claims }), DENIED, to('people'))
    await expectToken(world, world.mint({ claims }), DENIED, to('alice'))
    await expectToken(world, world.mint({ claims: { azp: 'alice' } }), DENIED, to('people'))
    await expectToken(world, world.mint({ claims: { azp: 'web' } }), ALLOWED, to('people'))
  })

  test('one sub of two issuers is two principals', async () => {
    const first = await expectToken(world, world.mint(), ALLOWED)
    const claims = { iss: world.idp2.url }
    const token = world.mint({ claims, by: world.keys.es2 })
    const second = await expectToken(world, token, ALLOWED)
    expect([first.identity[0], second.identity[0]]).toEqual(['idp/alice', 'idp2/alice'])
  })
})

describe('T30 T31 T33 claims that rules read', () => {
  test.each<readonly [string, Claims, Outcome]>([
    ['no scope', {}, DENIED],
    ['a list', { scope: ['x'] }, DENIED],
    ['more than one', { scope: 'admin  read' }, DENIED],
    ['one that begins alike', { scope: 'adminx' }, DENIED],
    ['a tab', { scope: 'admin\tread' }, DENIED],
    ['exactly it', { scope: 'admin' }, ALLOWED],
  ])('T30 scope: %s', async (_what, claims, outcome) => {
    await expectToken(world, world.mint({ claims }), outcome, to('scope'))
  })

  test.each<readonly [string, unknown, Outcome]>([
    ['another case', ['Admins'], DENIED],
    ['two in one', ['admins,users'], DENIED],
    ['nested', [['admins']], DENIED],
    ['an object', { 0: 'admins' }, DENIED],
    ['a line break', ['admins\r\n'], DENIED],
    ['a space behind', ['admins '], DENIED],
    ['a number', [1], DENIED],
    ['a bare string, which is one group', 'admins', ALLOWED],
    ['a list', ['users', 'admins'], ALLOWED],
  ])('T31 groups: %s', async (_what, groups, outcome) => {
    await expectToken(world, world.mint({ claims: { groups } }), outcome, to('admin'))
  })

  test('T31 groups: hundreds of them fit the headers or are cut', async () => {
    const groups = Array.from({ length: 600 }, (_each, index) => `g${index}`)
    await expectToken(world, world.mint({ claims: { groups } }), ALLOWED)
  })

  test.each<readonly [string, Outcome]>([
    ['attacker@evil.com@company.com', DENIED],
    ['"x@company.com"@evil', DENIED],
    ['a@company.com.evil', DENIED],
    ['a@cоmpany.com', DENIED],
    [' a@company.com', DENIED],
    ['a@sub.company.com', DENIED],
    ['@company.com', DENIED],
    ['company.com', DENIED],
    ['a@COMPANY.com', ALLOWED],
    ['a@company.com', ALLOWED],
  ])('T33 email: %s', async (email, outcome) => {
    await expectToken(world, world.mint({ claims: { email } }), outcome, to('mail'))
  })
})
