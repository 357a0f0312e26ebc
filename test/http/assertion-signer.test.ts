import { describe, expect, test } from '@jest/globals'
import { createLocalJWKSet, jwtVerify } from 'jose'
import { epochSeconds, parseSessionKey } from '../../src/core/ids.ts'
import {
  type AssertionAlgorithm,
  randomAssertionKeys,
} from '../../src/edge/assertion/assertion-keys.ts'
import { createAssertionSigner } from '../../src/edge/assertion/assertion-signer.ts'
import { host } from '../support/policies.ts'

const NOW = epochSeconds(1_800_000_000)
const IDENTITY = {
  subject: 'alicé',
  email: 'alice@test.example',
  preferredUsername: '',
  groups: ['sre', 'ünïcode'],
  actor: 'human',
  agent: 'ci/agent',
} as const

const world = async (algorithm: AssertionAlgorithm) => {
  const [key] = await randomAssertionKeys(algorithm)
  const clock = { now: NOW }
  const sign = createAssertionSigner({
    keys: () => [key],
    algorithm,
    issuer: 'https://auth.test',
    lifetimeSeconds: 300,
    now: () => clock.now,
  })
  return { key, clock, sign }
}

const ABOUT = {
  host: host('app.test'),
  identity: IDENTITY,
  sessionKey: parseSessionKey('A'.repeat(43)),
  policyVersion: 'v1',
  endsAt: undefined,
}

describe('an assertion', () => {
  test.each([
    ['ES256', true],
    ['RS256', false],
  ] as const)('by %s is what a library can verify; known at once: %s', async (alg, isAtOnce) => {
    const { key, sign } = await world(alg)
    const text = sign(ABOUT)
    expect(!(text instanceof Promise)).toBe(isAtOnce)
    const { payload, protectedHeader } = await jwtVerify(
      await text,
      createLocalJWKSet({ keys: [key.publicJwk] }),
      { issuer: 'https://auth.test', audience: 'app.test', currentDate: new Date(NOW * 1000) },
    )
    expect(protectedHeader).toEqual({ alg, kid: key.kid, typ: 'JWT' })
    const { jti, ...claims } = payload
    expect(jti).toMatch(/^[0-9a-f-]{36}$/)
    expect(claims).toEqual({
      iss: 'https://auth.test',
      aud: 'app.test',
      sub: 'alicé',
      iat: NOW,
      exp: NOW + 300,
      email: 'alice@test.example',
      groups: ['sre', 'ünïcode'],
      actor: 'human',
      act: { sub: 'ci/agent' },
      sid: 'A'.repeat(43),
      policy_version: 'v1',
    })
  })

  test.each(['ES256', 'RS256'] as const)('by %s is sent again for half a minute', async (alg) => {
    const { clock, sign } = await world(alg)
    const [first, together] = [sign(ABOUT), sign(ABOUT)]
    const text = await first
    expect(await together).toBe(text)
    clock.now = epochSeconds(NOW + 29)
    expect(await sign(ABOUT)).toBe(text)
    clock.now = epochSeconds(NOW + 30)
    expect(await sign(ABOUT)).not.toBe(text)
  })
})
