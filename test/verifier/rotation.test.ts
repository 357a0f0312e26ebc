import { createServer, type Server } from 'node:http'
import { type AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { epochSeconds, parseSessionKey } from '../../src/core/ids.ts'
import {
  type AssertionAlgorithm,
  type AssertionKeys,
  generateAssertionJwk,
  parseAssertionKeys,
  randomAssertionKeys,
} from '../../src/edge/assertion/assertion-keys.ts'
import { createAssertionSigner } from '../../src/edge/assertion/assertion-signer.ts'
import { type AssertionSigner } from '../../src/flow/ports.ts'
import {
  createAssertionVerifier,
  type Verification,
} from '../../src/verifier/assertion-verifier.ts'
import { host } from '../support/policies.ts'

let keys: AssertionKeys
let server: Server
let jwksUrl: string
let now = 0

beforeEach(() => {
  now = Math.floor(Date.now() / 1000)
})

beforeAll(async () => {
  keys = await randomAssertionKeys()
  server = createServer((_request, response) => {
    response
      .writeHead(200, { 'content-type': 'application/json' })
      .end(JSON.stringify({ keys: keys.map(({ publicJwk }) => publicJwk) }))
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  jwksUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

const ISSUER = 'https://auth.test'

const signer = (algorithm: AssertionAlgorithm = 'ES256'): AssertionSigner =>
  createAssertionSigner({
    keys: () => keys,
    algorithm,
    issuer: ISSUER,
    lifetimeSeconds: 300,
    now: () => epochSeconds(now),
  })

const about = (subject: string, endsAt?: number): Parameters<AssertionSigner>[0] => ({
  host: host('app.test'),
  identity: {
    subject,
    email: '',
    preferredUsername: '',
    groups: ['sre'],
    actor: 'human',
    agent: '',
  },
  sessionKey: undefined,
  policyVersion: '1',
  endsAt: endsAt === undefined ? undefined : epochSeconds(endsAt),
})

describe('keys that are rotated under load', () => {
  test('nobody is refused, and afterwards the retired key counts no more', async () => {
    const sign = signer()
    const verify = createAssertionVerifier({
      issuer: ISSUER,
      audience: 'app.test',
      jwksUrl,
      cooldownSeconds: 0,
    })
    const [old] = keys
    const [fresh] = await randomAssertionKeys()
    const burst = (phase: string): readonly Promise<Verification>[] =>
      Array.from(
        { length: 200 },
        async (_each, index) => await verify(await sign(about(`${phase}/${index}`))),
      )
    const verdicts = await Promise.all(burst('before'))
    const last = await sign(about('last of the old key'))
    const steps: readonly AssertionKeys[] = [[old, fresh], [fresh, old], [fresh]]
    for (const [step, next] of steps.entries()) {
      // The first half is under way while the keys change.
      const running = burst(`${step} during`)
      keys = next
      verdicts.push(...(await Promise.all([...running, ...burst(`${step} after`)])))
    }
    expect(verdicts).toHaveLength(1400)
    expect(verdicts.filter(({ ok }) => !ok)).toEqual([])
    expect(decodeProtectedHeader(await sign(about('x'))).kid).toBe(fresh.kid)
    const later = createAssertionVerifier({ issuer: ISSUER, audience: 'app.test', jwksUrl })
    expect(await later(last)).toEqual({ ok: false, failure: 'refused' })
  })

  test('one is enough for many requests of one identity', async () => {
    const sign = signer()
    const alice = about('alice', now + 3600)
    const all = await Promise.all(Array.from({ length: 50 }, async () => await sign(alice)))
    expect(new Set(all).size).toBe(1)
    now += 29
    expect(await sign(alice)).toBe(all[0])
    now += 2
    expect(await sign(alice)).not.toBe(all[0])
  })

  test('is never sent for another host, session or policy version', async () => {
    const sign = signer()
    const alice = about('alice', now + 3600)
    const first = await sign(alice)
    const session = parseSessionKey('A'.repeat(43))
    for (const change of [
      { host: host('two.test') },
      { sessionKey: session },
      { policyVersion: '2' },
    ]) {
      const other = decodeJwt(await sign({ ...alice, ...change }))
      expect([other.aud, other['sid'], other['policy_version']]).toEqual([
        change.host ?? 'app.test',
        change.sessionKey,
        change.policyVersion ?? '1',
      ])
      await sign(alice)
    }
    expect(decodeJwt(first).aud).toBe('app.test')
  })

  test('never lives longer than the session or token that it tells of', async () => {
    const sign = signer()
    const long = decodeJwt(await sign(about('bob', now + 3600)))
    expect((long.exp ?? 0) - (long.iat ?? 0)).toBe(300)
    expect(decodeJwt(await sign(about('bob', now + 40))).exp).toBe(now + 40)
    expect(decodeJwt(await sign(about('carol', now + 7))).exp).toBe(now + 7)
  })

  test('may be RSA where the configuration asks for it, and verify just so', async () => {
    const set = { keys: [await generateAssertionJwk('ES256'), await generateAssertionJwk('RS256')] }
    const read = await parseAssertionKeys(JSON.stringify(set), 'RS256')
    if (!read.ok) throw new Error(read.failure.problem)
    keys = read.value
    const text = await signer('RS256')(about('alice'))
    expect(decodeProtectedHeader(text).alg).toBe('RS256')
    const verify = createAssertionVerifier({ issuer: ISSUER, audience: 'app.test', jwksUrl })
    expect(await verify(text)).toMatchObject({ ok: true, caller: { subject: 'alice' } })
    const short = createAssertionVerifier({
      issuer: ISSUER,
      audience: 'app.test',
      jwksUrl,
      algorithms: ['ES256'],
    })
    expect(await short(text)).toEqual({ ok: false, failure: 'refused' })
    expect(JSON.stringify(keys.map(({ publicJwk }) => publicJwk))).not.toMatch(
      /"(?:d|p|q|dp|dq|qi)"/,
    )
  })

  test('that hold none of the algorithm asked for are a fault', async () => {
    const set = JSON.stringify({ keys: [await generateAssertionJwk('ES256')] })
    expect(await parseAssertionKeys(set, 'RS256')).toMatchObject({
      ok: false,
      failure: { problem: 'holds no key for RS256, which assertion.algorithm asks for' },
    })
  })
})
