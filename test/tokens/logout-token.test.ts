import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import { ok } from '../../src/core/result.ts'
import { createKeySet } from '../../src/edge/tokens/key-set.ts'
import { remoteKeys } from '../../src/edge/tokens/key-sources.ts'
import { createLogoutTokenVerifier } from '../../src/edge/tokens/logout-token.ts'

const ISSUER = 'https://idp.test'
const NOW = 1_800_000_000
const COOL_DOWN_MS = 30_000

let key: CryptoKey
let jwk: JWK
/** What the key server answers; undefined: nothing. */
let published: readonly JWK[] | undefined
let fetches: number
let nowMs: number

beforeAll(async () => {
  const pair = await generateKeyPair('ES256', { extractable: true })
  key = pair.privateKey
  jwk = { ...(await exportJWK(pair.publicKey)), alg: 'ES256' }
})

beforeEach(() => {
  published = [{ ...jwk, kid: 'old' }]
  fetches = 0
  nowMs = NOW * 1000
})

const verifier = () =>
  createLogoutTokenVerifier({
    issuer: ISSUER,
    clientId: 'vestibule',
    allowUntyped: false,
    allowWithoutExpiry: false,
    algorithms: () => Promise.resolve(ok(['ES256'])),
    keys: createKeySet({
      load: remoteKeys({
        issuer: ISSUER,
        jwksUri: `${ISSUER}/jwks`,
        use: 'sig',
        fetch: () => {
          fetches += 1
          return Promise.resolve(
            published === undefined
              ? new Response('', { status: 500 })
              : Response.json({ keys: published }),
          )
        },
      }),
      nowMs: () => nowMs,
      onFailure: () => undefined,
    }),
    nowSeconds: () => nowMs / 1000,
  })

const tokenBy = async (kid: string): Promise<string> =>
  await new SignJWT({
    iss: ISSUER,
    aud: 'vestibule',
    iat: nowMs / 1000,
    exp: nowMs / 1000 + 60,
    jti: crypto.randomUUID(),
    sid: 'home',
    events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
  })
    .setProtectedHeader({ alg: 'ES256', typ: 'logout+jwt', kid })
    .sign(key)

describe('keys of logout tokens', () => {
  test('a key that is not known is looked for, once', async () => {
    const verify = verifier()
    expect((await verify(await tokenBy('old'))).ok).toBe(true)
    nowMs += COOL_DOWN_MS
    published = [{ ...jwk, kid: 'new' }]
    expect((await verify(await tokenBy('new'))).ok).toBe(true)
    expect(await verify(await tokenBy('newer'))).toEqual({ ok: false, failure: 'signature' })
    expect(fetches).toBe(2)
  })

  test('B20 while it cannot be looked for, nobody says that it is none', async () => {
    const verify = verifier()
    expect((await verify(await tokenBy('old'))).ok).toBe(true)
    nowMs += COOL_DOWN_MS
    published = undefined
    for (let tries = 0; tries < 3; tries += 1) {
      expect(await verify(await tokenBy('new'))).toEqual({ ok: false, failure: 'unreachable' })
    }
    expect((await verify(await tokenBy('old'))).ok).toBe(true)
    expect(fetches).toBe(2)
    nowMs += COOL_DOWN_MS
    published = [{ ...jwk, kid: 'new' }]
    expect((await verify(await tokenBy('new'))).ok).toBe(true)
  })

  test('without any there is no verdict', async () => {
    published = undefined
    expect(await verifier()(await tokenBy('old'))).toEqual({ ok: false, failure: 'unreachable' })
  })
})
