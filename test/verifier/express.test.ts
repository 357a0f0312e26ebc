import { type Server } from 'node:http'
import { type AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals'
import express from 'express'
import { importJWK, SignJWT } from 'jose'
import { ask } from '../../demo/http-client.ts'
import {
  generateAssertionJwk,
  parseAssertionKeys,
} from '../../src/edge/assertion/assertion-keys.ts'
import { requireAssertion } from '../../src/verifier/express.ts'
import { type Proxied, request, startProxied } from '../attacks/support-requests-proxy.ts'
import { PUBLIC_ORIGIN } from '../support/sign-in.ts'

jest.setTimeout(30_000)

type Jwk = Awaited<ReturnType<typeof generateAssertionJwk>>

let proxied: Proxied
let backEnd: Server
let address: string
/** The key that signs, one that was withdrawn, and one that nobody knows. */
let key: Jwk
let retired: Jwk
let foreign: Jwk
/** The assertion that came with the last request. */
let assertion = ''

const listen = (app: express.Express): Promise<Server> =>
  new Promise((resolve) => {
    const server = app.listen(0, '127.0.0.1', () => resolve(server))
  })

const addressOf = (server: Server): string => `127.0.0.1:${(server.address() as AddressInfo).port}`

beforeAll(async () => {
  key = await generateAssertionJwk()
  retired = await generateAssertionJwk()
  foreign = await generateAssertionJwk()
  let jwksUrl = ''
  const app = express()
  app.use((incoming, _response, next) => {
    assertion = incoming.get('X-Vestibule-Assertion') ?? ''
    next()
  })
  app.use((incoming, response, next) => {
    // Where the keys are is known once Vestibule listens.
    const guard = (guards[jwksUrl] ??= requireAssertion({
      issuer: PUBLIC_ORIGIN,
      audience: 'app.test',
      jwksUrl,
    }))
    void guard(incoming, response, next)
  })
  app.use((_incoming, response) => {
    response.json(response.locals['caller'])
  })
  const guards: Record<string, ReturnType<typeof requireAssertion>> = {}
  backEnd = await listen(app)
  address = addressOf(backEnd)
  proxied = await startProxied(
    { services: { web: address, admin: address } },
    { environment: { VESTIBULE_ASSERTION_KEYS: JSON.stringify({ keys: [key] }) } },
  )
  jwksUrl = `http://${proxied.world.vestibule.addresses.public}/.well-known/jwks.json`
})
afterAll(async () => {
  await proxied.stop()
  backEnd.closeAllConnections()
  backEnd.close()
})
beforeEach(() => {
  assertion = ''
})

const throughNginx = async (
  host: string,
  lines: readonly string[] = [],
): Promise<readonly [number, string]> => {
  const { answer } = await proxied.send(request('/x', host, lines))
  return [answer.status, assertion]
}

const direct = async (token: string | undefined): Promise<number> => {
  const headers = token === undefined ? {} : { 'x-vestibule-assertion': token }
  return (await ask(`http://${address}/x`, { headers })).status
}

type Signing = {
  readonly by?: Jwk
  /** Of the key that the header names. */
  readonly named?: Jwk
  readonly claims?: Readonly<Record<string, unknown>>
  readonly header?: Readonly<Record<string, unknown>>
}

/** An assertion such as Vestibule would sign, but for what is changed. */
const signed = async ({ by = key, named = by, claims = {}, header = {} }: Signing = {}) => {
  const keys = await parseAssertionKeys(JSON.stringify({ keys: [named] }))
  if (!keys.ok) throw new Error('no key')
  const now = Math.floor(Date.now() / 1000)
  return await new SignJWT({
    iss: PUBLIC_ORIGIN,
    aud: 'app.test',
    sub: 'alice',
    iat: now,
    exp: now + 300,
    jti: crypto.randomUUID(),
    groups: [],
    actor: 'human',
    ...claims,
  })
    .setProtectedHeader({ alg: 'ES256', kid: keys.value[0].kid, typ: 'JWT', ...header })
    .sign(await importJWK(by, 'ES256'))
}

describe('a back end that knows nothing but the published keys', () => {
  test('accepts what comes through nginx, and learns who it is', async () => {
    const cookie = `Cookie: ${proxied.world.cookies.alice}`
    const { answer } = await proxied.send(request('/x', 'app.test', [cookie]))
    expect(answer.status).toBe(200)
    const again = await ask(`http://${address}/x`, {
      headers: { 'x-vestibule-assertion': assertion },
    })
    expect(JSON.parse(again.body)).toMatchObject({
      subject: 'alice',
      email: 'alice@example.test',
      groups: [],
      actor: 'human',
    })
  })

  test('refuses what did not pass nginx, and what clients make up', async () => {
    expect(await direct(undefined)).toBe(401)
    expect(await direct('')).toBe(401)
    const [status, told] = await throughNginx('app.test', [
      `Cookie: ${proxied.world.cookies.alice}`,
      `X-Vestibule-Assertion: ${await signed({ by: foreign, claims: { sub: 'root' } })}`,
    ])
    expect(status).toBe(200)
    expect(JSON.parse(Buffer.from(told.split('.')[1] ?? '', 'base64url').toString())).toMatchObject(
      {
        sub: 'alice',
      },
    )
  })

  test('refuses a genuine one of another host', async () => {
    const [status, ofAdmin] = await throughNginx('admin.test', [
      `Cookie: ${proxied.world.cookies.root}`,
    ])
    // It came through nginx, to a back end that is another one: this one does not want it.
    expect([status, ofAdmin.split('.').length]).toEqual([401, 3])
    expect(await direct(ofAdmin)).toBe(401)
  })

  const now = Math.floor(Date.now() / 1000)

  test.each<readonly [string, () => Signing, number]>([
    ['that is right', () => ({}), 200],
    ['that is expired', () => ({ claims: { iat: now - 310, exp: now - 10 } }), 401],
    ['that is to live for a day', () => ({ claims: { iat: now - 3600, exp: now + 86_400 } }), 401],
    ['without an end', () => ({ claims: { exp: undefined } }), 401],
    ['that is forged under the name of the key', () => ({ by: foreign, named: key }), 401],
    ['of a key that nobody knows', () => ({ by: foreign }), 401],
    ['of a key that was withdrawn', () => ({ by: retired }), 401],
    ['of another issuer', () => ({ claims: { iss: 'https://auth.evil.test' } }), 401],
    ['for two hosts', () => ({ claims: { aud: ['app.test', 'admin.test'] } }), 401],
    ['for no host', () => ({ claims: { aud: undefined } }), 401],
    ['of nobody', () => ({ claims: { sub: undefined } }), 401],
    ['of an unknown kind of caller', () => ({ claims: { actor: 'root' } }), 401],
    ['whose groups are text', () => ({ claims: { groups: 'admins' } }), 401],
    ['whose groups are missing', () => ({ claims: { groups: undefined } }), 401],
    ['whose act is odd', () => ({ claims: { act: 'agent' } }), 401],
    ['of another type', () => ({ header: { typ: 'at+jwt' } }), 401],
    ['with a crit', () => ({ header: { crit: ['x'], x: 1 } }), 401],
  ])('answers an assertion %s with the right status', async (_what, signing, status) => {
    const made = await signed(signing()).catch(() => 'cannot be made')
    expect(await direct(made)).toBe(status)
  })

  test.each(['x', 'a.b.c', 'null', 'x'.repeat(5000), 'eyJhbGciOiJub25lIn0.e30.'])(
    'refuses %.20s',
    async (text) => {
      expect(await direct(text)).toBe(401)
    },
  )

  test('refuses two at once', async () => {
    const good = await signed()
    const reply = await ask(`http://${address}/x`, {
      headers: { 'X-Vestibule-Assertion': `${good}, ${good}` },
    })
    expect(reply.status).toBe(401)
  })
})

test('answers 503 where the keys cannot be fetched', async () => {
  const app = express()
  app.use(
    requireAssertion({
      issuer: PUBLIC_ORIGIN,
      audience: 'app.test',
      jwksUrl: 'http://127.0.0.1:1/',
    }),
  )
  const server = await listen(app)
  const { status } = await ask(`http://${addressOf(server)}/`, {
    headers: { 'x-vestibule-assertion': await signed() },
  })
  server.close()
  expect(status).toBe(503)
})

test('with allowAnonymous lets nobody in as somebody', async () => {
  const app = express()
  const jwksUrl = `http://${proxied.world.vestibule.addresses.public}/.well-known/jwks.json`
  app.use(
    requireAssertion({
      issuer: PUBLIC_ORIGIN,
      audience: 'app.test',
      jwksUrl,
      allowAnonymous: true,
    }),
  )
  app.use((_request, response) => {
    const caller: unknown = response.locals['caller'] ?? null
    response.json({ caller })
  })
  const server = await listen(app)
  const open = async (headers: Readonly<Record<string, string>>) =>
    await ask(`http://${addressOf(server)}/`, { headers })
  expect((await open({})).body).toBe('{"caller":null}')
  expect((await open({ 'x-vestibule-assertion': 'a.b.c' })).status).toBe(401)
  server.closeAllConnections()
  server.close()
})
