import { crc32 } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { sendRaw } from '../support/raw-http.ts'
import { type VerifyRequest, verifyRequest } from '../support/verify-request.ts'
import { startVestibule, type Vestibule } from '../support/vestibule.ts'
import { type IssuerServer, startIssuer } from '../tokens/support-tokens.ts'
import { to } from './support-bearer.ts'
import { outcomeOf } from './support-requests.ts'
import { expectSoundAnswer, type Verdict } from './support-requests-invariants.ts'

/* Tokens of our own: made up, mistyped, stolen, out of place. */

const ADMIN = 'an-admin-token-CANARY-0123456789'
const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

let vestibule: Vestibule
let issuer: IssuerServer
let token: string
let id: string

const anybody = (host: string): string =>
  `hosts: [${host}.test]\npolicy: [ { allow: { and: [ { authenticated_user: true } ] } } ]\n`

beforeAll(async () => {
  issuer = await startIssuer()
  vestibule = await startVestibule({
    policies: {
      'app.yaml': anybody('app'),
      'two.yaml': anybody('two'),
      'people.yaml': anybody('people').replace('authenticated_user: true', 'actor: human'),
      'mail.yaml': anybody('mail').replace('authenticated_user: true', 'domain: test.example'),
      'owner.yaml': anybody('owner').replace('authenticated_user: true', 'user: sre@test.example'),
      'cookie.yaml': `${anybody('cookie')}credentials: [cookie]\n`,
      'bound.yaml': `${anybody('bound')}require: { senderConstrained: [dpop] }\n`,
      'mfa.yaml': `${anybody('mfa')}require: { acr: [mfa] }\n`,
    },
    environment: {
      VESTIBULE_ADMIN_TOKEN: ADMIN,
      VESTIBULE_TOKEN_ISSUERS_0_INTROSPECTION_CLIENT_SECRET: 'secret',
    },
    config: {
      tokenIssuers: [
        {
          name: 'opaque',
          issuer: issuer.url,
          audiences: ['api'],
          introspection: { endpoint: `${issuer.url}/introspect`, clientId: 'vestibule' },
        },
      ],
    },
  })
  const made = await create({})
  token = made.token
  id = made.id
})
afterAll(async () => {
  await vestibule.stop()
  await issuer.stop()
})

const admin = async (method: string, path: string, body?: object): Promise<unknown> => {
  const response = await fetch(`http://127.0.0.1:${vestibule.opsPort}/admin/tokens${path}`, {
    method,
    headers: { authorization: `Bearer ${ADMIN}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  expect(response.ok).toBe(true)
  return await response.json()
}

type Made = { readonly token: string; readonly id: string }

const HOSTS = ['app', 'people', 'mail', 'owner', 'cookie', 'bound', 'mfa']

const create = async (changes: object): Promise<Made> =>
  (await admin('POST', '', {
    owner: 'sre@test.example',
    purpose: 'attacks',
    hosts: HOSTS.map((each) => `${each}.test`),
    expires: '1d',
    ...changes,
  })) as Made

const ask = async (authorization: string, request: VerifyRequest = {}): Promise<Verdict> =>
  expectSoundAnswer(
    await sendRaw(vestibule.verifyPort, verifyRequest({ ...request, authorization })),
  )

const outcome = async (text: string, request?: VerifyRequest): Promise<string> =>
  outcomeOf(await ask(`Bearer ${text}`, request))

/** A text with a right checksum, as anybody can work it out. */
const withChecksum = (body: string): string => {
  let rest = crc32(body)
  let digits = ''
  for (let count = 0; count < 6; count += 1) {
    digits = `${BASE62[rest % 62] ?? ''}${digits}`
    rest = Math.floor(rest / 62)
  }
  return body + digits
}

const INVALID = '401 invalid_token'
const ALLOWED = '200 rule_matched'

test('the holder gets in, as the token and as nobody else', async () => {
  const verdict = await ask(`Bearer ${token}`)
  expect(outcomeOf(verdict)).toBe(ALLOWED)
  expect(verdict.identity.slice(0, 5)).toEqual([`token/${id}`, '', '', '', 'workload'])
})

describe('texts that are none of our tokens', () => {
  test.each<readonly [string, () => string]>([
    ['a wrong checksum', () => `${token.slice(0, -1)}${token.endsWith('0') ? '1' : '0'}`],
    ['another secret under a right checksum', () => withChecksum(`vst_${id}_${'A'.repeat(43)}`)],
    [
      'another id under a right checksum',
      () => withChecksum(`vst_${'a'.repeat(16)}_${token.slice(21, 64)}`),
    ],
    [
      'an id of our records',
      () => withChecksum(`vst_${'}:session'.padEnd(16, 'x')}_${'A'.repeat(43)}`),
    ],
    ['another beginning', () => token.replace('vst_', 'ghp_')],
    ['upper case', () => token.toUpperCase()],
    ['another case of the beginning', () => token.replace('vst_', 'VST_')],
    ['the beginning alone', () => 'vst_'],
    ['the id alone', () => `vst_${id}`],
    ['no secret', () => withChecksum(`vst_${id}_`)],
    ['padding', () => `${token}=`],
    ['something behind', () => `${token}0`],
    ['itself twice', () => token + token],
    ['a path in the id', () => withChecksum(`vst_../../../sessions_${'A'.repeat(43)}`)],
    ['a part of a JWT', () => `${token}.${token}.${token}`],
    ['the hash of it', () => Buffer.from(token).toString('base64url')],
    ['7 kB', () => `vst_${id}_${'A'.repeat(7000)}`],
  ])('%s', async (_what, text) => {
    expect(await outcome(text())).toBe(INVALID)
    expect(await outcome(token)).toBe(ALLOWED)
  })

  test('100 kB are refused by the listener, and harm nobody', async () => {
    const answer = await sendRaw(
      vestibule.verifyPort,
      verifyRequest({ authorization: `Bearer vst_${'A'.repeat(100_000)}` }),
    )
    expect(answer).not.toContain('200 OK')
    expect(await outcome(token)).toBe(ALLOWED)
  })

  test('no issuer is asked about anything that begins as ours do', async () => {
    const before = issuer.count('/introspect')
    for (const text of [token, `${token}0`, 'vst_', `vst_${'A'.repeat(60)}`]) await outcome(text)
    expect(issuer.count('/introspect')).toBe(before)
  })
})

describe('how it is offered', () => {
  test.each<readonly [string, (text: string) => string, string]>([
    ['lower case', (text) => `bearer ${text}`, ALLOWED],
    ['two spaces', (text) => `Bearer  ${text}`, INVALID],
    ['a comma and another', (text) => `Bearer ${text}, Bearer ${text}`, INVALID],
    ['under DPoP', (text) => `DPoP ${text}`, '401 invalid_dpop_proof'],
    ['Basic', (text) => `Basic ${btoa(`x:${text}`)}`, '401 not_signed_in'],
    ['no scheme', (text) => text, '401 not_signed_in'],
  ])('%s', async (_what, write, expected) => {
    expect(outcomeOf(await ask(write(token)))).toBe(expected)
  })

  test('twice is refused, and as a cookie or in the query it is not looked for', async () => {
    const twice = { lines: [`Authorization: Bearer ${token}`] }
    expect(outcomeOf(await ask(`Bearer ${token}`, twice))).toBe('403 duplicate_header')
    for (const request of [
      { url: `https://app.test/x?access_token=${token}` },
      { url: `https://app.test/x?token=${token}` },
      { cookie: `access_token=${token}` },
      { lines: [`X-Api-Key: ${token}`] },
    ]) {
      const answer = await sendRaw(vestibule.verifyPort, verifyRequest(request))
      expect(outcomeOf(expectSoundAnswer(answer))).toBe('401 not_signed_in')
    }
    // As a session cookie it is none.
    const cookie = verifyRequest({ cookie: `__Secure-vestibule=${token}` })
    const answer = await sendRaw(vestibule.verifyPort, cookie)
    expect(outcomeOf(expectSoundAnswer(answer))).toBe('401 unknown_session')
  })
})

describe('where it is no right to anything', () => {
  test('on a host that it does not name, whatever the client claims', async () => {
    expect(await outcome(token, to('two'))).toBe('401 token_not_for_host')
    const claimed = { host: 'two.test', url: 'https://app.test/x' }
    expect(await outcome(token, claimed)).toBe('403 host_mismatch')
    expect(await outcome(token, { host: 'nobody.test', url: 'https://nobody.test/x' })).toBe(
      '403 unknown_host',
    )
  })

  test.each([
    ['people', '403 no_rule_matched'],
    ['mail', '403 no_rule_matched'],
    ['owner', '403 no_rule_matched'],
    ['cookie', '401 not_signed_in'],
    ['bound', '401 token_not_bound'],
    ['mfa', '401 stronger_proof_needed'],
  ])('%s.test: %s', async (host, expected) => {
    expect(await outcome(token, to(host))).toBe(expected)
  })

  test('as admin token, at the sign-in pages, or as a name of somebody', async () => {
    const status = async (port: number, path: string): Promise<number> =>
      (
        await fetch(`http://127.0.0.1:${port}${path}`, {
          headers: { authorization: `Bearer ${token}` },
        })
      ).status
    expect(await status(vestibule.opsPort, '/admin/tokens')).toBe(401)
    expect(await status(vestibule.publicPort, '/oauth2/userinfo')).toBe(401)
    expect(await status(vestibule.publicPort, '/admin/tokens')).toBe(404)
  })
})

test('after its end it is refused, with a reason that only its holder gets', async () => {
  const { token: gone, id: goneId } = await create({})
  expect(await outcome(gone)).toBe(ALLOWED)
  await admin('DELETE', `/${goneId}`)
  expect(await outcome(gone)).toBe('401 revoked_token')
  expect(await outcome(gone, to('two'))).toBe('401 revoked_token')
  expect(await outcome(withChecksum(`vst_${goneId}_${'A'.repeat(43)}`))).toBe(INVALID)
  expect(await outcome(token)).toBe(ALLOWED)
})

test('no text of a token is in a log line, a notice or a metric', async () => {
  const lines = JSON.stringify(await vestibule.decisions(1))
  const seen = lines + vestibule.notices().join('') + (await vestibule.metrics())
  expect(seen).toContain(`token/${id}`)
  expect(seen).not.toContain(token.slice(21, 50))
})
