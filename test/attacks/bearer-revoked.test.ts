import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { type Redis, startRedis } from '../../demo/redis.ts'
import { longestLifeMs } from '../../src/service/sessions.ts'
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
const TOLERANCE_SECONDS = 1
// The file repeats lists, so each has to be one of its own: it takes no aliases.
const common = () => ({
  audiences: ['api'],
  algorithms: ['ES256'],
  clockTolerance: `${TOLERANCE_SECONDS}s`,
})

let redis: Redis
let issuer: IssuerServer
/** Of agents who act for people; it names people by a claim other than `sub`. */
let agents: IssuerServer
let replicas: readonly Vestibule[]

beforeAll(async () => {
  redis = await startRedis()
  issuer = await startIssuer()
  agents = await startIssuer()
  for (const each of [issuer, agents]) each.publish({ keys: [publicJwk(key)] })
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
            { name: 'ci', issuer: issuer.url, ...common() },
            {
              name: 'agents',
              issuer: agents.url,
              ...common(),
              actor: 'agent',
              claims: { subject: 'oid' },
            },
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
  await until(async () =>
    (await outcomes(delegated('warm', 'warm'))).every((each) => each === ALLOWED),
  )
  await issuer.stop()
  await agents.stop()
})
afterAll(async () => {
  for (const replica of replicas) await replica.stop()
  await issuer.stop()
  await agents.stop()
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

/** Of an agent that acts for a person: both are called so, and the person has an `oid` besides. */
const delegated = (agent: string, person: string, issuedAt = nowSeconds()): string =>
  tokenOf(`pairwise-${person}`, issuedAt, {
    iss: agents.url,
    oid: person,
    act: { sub: agent },
  })

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

/** A token of now passes as soon as it cannot be one of before the last order any more. */
const fresh = async (mint: () => string): Promise<string> => {
  let token = ''
  await until(async () => {
    token = mint()
    return (await outcomes(token)).every((each) => each === ALLOWED)
  })
  return token
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
    const [token, bystander] = [tokenOf('deploy', now - 10), tokenOf('build', now - 10)]
    for (const each of [token, bystander]) {
      expect(await outcomes(each)).toEqual([ALLOWED, ALLOWED])
    }
    await revoke('subject=ci/deploy')
    await expectRevoked(token)
    // One that nobody has seen yet, and that is as old, gets no further.
    expect(await outcomes(tokenOf('deploy', now - 9))).toEqual([REVOKED, REVOKED])
    expect(await outcomes(bystander)).toEqual([ALLOWED, ALLOWED])
    await fresh(() => tokenOf('deploy', nowSeconds()))
  })

  test('is refused, too, where the clock of its issuer is ahead', async () => {
    const ahead = tokenOf('ahead', nowSeconds() + TOLERANCE_SECONDS)
    expect(await outcomes(ahead)).toEqual([ALLOWED, ALLOWED])
    await revoke('subject=ci/ahead')
    await expectRevoked(ahead)
  })

  test('is refused by the name that the log shows, and by that which the issuer uses', async () => {
    for (const [person, order] of [
      ['shown', 'agents/shown'],
      ['used', 'agents/pairwise-used'],
    ] as const) {
      const token = tokenOf(`pairwise-${person}`, nowSeconds(), { iss: agents.url, oid: person })
      expect(await outcomes(token)).toEqual([ALLOWED, ALLOWED])
      await revoke(`subject=${order}`)
      await expectRevoked(token)
    }
  })

  test('of an agent that acts for somebody ends with the agent, and with the person', async () => {
    const [stopped, left, neither] = [
      delegated('stopped', 'ada'),
      delegated('helper', 'left'),
      delegated('helper', 'ada'),
    ]
    for (const each of [stopped, left, neither]) {
      expect(await outcomes(each)).toEqual([ALLOWED, ALLOWED])
    }
    await revoke('subject=agents/stopped')
    await expectRevoked(stopped)
    await revoke('subject=agents/left')
    await expectRevoked(left)
    expect(await outcomes(neither)).toEqual([ALLOWED, ALLOWED])
    // It is as old as the token says, and not as `act`, which says nothing of it.
    await fresh(() => delegated('stopped', 'left'))
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
    const [old, young] = [tokenOf('a', now - 120), tokenOf('a', now)]
    for (const each of [old, young]) expect(await outcomes(each)).toEqual([ALLOWED, ALLOWED])
    await revoke(`before=${new Date((now - 60) * 1000).toISOString()}`)
    await expectRevoked(old)
    expect(await outcomes(young)).toEqual([ALLOWED, ALLOWED])
    await revoke('all=true')
    await expectRevoked(tokenOf('b', now - 1))
    await expectRevoked(young)
    await fresh(() => tokenOf('a', nowSeconds()))
  })

  test('stays refused for as long as it may be good, by whatever clock', () => {
    const [maxLifetime, clockTolerance] = [60_000, 300_000]
    const issuers = [{ maxLifetime, clockTolerance }]
    const remembered = longestLifeMs({ session: { absolute: 60_000 }, tokenIssuers: issuers })
    // Ordered now, of an issuer that is ahead, and taken with the tolerance after its end.
    expect(remembered).toBeGreaterThanOrEqual(clockTolerance + maxLifetime + clockTolerance)
  })

  test('costs no command of the store, good or revoked', async () => {
    const client = openStore(redis)
    try {
      const good = await fresh(() => tokenOf('cheap', nowSeconds()))
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
