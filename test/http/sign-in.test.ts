import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { type IdentityProvider } from '../../demo/identity-provider.ts'
import { headerOf } from '../support/raw-http.ts'
import { askPublic, providerSettings, signIn, startProvider } from '../support/sign-in.ts'
import { askVerify } from '../support/verify-request.ts'
import { startVestibule, type Vestibule } from '../support/vestibule.ts'

const POLICY = `
hosts: [app.test]
policy:
  - allow: { and: [ { groups: { has: sre } } ] }
`

describe('signing in', () => {
  let idp: IdentityProvider
  let vestibule: Vestibule

  beforeAll(async () => {
    idp = await startProvider()
    vestibule = await startVestibule({ policies: { 'app.yaml': POLICY }, ...providerSettings(idp) })
  })
  afterAll(async () => {
    await vestibule.stop()
    await idp.stop()
  })

  test('lands where it wanted, with one cookie, and passes', async () => {
    const { reply, sessionCookie } = await signIn(vestibule, 'alice', {
      rd: 'https://app.test/x?y=1',
    })
    expect(reply.status).toBe(302)
    expect(reply.location).toBe('https://app.test/x?y=1')
    expect(reply.setCookies).toHaveLength(1)
    expect(reply.setCookies[0]).toMatch(
      /^__Secure-vestibule=[A-Za-z0-9_-]{43}; Max-Age=86400; Domain=test; Path=\/; Expires=[^;]+; HttpOnly; Secure; SameSite=Lax$/,
    )
    const answer = await askVerify(vestibule.verifyPort, { cookie: sessionCookie })
    expect(answer.status).toBe(200)
    expect(headerOf(answer, 'x-auth-request-user')).toBe('alice')
    expect(headerOf(answer, 'x-auth-request-email')).toBe('alice@example.com')
    expect(headerOf(answer, 'x-auth-request-preferred-username')).toBe('alice')
    expect(headerOf(answer, 'x-auth-request-groups')).toBe('sre')
    expect(headerOf(answer, 'x-auth-request-actor')).toBe('human')
  })

  test('gives the application an assertion that it can verify by the published keys', async () => {
    const { sessionCookie } = await signIn(vestibule, 'alice')
    const answer = await askVerify(vestibule.verifyPort, { cookie: sessionCookie })
    const keys = createRemoteJWKSet(
      new URL(`http://127.0.0.1:${vestibule.publicPort}/.well-known/jwks.json`),
    )
    const { payload } = await jwtVerify(headerOf(answer, 'x-vestibule-assertion') ?? '', keys, {
      issuer: 'https://auth.test',
      audience: 'app.test',
      algorithms: ['ES256'],
    })
    expect(payload).toMatchObject({
      sub: 'alice',
      email: 'alice@example.com',
      groups: ['sre'],
      actor: 'human',
    })
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(300)
  })

  test('denies somebody of the wrong group with 403, not 401', async () => {
    const { sessionCookie } = await signIn(vestibule, 'bob')
    const answer = await askVerify(vestibule.verifyPort, { cookie: sessionCookie })
    expect([answer.status, headerOf(answer, 'x-vestibule-reason')]).toEqual([
      403,
      'no_rule_matched',
    ])
  })

  test('tells who is signed in', async () => {
    const { sessionCookie } = await signIn(vestibule, 'alice')
    const reply = await askPublic(vestibule, '/oauth2/userinfo', { cookies: [sessionCookie] })
    expect(JSON.parse(reply.body)).toEqual({
      user: 'alice',
      email: 'alice@example.com',
      groups: ['sre', 'platform'],
      preferredUsername: 'alice',
      actor: 'human',
      session: { createdAt: expect.any(String), expiresAt: expect.any(String) },
    })
    expect((await askPublic(vestibule, '/oauth2/userinfo')).status).toBe(401)
  })

  test('signs out here and at the provider', async () => {
    const { sessionCookie } = await signIn(vestibule, 'alice')
    const reply = await askPublic(vestibule, '/oauth2/sign_out?rd=https://app.test/bye', {
      cookies: [sessionCookie],
    })
    expect(reply.status).toBe(302)
    expect(reply.setCookies[0]).toMatch(
      /^__Secure-vestibule=; Domain=test; Path=\/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; Secure; SameSite=Lax$/,
    )
    const url = new URL(reply.location ?? '')
    expect(url.origin).toBe(idp.issuer)
    expect(url.searchParams.get('post_logout_redirect_uri')).toBe(
      'https://auth.test/oauth2/signed_out',
    )
    expect(url.searchParams.get('id_token_hint')).toMatch(/^ey/)
    const back = await askPublic(
      vestibule,
      `/oauth2/signed_out?state=${url.searchParams.get('state') ?? ''}`,
    )
    expect(back.location).toBe('https://app.test/bye')
    expect((await askVerify(vestibule.verifyPort, { cookie: sessionCookie })).status).toBe(401)
  })

  test('answers an XHR with 401 JSON instead of a redirect', async () => {
    const reply = await askPublic(vestibule, '/oauth2/start?rd=/', {
      headers: { accept: 'text/html', 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' },
    })
    expect(reply.status).toBe(401)
    expect(reply.location).toBeUndefined()
    expect(JSON.parse(reply.body)).toMatchObject({ error: 'not_signed_in' })
  })
})
