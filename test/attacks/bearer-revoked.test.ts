import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { type Redis, startRedis } from '../../demo/redis.ts'
import { headerOf } from '../support/raw-http.ts'
import { commandCounts } from '../support/redis.ts'
import { askVerify } from '../support/verify-request.ts'
import { startVestibule, type Vestibule } from '../support/vestibule.ts'
import { type IssuerServer, startIssuer } from '../tokens/support-tokens.ts'
import { createKey, encode, nowSeconds, publicJwk, signText } from './support-bearer.ts'
import { isReady, newKey, openStore, until } from './support-replicas.ts'

/*
 * T40, T41: what was ended is refused however well a token is remembered. Both replicas have
 * verified the token before, and its issuer is gone: nothing but the memory of it could answer.
 */

jest.setTimeout(60_000)

const ADMIN = 'an-admin-token-CANARY-0123456789'
const key = createKey('es', 'ES256')

let redis: Redis
let issuer: IssuerServer
let replicas: readonly Vestibule[]

beforeAll(async () => {
  redis = await startRedis()
  issuer = await startIssuer()
  issuer.publish({ keys: [publicJwk(key)] })
  const ring = newKey()
  replicas = await Promise.all(
    [1, 2].map(async () => {
      const replica = await startVestibule({
        policies: {
          'app.yaml':
            'hosts: [app.test]\npolicy: [ { allow: { and: [ { authenticated_user: true } ] } } ]\n',
        },
        config: {
          session: { store: redis.url, keysFile: './session-keys', storeTimeout: '500ms' },
          tokenIssuers: [
            { name: 'ci', issuer: issuer.url, audiences: ['api'], algorithms: ['ES256'] },
          ],
        },
        environment: { VESTIBULE_ADMIN_TOKEN: ADMIN },
        files: { 'session-keys': `${ring}\n` },
      })
      await until(async () => await isReady(replica))
      return replica
    }),
  )
  const warm = tokenOf('warm', nowSeconds())
  await until(async () => (await outcomes(warm)).every((each) => each === ALLOWED))
  await issuer.stop()
})
afterAll(async () => {
  for (const replica of replicas) await replica.stop()
  await issuer.stop()
  await redis.stop()
})

const ALLOWED = '200 rule_matched'
const REVOKED = '401 revoked_token'

const tokenOf = (sub: string, issuedAt: number, claims: object = {}): string => {
  const payload = {
    iss: issuer.url,
    sub,
    aud: 'api',
    iat: issuedAt,
    exp: issuedAt + 600,
    ...claims,
  }
  const input = `${encode({ alg: 'ES256', kid: 'es', typ: 'JWT' })}.${encode(payload)}`
  return `${input}.${signText(input, key)}`
}

const outcomes = async (token: string): Promise<readonly string[]> =>
  await Promise.all(
    replicas.map(async ({ verifyPort }) => {
      const answer = await askVerify(verifyPort, { authorization: `Bearer ${token}` })
      return `${answer.status} ${headerOf(answer, 'x-vestibule-reason') ?? ''}`
    }),
  )

/** Asked at the first replica; the other one has to hear of it. */
const revoke = async (query: string): Promise<void> => {
  const response = await fetch(
    `http://127.0.0.1:${replicas[0]?.opsPort ?? 0}/admin/sessions?${query}`,
    { method: 'DELETE', headers: { authorization: `Bearer ${ADMIN}` } },
  )
  expect(response.status).toBe(200)
}

/** From the first refusal on, none lets it pass again. */
const expectRevoked = async (token: string): Promise<void> => {
  // Where the order was given it holds with its answer.
  expect((await outcomes(token))[0]).toBe(REVOKED)
  await until(async () => (await outcomes(token)).every((each) => each === REVOKED))
  for (let count = 0; count < 10; count += 1) {
    expect(await outcomes(token)).toEqual([REVOKED, REVOKED])
  }
}

describe('T41 a token that both replicas remember', () => {
  test('T44 of somebody whose account is gone is good until it expires, or until an order', async () => {
    // Its issuer does not answer any more, and a signature cannot tell.
    const now = nowSeconds()
    const [lasting, brief] = [
      tokenOf('left', now - 10),
      tokenOf('left', now - 600, { exp: now - 31 }),
    ]
    expect(await outcomes(lasting)).toEqual([ALLOWED, ALLOWED])
    expect(await outcomes(brief)).toEqual(['401 expired_token', '401 expired_token'])
    await revoke('subject=ci/left')
    await expectRevoked(lasting)
  })

  test('is refused once its subject was revoked; others, and later ones, are not', async () => {
    const now = nowSeconds()
    const [token, bystander, later] = [
      tokenOf('deploy', now - 10),
      tokenOf('build', now - 10),
      tokenOf('deploy', now + 20),
    ]
    for (const each of [token, bystander, later]) {
      expect(await outcomes(each)).toEqual([ALLOWED, ALLOWED])
    }
    await revoke('subject=ci/deploy')
    await expectRevoked(token)
    // One that nobody has seen yet, and that is as old, gets no further.
    expect(await outcomes(tokenOf('deploy', now - 9))).toEqual([REVOKED, REVOKED])
    for (const each of [bystander, later]) {
      expect(await outcomes(each)).toEqual([ALLOWED, ALLOWED])
    }
  })

  test('T40 is refused under each of its spellings, and by no trick with its claims', async () => {
    const now = nowSeconds()
    const token = tokenOf('spelt', now - 10)
    expect(await outcomes(token)).toEqual([ALLOWED, ALLOWED])
    await revoke('subject=ci/spelt')
    await expectRevoked(token)
    for (const other of [
      `${token}=`,
      tokenOf('spelt', now - 10, { jti: 'another' }),
      tokenOf('spelt', now - 10, { nbf: now - 1 }),
      tokenOf('spelt', now - 10, { auth_time: now + 20 }),
    ]) {
      for (const outcome of await outcomes(other)) expect(outcome.slice(0, 3)).toBe('401')
    }
  })

  test('of before a moment, and of whenever, is refused', async () => {
    const now = nowSeconds()
    const [old, young] = [tokenOf('a', now - 120), tokenOf('a', now + 20)]
    for (const each of [old, young]) expect(await outcomes(each)).toEqual([ALLOWED, ALLOWED])
    await revoke(`before=${new Date((now - 60) * 1000).toISOString()}`)
    await expectRevoked(old)
    expect(await outcomes(young)).toEqual([ALLOWED, ALLOWED])
    await revoke('all=true')
    await expectRevoked(tokenOf('b', now - 1))
    expect(await outcomes(young)).toEqual([ALLOWED, ALLOWED])
  })

  test('costs no command of the store, good or revoked', async () => {
    const client = openStore(redis)
    try {
      const good = tokenOf('cheap', nowSeconds() + 20)
      const bad = tokenOf('spelt', nowSeconds() - 100)
      for (const each of [good, bad]) await outcomes(each)
      const before = await commandCounts(client)
      for (let count = 0; count < 50; count += 1) {
        expect(await outcomes(good)).toEqual([ALLOWED, ALLOWED])
        expect(await outcomes(bad)).toEqual([REVOKED, REVOKED])
      }
      expect(await commandCounts(client)).toEqual(before)
    } finally {
      client.disconnect()
    }
  })
})
