import { createHash, randomBytes } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose'
import { createBrowser } from '../../demo/browser.ts'
import { type IdentityProvider, startIdentityProvider } from '../../demo/identity-provider.ts'
import { CLIENT_ID, CLIENT_SECRET } from '../../demo/idp/clients.ts'
import { until } from '../support/redis.ts'

const CALLBACK = 'http://auth.vestibule.localhost:8000/oauth2/callback'
const AFTER = 'http://auth.vestibule.localhost:8000/'

let idp: IdentityProvider

beforeAll(async () => {
  idp = await startIdentityProvider({
    clients: [{ redirectUris: [CALLBACK], postLogoutRedirectUris: [AFTER] }],
  })
})

afterAll(async () => {
  await idp.stop()
})

beforeEach(() => {
  idp.setBehaviour({})
  idp.resetCounts()
})

type Json = Readonly<Record<string, unknown>>

const readJson = async (response: Response): Promise<Json> => (await response.json()) as Json

const discovery = async (): Promise<Json> =>
  await readJson(await fetch(`${idp.issuer}/.well-known/openid-configuration`))

const post = async (path: string, body: Readonly<Record<string, string>>): Promise<Json> =>
  await readJson(
    await fetch(`${idp.issuer}${path}`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`${CLIENT_ID}:${CLIENT_SECRET}`)}` },
      body: new URLSearchParams(body),
    }),
  )

type SignIn = { readonly tokens: Json; readonly claims: Json; readonly pages: number }

/** The code flow with PAR and PKCE, as a browser and a client go through it. */
const signIn = async (
  person: string,
  browser = createBrowser(),
  extra: Readonly<Record<string, string>> = {},
): Promise<SignIn> => {
  const verifier = randomBytes(32).toString('base64url')
  const pushed = await post('/request', {
    client_id: CLIENT_ID,
    response_type: 'code',
    redirect_uri: CALLBACK,
    scope: 'openid email profile groups',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    ...extra,
  })
  const query = new URLSearchParams({
    client_id: CLIENT_ID,
    request_uri: String(pushed['request_uri']),
  })
  let stop = await browser.open(`${idp.issuer}/auth?${query.toString()}`, { before: CALLBACK })
  let pages = 0
  if (!stop.url.startsWith(CALLBACK)) {
    pages += 1
    expect(stop.body).toContain(`<button name="person" value="${person}">`)
    stop = await browser.open(stop.url, { before: CALLBACK, form: { person } })
  }
  const code = new URL(stop.url).searchParams.get('code') ?? ''
  const tokens = await post('/token', {
    grant_type: 'authorization_code',
    redirect_uri: CALLBACK,
    code_verifier: verifier,
    code,
  })
  return { tokens, claims: decodeJwt(String(tokens['id_token'])), pages }
}

const refresh = async ({ tokens }: SignIn): Promise<Json> =>
  await post('/token', {
    grant_type: 'refresh_token',
    refresh_token: String(tokens['refresh_token']),
  })

describe('discovery', () => {
  test('names what a careful client looks for', async () => {
    expect(await discovery()).toMatchObject({
      issuer: idp.issuer,
      code_challenge_methods_supported: ['S256'],
      authorization_response_iss_parameter_supported: true,
      pushed_authorization_request_endpoint: `${idp.issuer}/request`,
      end_session_endpoint: `${idp.issuer}/session/end`,
      backchannel_logout_supported: true,
      acr_values_supported: ['pwd', 'mfa'],
    })
  })
})

describe('a workload', () => {
  test('gets a JWT access token that verifies through the JWKS', async () => {
    const keys = createRemoteJWKSet(new URL(`${idp.issuer}/jwks`))
    const { payload } = await jwtVerify(await idp.workloadToken(), keys, {
      issuer: idp.issuer,
      audience: 'vestibule',
      typ: 'at+jwt',
      algorithms: ['ES256'],
    })
    expect(payload.sub).toBe('ci')
  })

  test('gets another audience when it names a resource', async () => {
    expect(decodeJwt(await idp.workloadToken('ci', 'https://api.test/')).aud).toBe(
      'https://api.test/',
    )
  })
})

describe('a person', () => {
  test('signs in with one click, and the ID token says who it is', async () => {
    const { claims, pages } = await signIn('alice')
    expect(pages).toBe(1)
    expect(claims).toMatchObject({
      iss: idp.issuer,
      aud: CLIENT_ID,
      sub: 'alice',
      email: 'alice@example.com',
      email_verified: true,
      groups: ['sre', 'platform'],
      preferred_username: 'alice',
      acr: 'pwd',
      auth_time: expect.any(Number),
    })
  })

  test('clicks once only; the next sign-in of the browser passes through', async () => {
    const browser = createBrowser()
    await signIn('bob', browser)
    expect((await signIn('bob', browser)).pages).toBe(0)
  })

  test('clicks again when a stronger sign-in is asked for', async () => {
    const browser = createBrowser()
    await signIn('bob', browser)
    const stronger = await signIn('bob', browser, { acr_values: 'mfa' })
    expect([stronger.pages, stronger.claims['acr']]).toEqual([1, 'mfa'])
    expect((await signIn('bob', browser, { acr_values: 'mfa' })).pages).toBe(0)
  })

  test('carries changed groups after the next refresh', async () => {
    const signedIn = await signIn('carol')
    idp.setGroups('carol', ['alumni'])
    const refreshed = await refresh(signedIn)
    expect(decodeJwt(String(refreshed['id_token']))['groups']).toEqual(['alumni'])
  })

  test('cannot refresh when disabled, nor with a refresh token that was used', async () => {
    const signedIn = await signIn('dana')
    expect(signedIn.claims['email_verified']).toBe(false)
    idp.setDisabled('dana', true)
    expect(await refresh(signedIn)).toMatchObject({ error: 'invalid_grant' })
    idp.setDisabled('dana', false)
    const again = await signIn('dana')
    expect(await refresh(again)).toHaveProperty('access_token')
    expect(await refresh(again)).toMatchObject({ error: 'invalid_grant' })
  })

  test('signs out with one click, and is asked who it is again', async () => {
    const browser = createBrowser()
    const { tokens } = await signIn('alice', browser)
    const query = new URLSearchParams({
      id_token_hint: String(tokens['id_token']),
      post_logout_redirect_uri: AFTER,
    })
    const page = await browser.open(`${idp.issuer}/session/end?${query.toString()}`)
    const xsrf = /name="xsrf" value="([^"]+)"/.exec(page.body)?.[1] ?? ''
    const form = { xsrf, logout: 'yes' }
    const left = await browser.open(`${idp.issuer}/session/end/confirm`, {
      before: AFTER,
      form,
    })
    expect(left.url).toBe(AFTER)
    expect((await signIn('alice', browser)).pages).toBe(1)
  })

  test('is asked again when an administrator ended the sessions', async () => {
    const browser = createBrowser()
    await signIn('bob', browser)
    expect(idp.endSessions('bob')).toBeGreaterThan(0)
    expect((await signIn('bob', browser)).pages).toBe(1)
  })
})

describe('test handles', () => {
  test('issueToken signs any claims, truly or forged', async () => {
    const keys = createRemoteJWKSet(new URL(`${idp.issuer}/jwks`))
    const header = { typ: 'logout+jwt' }
    const token = await idp.issueToken({ sub: 'alice', exp: undefined }, { header })
    const { payload, protectedHeader } = await jwtVerify(token, keys)
    expect(protectedHeader.typ).toBe('logout+jwt')
    expect([payload.sub, payload.exp, payload.iss]).toEqual(['alice', undefined, idp.issuer])
    const forged = await idp.issueToken({ sub: 'alice' }, { forged: true })
    await expect(jwtVerify(forged, keys)).rejects.toThrow('signature verification failed')
  })

  test('setBehaviour breaks some endpoints, and count says who asked', async () => {
    idp.setBehaviour({ status: 503, paths: ['/jwks'] })
    expect((await fetch(`${idp.issuer}/jwks`)).status).toBe(503)
    expect((await discovery())['issuer']).toBe(idp.issuer)
    idp.setBehaviour({ hangUp: true })
    await expect(fetch(`${idp.issuer}/jwks`)).rejects.toThrow('fetch failed')
    idp.setBehaviour({ delayMilliseconds: 60_000 })
    const leaving = new AbortController()
    const leave = async (): Promise<void> => {
      await until('the question to arrive', () => idp.count('/jwks') === 3)
      leaving.abort()
    }
    const waiting = fetch(`${idp.issuer}/jwks`, { signal: leaving.signal })
    await Promise.all([expect(waiting).rejects.toThrow('aborted'), leave()])
    expect([idp.count('/jwks'), idp.count('/.well-known/openid-configuration')]).toEqual([3, 1])
  })

  test('rotateKeys signs with a new key, and keeps sessions', async () => {
    const browser = createBrowser()
    await signIn('alice', browser)
    const before = await idp.workloadToken()
    await idp.rotateKeys()
    const keys = createRemoteJWKSet(new URL(`${idp.issuer}/jwks`))
    await jwtVerify(before, keys)
    await idp.rotateKeys({ keepOld: false })
    const fresh = createRemoteJWKSet(new URL(`${idp.issuer}/jwks`))
    await expect(jwtVerify(before, fresh)).rejects.toThrow('no applicable key')
    await jwtVerify(await idp.workloadToken(), fresh)
    expect((await signIn('alice', browser)).pages).toBe(0)
  })
})
