import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { cookieCredential } from '../../src/core/credential.ts'
import { askPublic, signIn } from '../support/sign-in.ts'
import { askVerify } from '../support/verify-request.ts'
import { startVestibule } from '../support/vestibule.ts'
import {
  expectOthersUnharmed,
  expectOutcome,
  type Outcome,
  outcomeOf,
  sessionIdOf,
  startWorld,
  type World,
} from './support-requests.ts'
import { expectSoundRecords } from './support-requests-invariants.ts'
import { POLICIES } from './support-requests-policies.ts'

/*
 * NOT_APPLICABLE, or only by the nearest thing that there is:
 *
 * K5, K10, K15…  gaps of the corpus.
 * K22            the cookie is one random id without fields or MAC; tested: such a value is none.
 * K23            nothing encrypted is in the cookie; records are, see cookies-redis.test.ts.
 * K24 (evicts)   one sign-in cookie serves all attempts of a browser, so there are none to evict.
 * K28, K29       the cookie is never cut in pieces; tested: such pieces are no session.
 * K38 (refresh)  /verify sets no cookie (design.md 2.6): every answer of this suite is checked.
 */

const NAME = '__Secure-vestibule'
const UNKNOWN = '401 unknown_session'
const DUPLICATE = '401 duplicate_cookie'
const NONE = '401 not_signed_in'
const ALLOWED = '200 rule_matched'

let world: World
/** alice's session id. */
let id: string

beforeAll(async () => {
  world = await startWorld()
  id = sessionIdOf(world.cookies.alice)
})
afterAll(() => world.stop())

type Row = readonly [row: string, what: string, cookie: (id: string) => string, outcome: Outcome]

/** A cookie that admits nobody closes no public page either (verify.ts). */
const expectCookie = async (cookie: string, outcome: Outcome): Promise<void> => {
  const isAlice = outcome === ALLOWED
  await expectOutcome(world, { cookie }, outcome, 'alice')
  const open = { cookie, url: 'https://app.test/status' }
  await expectOutcome(world, open, '200 public_rule', isAlice ? 'alice' : 'nobody')
}

const swapCase = (text: string): string =>
  text.replace(/[a-z]/gi, (letter) =>
    letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase(),
  )

describe('the Cookie header', () => {
  const rows: readonly Row[] = [
    ['K1', 'two sessions', (sid) => `${NAME}=${sid}; ${world.cookies.bob}`, DUPLICATE],
    ['K1', 'the other order', (sid) => `${world.cookies.bob}; ${NAME}=${sid}`, DUPLICATE],
    ['K1', 'the same twice', (sid) => `${NAME}=${sid}; ${NAME}=${sid}`, DUPLICATE],
    ['K2', 'a bad one first', (sid) => `${NAME}=evil; x=1; ${NAME}=${sid}`, DUPLICATE],
    ['K2', 'a bad one last', (sid) => `${NAME}=${sid}; ${NAME}=evil`, DUPLICATE],
    ['K2', 'an empty one first', (sid) => `${NAME}=; ${NAME}=${sid}`, DUPLICATE],
    ['K3', 'the name in lower case', (sid) => `${NAME.toLowerCase()}=${sid}`, NONE],
    ['K3', 'the name in upper case', (sid) => `${NAME.toUpperCase()}=${sid}`, NONE],
    [
      'K3',
      'another case beside the name',
      (sid) => `a=${NAME}; ${NAME.toLowerCase()}=${sid}`,
      NONE,
    ],
    ['K3', 'a prefix of the name', (sid) => `__Secure-vestibul=${sid}`, NONE],
    ['K3', 'the name of development', (sid) => `vestibule=${sid}`, NONE],
    ['K3', 'an invisible letter', (sid) => `\u00e2\u0080\u0080${NAME}=${sid}`, NONE],
    ['K3', 'a no-break space', (sid) => `\u00c2\u00a0${NAME}=${sid}`, NONE],
    ['K4', 'an empty name', (sid) => `=${NAME}=${sid}`, NONE],
    ['K4', 'the bare name', () => NAME, NONE],
    ['K4', 'the empty value', () => `${NAME}=`, UNKNOWN],
    ['K4', 'an equals sign', () => '=', NONE],
    ['K4', 'a semicolon', () => ';', NONE],
    ['K4', 'semicolons', () => '; ; ;', NONE],
    ['K4', 'a comma', () => ',', NONE],
    ['K4', 'nothing', () => '', NONE],
    ['K6', '$Version before it', (sid) => `$Version=1; ${NAME}=${sid}`, ALLOWED],
    ['K6', 'the syntax of 1997', (sid) => `$Version=1,${NAME}="${sid}"; $Path=/`, NONE],
    ['K6', '$Path behind it', (sid) => `${NAME}=${sid}; $Path=/; $Domain=test`, ALLOWED],
    ['K7', 'quotes', (sid) => `${NAME}="${sid}"`, UNKNOWN],
    ['K7', 'a space behind', (sid) => `${NAME}=${sid} `, ALLOWED],
    ['K7', 'a space before =', (sid) => `${NAME} =${sid}`, ALLOWED],
    ['K7', 'a space after =', (sid) => `${NAME}= ${sid}`, ALLOWED],
    ['K7', 'tabs', (sid) => `a=b;\t${NAME}\t=\t${sid}\t`, ALLOWED],
    ['K7', 'a space inside', (sid) => `${NAME}=${sid.slice(0, 9)} ${sid.slice(9)}`, UNKNOWN],
    ['K8', 'a comma before', (sid) => `a=1,${NAME}=${sid}`, NONE],
    ['K8', 'a comma behind', (sid) => `${NAME}=${sid},a=1`, UNKNOWN],
    ['K9', 'an encoded letter', (sid) => `${NAME}=%41${sid.slice(1)}`, UNKNOWN],
    ['K9', 'an encoded NUL', (sid) => `${NAME}=${sid}%00`, UNKNOWN],
    ['K9', 'half an escape', (sid) => `${NAME}=${sid}%`, UNKNOWN],
    ['K9', 'no escape at all', () => `${NAME}=%zz`, UNKNOWN],
    ['K12', 'padding', (sid) => `${NAME}=${sid}=`, UNKNOWN],
    ['K12', 'the other alphabet', () => `${NAME}=${'+/'.repeat(21)}A`, UNKNOWN],
    ['K12', 'case swapped', (sid) => `${NAME}=${swapCase(sid)}`, UNKNOWN],
    ['K12', 'reversed', (sid) => `${NAME}=${Array.from(sid).toReversed().join('')}`, UNKNOWN],
    ['K14', 'another id of the form', () => `${NAME}=${'A'.repeat(43)}`, UNKNOWN],
    ['K14', 'a path', () => `${NAME}=../../x`, UNKNOWN],
    ['K14', 'a star', () => `${NAME}=*`, UNKNOWN],
    ['K14', 'a pattern', () => `${NAME}=vestibule:*`, UNKNOWN],
    ['K14', 'a slot', (sid) => `${NAME}={${sid}}`, UNKNOWN],
    ['K14', 'a colon', () => `${NAME}=a:b`, UNKNOWN],
    ['K22', 'fields', (sid) => `${NAME}=${sid}|app.test|4102444800`, UNKNOWN],
    ['K26', '5000 pairs', () => 'a=b; '.repeat(5000), NONE],
    ['K26', '5000 empty pairs', () => '=; '.repeat(5000), NONE],
    ['K26', 'a name of 8 KiB', (sid) => `${'n'.repeat(8192)}${NAME}=${sid}`, NONE],
    ['K27', 'prototypes', (sid) => `__proto__=1; constructor=2; ${NAME}=${sid}`, ALLOWED],
    ['K28', 'a missing piece', (sid) => `${NAME}.0=${sid.slice(0, 9)}; ${NAME}.2=x`, NONE],
    ['K28', 'the second piece only', (sid) => `${NAME}.1=${sid}`, NONE],
    ['K28', 'one piece twice', (sid) => `${NAME}.0=${sid}; ${NAME}.0=${sid}`, NONE],
    ['K28', 'a far piece', (sid) => `${NAME}.99999999=${sid}`, NONE],
    ['K28', 'a number of pieces', (sid) => `${NAME}_chunks=99999999; ${NAME}_0=${sid}`, NONE],
    ['K28', 'pieces beside the cookie', (sid) => `${NAME}=${sid}; ${NAME}.1=x`, ALLOWED],
    ['K29', 'several lengths of an id', (sid) => `${NAME}=${sid.repeat(4)}`, UNKNOWN],
    [
      'K24',
      '200 left from signing in',
      (sid) =>
        `${Array.from({ length: 200 }, (_each, index) => `__Host-vestibule-sign-in${index}=${'x'.repeat(43)}`).join('; ')}; ${NAME}=${sid}`,
      ALLOWED,
    ],
  ]
  test.each(rows)('%s with %s', async (_row, _what, cookie, outcome) => {
    await expectCookie(cookie(id), outcome)
  })

  test('K14 an id of 1 MB is refused before it is read', async () => {
    await expectOutcome(world, { cookie: `${NAME}=${'x'.repeat(1e6)}` }, '403 malformed_request')
  })

  test.each(['\r\nDEL x', '\0', '\x01', '\x7f'])('K14 an id with %j', async (bytes) => {
    await expectOutcome(world, { cookie: `${NAME}=${id}${bytes}` }, '403 malformed_request')
  })

  test('K27 no prototype has changed', () => {
    expect(Object.keys(Object.prototype)).toEqual([])
    expect(({} as Record<string, unknown>)['constructor']).toBe(Object)
  })

  test.each([
    ['a=b; ', 50_000],
    ['=; ', 50_000],
    [`${NAME};`, 10_000],
    [`${NAME} `, 10_000],
    [' ', 64_000],
    ['\t;', 64_000],
  ] as const)('K26 %j, %i times, takes time in proportion', (part, count) => {
    const line = `${part.repeat(count)}${NAME}`
    const times = Array.from({ length: 10 }, () => {
      const startedAt = performance.now()
      cookieCredential([line], NAME)
      return performance.now() - startedAt
    })
    expect(Math.min(...times)).toBeLessThan(250)
  })
})

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

const expectNone = async (values: readonly string[]): Promise<void> => {
  const outcomes = new Set<string>()
  for (const value of values) {
    const bytes = `GET /verify?host=plain.test HTTP/1.1\r\nX-Original-URL: https://plain.test/x\r\nX-Original-Method: GET\r\nCookie: ${NAME}=${value}\r\nConnection: close\r\n\r\n`
    outcomes.add(outcomeOf(await world.send(bytes)))
  }
  expect([...outcomes]).toEqual([UNKNOWN])
  await expectOthersUnharmed(world)
}

describe('values near a good one', () => {
  test('K11 every truncation of it', async () => {
    await expectNone(Array.from({ length: id.length }, (_each, length) => id.slice(0, length)))
  })

  test('K11 one to 64 more characters, before or behind', async () => {
    const more = Array.from({ length: 64 }, (_each, index) => 'A'.repeat(index + 1))
    await expectNone(more.flatMap((extra) => [`${id}${extra}`, `${extra}${id}`]))
  })

  test('K13 other spellings of its last character', async () => {
    const last = ALPHABET.indexOf(id.at(-1) ?? '')
    const aliases = Array.from(ALPHABET).filter((_letter, index) => index !== last)
    await expectNone(aliases.map((letter) => `${id.slice(0, -1)}${letter}`))
  })

  test('K12 one other character in each place', async () => {
    await expectNone(
      Array.from(id).map((letter, index) => {
        const other = letter === 'A' ? 'B' : 'A'
        return `${id.slice(0, index)}${other}${id.slice(index + 1)}`
      }),
    )
  })

  test('K1 the session that all this was about is as it was', async () => {
    await expectOutcome(world, { cookie: world.cookies.alice }, ALLOWED, 'alice')
  })
})

describe('a session where it does not belong', () => {
  test('K16 means nothing to a host without policy, or to another Vestibule', async () => {
    const { alice: cookie } = world.cookies
    const elsewhere = { cookie, url: 'https://app.example/x', host: 'app.example' }
    await expectOutcome(world, elsewhere, '403 unknown_host')
    const other = await startVestibule({ policies: POLICIES })
    try {
      const { status } = await askVerify(other.verifyPort, { cookie })
      expect(status).toBe(401)
    } finally {
      await other.stop()
    }
  })

  test('K17 does not open a host that wants another issuer', async () => {
    const request = { url: 'https://issuer.test/x', host: 'issuer.test' }
    await expectOutcome(world, { ...request, cookie: world.cookies.alice }, '403 no_rule_matched')
    await expectOutcome(world, request, NONE)
  })
})

describe('a session beside a bearer token', () => {
  // design.md 2: a bearer that is present decides.
  test.each([
    ['a bad one', 'Bearer bad'],
    ['none behind the word', 'Bearer'],
    ['two joined', 'Bearer a, Bearer b'],
    ['one behind two spaces', 'Bearer  abc'],
    ['one in lower case', 'bearer abc'],
  ])('K31 with %s is not looked at', async (_what, authorization) => {
    const request = { cookie: world.cookies.alice, authorization }
    await expectOutcome(world, request, '401 invalid_token')
    const open = { ...request, url: 'https://app.test/status' }
    await expectOutcome(world, open, '401 invalid_token')
  })

  test('K31 of nobody we know, or of a forger, is not looked at', async () => {
    const stranger = await world.token({ iss: 'https://other.test', sub: 'root' })
    const forged = await world.idp.issueToken({ sub: 'root', aud: 'vestibule' }, { forged: true })
    for (const token of [stranger, forged]) {
      const request = { cookie: world.cookies.alice, authorization: `Bearer ${token}` }
      await expectOutcome(world, request, '401 invalid_token')
    }
  })

  test('K32 of somebody else is that one, and no mixture', async () => {
    const token = await world.token({ sub: 'robot', groups: ['admins'] })
    const request = { cookie: world.cookies.alice, authorization: `Bearer ${token}` }
    const verdict = await expectOutcome(world, request, ALLOWED)
    expect(verdict.identity.slice(0, 5)).toEqual(['ci/robot', '', '', 'admins', 'workload'])
    const lines = await world.vestibule.decisions(world.verdicts.length)
    const line = lines.find(({ decision }) => decision === verdict.id)
    expect(line).toMatchObject({ credential: 'bearer', principal: { subject: 'ci/robot' } })
  })

  test.each(['', 'Basic eDp5', 'Digest x', 'Bearerx', 'Negotiate CANARY'])(
    'K33 Authorization: %j is the business of the application',
    async (authorization) => {
      await expectOutcome(world, { cookie: world.cookies.alice, authorization }, ALLOWED, 'alice')
    },
  )

  test('K31 is all that counts on a host that takes cookies only', async () => {
    const host = { url: 'https://grafana.test/x', host: 'grafana.test' }
    const authorization = 'Bearer glsa_CANARY'
    const both = { ...host, authorization, cookie: world.cookies.alice }
    await expectOutcome(world, both, ALLOWED, 'alice')
    await expectOutcome(world, { ...host, authorization }, NONE)
  })

  type Offer = 'good' | 'bad' | 'none'
  const OFFERS: readonly Offer[] = ['good', 'bad', 'none']
  const ofCookie = { good: '200 rule_matched', bad: '401 unknown_session', none: NONE } as const
  const ofToken = { good: '200 rule_matched', bad: '401 invalid_token', none: NONE } as const
  test.each<readonly [string, (cookie: Offer, token: Offer) => Outcome]>([
    ['plain.test', (cookie, token) => (token === 'none' ? ofCookie[cookie] : ofToken[token])],
    ['grafana.test', (cookie) => ofCookie[cookie]],
    ['machines.test', (_cookie, token) => ofToken[token]],
  ])('K31 K32 at %s one of the two decides, whatever the other is', async (host, outcome) => {
    const cookies = { good: world.cookies.alice, bad: `__Secure-vestibule=${'A'.repeat(43)}` }
    const tokens = { good: await world.token({ sub: 'robot' }), bad: 'x.y.z' }
    for (const cookie of OFFERS) {
      for (const token of OFFERS) {
        const request = {
          host,
          url: `https://${host}/x`,
          ...(cookie === 'none' ? {} : { cookie: cookies[cookie] }),
          ...(token === 'none' ? {} : { authorization: `Bearer ${tokens[token]}` }),
        }
        await expectOutcome(world, request, outcome(cookie, token))
      }
    }
  })

  test('K31 is nothing on a host that takes tokens only, and does not help a token there', async () => {
    const host = { url: 'https://machines.test/x', host: 'machines.test' }
    const cookie = world.cookies.alice
    await expectOutcome(world, { ...host, cookie }, NONE)
    await expectOutcome(world, { ...host, cookie, authorization: 'Basic eDp5' }, NONE)
    const authorization = `Bearer ${await world.token({ sub: 'robot' })}`
    const verdict = await expectOutcome(world, { ...host, cookie, authorization }, ALLOWED)
    expect(verdict.identity[0]).toBe('ci/robot')
  })
})

test('one session on two hosts of a wildcard: each gets one assertion, however they take turns', async () => {
  const seen = new Map<string, Set<string>>()
  for (const name of ['x', 'y', 'x', 'y', 'x']) {
    const host = `${name}.internal.test`
    const request = { host, url: `https://${host}/x`, cookie: world.cookies.bob }
    const { identity } = await expectOutcome(world, request, ALLOWED)
    seen.set(host, (seen.get(host) ?? new Set()).add(identity.at(-1) ?? ''))
  }
  const [one, other] = [...seen.values()]
  expect([one?.size, other?.size]).toEqual([1, 1])
  expect(one).not.toEqual(other)
})

const attributes = (line = ''): readonly string[] =>
  line
    .split('; ')
    .slice(1)
    .filter((each) => !/^(?:Max-Age|Expires)=/.test(each))
    .toSorted()

describe('sessions that ended', () => {
  test('K34, K36, K38 after signing out; the cookie that clears is as the one that set', async () => {
    const { sessionCookie, reply } = await signIn(world.vestibule, 'alice')
    const [set = ''] = reply.setCookies
    expect(set.length).toBeLessThan(4096)
    expect(Number(/Max-Age=([0-9]+)/.exec(set)?.[1])).toBeLessThanOrEqual(400 * 86_400)
    const out = await askPublic(world.vestibule, '/oauth2/sign_out', { cookies: [sessionCookie] })
    const cleared = out.setCookies.find((line) => line.startsWith(`${NAME}=;`))
    expect(attributes(cleared)).toEqual(attributes(set))
    expect(attributes(set)).toEqual(['Domain=test', 'HttpOnly', 'Path=/', 'SameSite=Lax', 'Secure'])
    await expectOutcome(world, { cookie: sessionCookie }, UNKNOWN)
  })

  test('K34 after somebody else signed in with the same browser', async () => {
    const { sessionCookie: old } = await signIn(world.vestibule, 'alice')
    const { sessionCookie: fresh } = await signIn(world.vestibule, 'root', { cookies: [old] })
    await expectOutcome(world, { cookie: old }, UNKNOWN)
    await expectOutcome(world, { cookie: fresh }, ALLOWED, 'root')
  })

  test('K34 signing in never takes over the id that a browser brings along', async () => {
    const planted = `${NAME}=${'A'.repeat(43)}`
    const { sessionCookie } = await signIn(world.vestibule, 'alice', { cookies: [planted] })
    expect(sessionCookie).not.toBe(planted)
    await expectOutcome(world, { cookie: planted }, UNKNOWN)
    await expectOutcome(world, { cookie: sessionCookie }, ALLOWED, 'alice')
  })

  test('K37 a session planted for a longer path is as good as none', async () => {
    const cookie = `${world.cookies.bob}; ${world.cookies.alice}`
    await expectOutcome(world, { cookie }, DUPLICATE)
    await expectOutcome(world, { cookie: world.cookies.alice }, ALLOWED, 'alice')
  })
})

test('every answer left one clean line and only known labels', async () => {
  await expectSoundRecords(world)
})
