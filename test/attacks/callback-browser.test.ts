import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { headerOf } from '../support/raw-http.ts'
import { askPublic } from '../support/sign-in.ts'
import { askVerify } from '../support/verify-request.ts'
import { type Vestibule } from '../support/vestibule.ts'
import {
  BROWSER_COOKIE,
  begin,
  expectBeginsAgain,
  expectRefusal,
  expectSafeReply,
  expectSignedIn,
  expectUnspoken,
  POLICIES,
  REFUSED,
  STALE,
  signInAt,
  startAgainst,
  whoIs,
} from './support-callback.ts'
import {
  type Claims,
  type ScriptedProvider,
  startScriptedProvider,
} from './support-scripted-provider.ts'

const STEP_UP = `
hosts: [admin.test]
require: { acr: [mfa], authAge: 10m }
policy:
  - allow: { and: [ { groups: { has: sre } } ] }
`

let idp: ScriptedProvider
let vestibule: Vestibule

beforeAll(async () => {
  idp = await startScriptedProvider()
  vestibule = await startAgainst(idp, { policies: { ...POLICIES, 'admin.yaml': STEP_UP } })
})
afterEach(() => idp.play())
afterAll(async () => {
  await vestibule.stop()
  await idp.stop()
})

const verdictOn = async (host: string, cookie: string): Promise<readonly [number, string]> => {
  const answer = await askVerify(vestibule.verifyPort, { host, url: `https://${host}/x`, cookie })
  return [answer.status, headerOf(answer, 'x-vestibule-reason') ?? '']
}

describe('the cookie that ties a sign-in to its browser', () => {
  const otherAt = (secret: string, index: number): string => {
    // The last character of a canonical secret is one of sixteen.
    const [one, two] = index === 42 ? ['A', 'E'] : ['a', 'b']
    return secret.slice(0, index) + (secret[index] === one ? two : one) + secret.slice(index + 1)
  }

  test('L3 tampered with at any position redeems nothing', async () => {
    const before = idp.tokenRequests().length
    for (let index = 0; index < 43; index += 1) {
      const begun = await begin(vestibule)
      const secret = begun.browserCookie.slice(BROWSER_COOKIE.length + 1)
      const cookies = [`${BROWSER_COOKIE}=${otherAt(secret, index)}`]
      expectBeginsAgain(
        await askPublic(vestibule, idp.authorize(begun.authorizationUrl), { cookies }),
      )
    }
    expect(idp.tokenRequests()).toHaveLength(before)
  })

  test('L30 is one, however many tabs begin, and the first of 200 still completes', async () => {
    const first = await begin(vestibule, '?rd=/first')
    const seen = new Set([first.browserCookie])
    for (let tab = 1; tab < 200; tab += 1) {
      seen.add((await begin(vestibule, '?rd=/other', [first.browserCookie])).browserCookie)
    }
    expect([...seen]).toEqual([first.browserCookie])
    expect(first.browserCookie.length).toBeLessThan(100)
    const reply = await askPublic(vestibule, idp.authorize(first.authorizationUrl), {
      cookies: [first.browserCookie],
    })
    expectSignedIn(reply, '/first')
  })

  test('stays on its own host, out of reach of scripts and plain http', async () => {
    const reply = await askPublic(vestibule, '/oauth2/start')
    expect(reply.setCookies).toHaveLength(1)
    expect(reply.setCookies[0]).toMatch(
      /^__Host-vestibule-sign-in=[A-Za-z0-9_-]{43}; Max-Age=3600; Path=\/; Expires=[^;]+; HttpOnly; Secure; SameSite=Lax$/,
    )
  })

  test.each([
    ['malformed', ['__Host-vestibule-sign-in=x']],
    ['sent twice', [`${BROWSER_COOKIE}=${'A'.repeat(43)}`, `${BROWSER_COOKIE}=${'E'.repeat(43)}`]],
  ])('K35 is replaced where it is %s', async (_what, cookies) => {
    const { browserCookie } = await begin(vestibule, '', cookies)
    expect(cookies).not.toContain(browserCookie)
    expect(browserCookie).toMatch(/=[A-Za-z0-9_-]{43}$/)
  })
})

describe('what a sign-in says to the provider', () => {
  test('L23 of 1000 sign-ins no state, nonce or challenge is another', async () => {
    const seen: string[] = []
    for (let batch = 0; batch < 20; batch += 1) {
      const begun = await Promise.all(Array.from({ length: 50 }, () => begin(vestibule)))
      for (const { authorization } of begun) {
        seen.push(authorization.state, authorization.nonce, authorization.challenge)
      }
    }
    expect(new Set(seen).size).toBe(3000)
    // 43 characters of base64url are 256 bits.
    expect(seen.filter((value) => !/^[A-Za-z0-9_-]{43}$/.test(value))).toEqual([])
    await expectUnspoken(vestibule, seen.slice(0, 300))
  })

  test('L23 every verifier is another, and neither it nor the code is spoken of', async () => {
    const before = idp.tokenRequests().length
    for (let each = 0; each < 20; each += 1) expectSignedIn(await signInAt(vestibule, idp))
    const requests = idp.tokenRequests().slice(before)
    const verifiers = requests.map((form) => form.get('code_verifier') ?? '')
    expect(new Set(verifiers).size).toBe(20)
    expect(verifiers.filter((value) => !/^[A-Za-z0-9_-]{43}$/.test(value))).toEqual([])
    await expectUnspoken(vestibule, [
      ...verifiers,
      ...requests.map((form) => form.get('code') ?? 'CANARY'),
    ])
  })

  test.each([
    'scope=admin',
    'redirect_uri=https://evil.test/',
    'client_id=evil',
    'prompt=none',
    'prompt=login',
    'acr_values=none',
    'max_age=999999',
    'login_hint=%3Cscript%3E',
    'issuer=https://evil.test',
    'iss=https://evil.test',
    'response_type=token',
    'response_mode=form_post',
    'code_challenge_method=plain',
    'code_challenge=x',
    'state=chosen',
    'nonce=chosen',
    'request=x',
    'request_uri=https://evil.test/',
    'target_link_uri=https://evil.test/',
  ])('L31 is not changed by ?%s', async (parameter) => {
    const described = (url: string): Readonly<Record<string, string>> => {
      const parameters = Object.fromEntries(new URL(url).searchParams)
      const minted = { state: '', nonce: '', code_challenge: '' }
      for (const name of Object.keys(minted)) expect(parameters[name]).not.toMatch(/chosen|^x$/)
      return { ...parameters, ...minted }
    }
    const plain = await begin(vestibule)
    const asked = idp.requests().length
    const pushed = await begin(vestibule, `?${parameter}`)
    expect(described(pushed.authorizationUrl)).toEqual(described(plain.authorizationUrl))
    expect(described(plain.authorizationUrl)).toEqual({
      client_id: 'vestibule',
      code_challenge: '',
      code_challenge_method: 'S256',
      nonce: '',
      redirect_uri: 'https://auth.test/oauth2/callback',
      response_type: 'code',
      scope: 'openid email profile groups',
      state: '',
    })
    expect(idp.requests()).toHaveLength(asked)
  })
})

describe('what browsers are shown', () => {
  test.each([
    ['/oauth2/callback', 400, {}],
    ['/oauth2/callback?error=x', 400, {}],
    ['/oauth2/signed_out', 200, {}],
    ['/oauth2/signed_out?state=%3Cscript%3E', 200, {}],
    ['/oauth2/sign_out?rd=https://app.test/%22%3E', 200, { 'sec-fetch-site': 'cross-site' }],
    ['/', 200, {}],
    ['/denied', 403, { 'x-request-id': '"><script>' }],
    ['/nothing', 404, {}],
  ])(
    'L33 %s frames nothing, fetches nothing and tells no address',
    async (path, status, headers) => {
      const reply = await askPublic(vestibule, path, { headers })
      expect(reply.status).toBe(status)
      expectSafeReply(reply)
      expect(reply.headers['content-security-policy']).toMatch(
        /^default-src 'none'; style-src 'sha256-/,
      )
      expect(reply.body).not.toMatch(
        /<(?:script|img|link|iframe|object|embed|base|meta http)|\bon\w+=|url\(|(?:src|href|action)="(?!\/[^/\\])/i,
      )
    },
  )

  test('L33 redirects are 302, and their answers have no body', async () => {
    const started = await askPublic(vestibule, '/oauth2/start')
    expect([started.status, started.body]).toEqual([302, ''])
    expectSafeReply(started)
    expectSignedIn(await signInAt(vestibule, idp))
  })
})

describe('the session that comes of it', () => {
  test('L34 is gone after signing out: neither cookie nor old callback bring it back', async () => {
    const begun = await begin(vestibule)
    const path = idp.authorize(begun.authorizationUrl)
    const cookies = [begun.browserCookie]
    const cookie = expectSignedIn(await askPublic(vestibule, path, { cookies }))
    const out = await askPublic(vestibule, '/oauth2/sign_out', { cookies: [cookie] })
    expect(out.setCookies[0]).toMatch(/^__Secure-vestibule=;/)
    expectRefusal(await askPublic(vestibule, path, { cookies: [...cookies, cookie] }), STALE)
    expect(await whoIs(vestibule, cookie)).toBeUndefined()
    expect(await verdictOn('app.test', cookie)).toEqual([401, 'unknown_session'])
  })

  test.each([
    ["a stranger's session", 'mallory', undefined],
    ['a session of his own', 'alice', 'alice'],
  ])('L36 K35 has a new id, with %s planted before', async (_what, owner, afterwards) => {
    const planted = expectSignedIn(await signInAt(vestibule, idp, { subject: owner }))
    const begun = await begin(vestibule, '', [planted])
    const reply = await askPublic(vestibule, idp.authorize(begun.authorizationUrl), {
      cookies: [begun.browserCookie, planted],
    })
    const cookie = expectSignedIn(reply)
    expect(cookie).not.toBe(planted)
    expect(await whoIs(vestibule, cookie)).toBe('alice')
    // His own lives on for a minute, for tabs that have requests under way; a stranger's does not.
    expect(await whoIs(vestibule, planted)).toBe(afterwards)
  })

  test('L38 of somebody whom the policy refuses ends in 403, not in another sign-in', async () => {
    idp.play({ claims: (claims) => ({ ...claims, groups: ['nobodies'] }) })
    const cookie = expectSignedIn(await signInAt(vestibule, idp))
    expect(await verdictOn('app.test', cookie)).toEqual([403, 'no_rule_matched'])
  })
})

describe('a sign-in that has to prove more', () => {
  const now = (): number => Math.floor(Date.now() / 1000)
  const RIGHT: Claims = { acr: 'mfa' }

  const verdictWith = async (claims: Claims): Promise<readonly [number, string]> => {
    const begun = await begin(vestibule, '?rd=https://admin.test/x')
    const { parameters } = begun.authorization
    expect([parameters.get('acr_values'), parameters.get('max_age')]).toEqual(['mfa', '600'])
    idp.play({ claims: (honest) => ({ ...honest, ...RIGHT, ...claims }) })
    const reply = await askPublic(vestibule, idp.authorize(begun.authorizationUrl), {
      cookies: [begun.browserCookie],
    })
    return await verdictOn('admin.test', expectSignedIn(reply, 'https://admin.test/x'))
  }

  test('passes with what was asked for', async () => {
    expect(await verdictWith({})).toEqual([200, 'rule_matched'])
  })

  test.each<readonly [string, () => Claims]>([
    ['acr too low', () => ({ acr: 'pwd' })],
    ['no acr', () => ({ acr: undefined })],
    ['acr in a list', () => ({ acr: ['mfa'] })],
    ['acr in capitals', () => ({ acr: 'MFA' })],
    ['acr as one of two words', () => ({ acr: 'pwd mfa' })],
    ['no auth_time', () => ({ auth_time: undefined })],
    ['auth_time of an hour ago', () => ({ auth_time: now() - 3600 })],
    ['auth_time of tomorrow', () => ({ auth_time: now() + 86_400 })],
    ['auth_time in milliseconds', () => ({ auth_time: Date.now() })],
  ])('L18 L38 with %s is refused, without a loop', async (_what, claims) => {
    expect(await verdictWith(claims())).toEqual([403, 'proof_not_delivered'])
  })

  test.each([[String(now())], [null], [-1]])(
    'L18 with auth_time %p is no sign-in at all',
    async (time) => {
      idp.play({ claims: (honest) => ({ ...honest, ...RIGHT, auth_time: time }) })
      expectRefusal(await signInAt(vestibule, idp), REFUSED)
    },
  )
})
