import { describe, expect, test } from '@jest/globals'
import { epochSeconds } from '../../src/core/ids.ts'
import {
  judgeServiceToken,
  rotated,
  type ServiceToken,
  serviceTokenIdOf,
  serviceTokenPrincipal,
} from '../../src/core/service-token.ts'
import { readGrant, readRotation } from '../../src/core/service-token-order.ts'
import { host, NOW } from '../support/policies.ts'

const DAY = 86_400
const ID = 'abcdefghijkl2345'

const aToken = (changes: Partial<ServiceToken> = {}): ServiceToken => ({
  id: ID,
  owner: 'sre@test.example',
  purpose: 'backups',
  hosts: [host('app.test'), host('two.test')],
  groups: ['sre'],
  actor: 'workload',
  createdAt: NOW,
  expiresAt: epochSeconds(NOW + DAY),
  revokedAt: undefined,
  secrets: [{ digest: 'newest', issuedAt: NOW, until: undefined }],
  ...changes,
})

const judged = (token: ServiceToken, digest = 'newest', at = 0, name = 'app.test'): string => {
  const found = judgeServiceToken(token, digest, { host: host(name), now: epochSeconds(NOW + at) })
  return found.ok ? 'good' : found.failure
}

describe('a token of ours', () => {
  test('counts on its hosts, until the second in which it expires', () => {
    expect(judged(aToken())).toBe('good')
    expect(judged(aToken(), 'newest', 0, 'two.test')).toBe('good')
    expect(judged(aToken(), 'newest', 0, 'sub.app.test')).toBe('wrong_host')
    expect(judged(aToken(), 'newest', DAY - 1)).toBe('good')
    expect(judged(aToken(), 'newest', DAY)).toBe('expired')
  })

  test('tells what is wrong beside its text only to those who have the text', () => {
    const gone = aToken({ revokedAt: NOW })
    expect(judged(gone)).toBe('revoked')
    for (const other of ['', 'newes', 'newest ', 'constructor']) {
      expect(judged(gone, other)).toBe('invalid')
      expect(judged(aToken(), other, DAY, 'elsewhere.test')).toBe('invalid')
    }
  })

  test('that was revoked stays so, whatever else is true of it', () => {
    expect(judged(aToken({ revokedAt: NOW }), 'newest', DAY, 'elsewhere.test')).toBe('revoked')
  })

  test('is a caller with groups, with no address, and of the age of its first text', () => {
    const principal = serviceTokenPrincipal(aToken(), 'https://auth.test')
    expect(principal).toMatchObject({
      actor: 'workload',
      subject: `token/${ID}`,
      issuer: 'https://auth.test',
      email: undefined,
      groups: ['sre'],
      claims: { sub: ID, iat: NOW, exp: NOW + DAY, owner: 'sre@test.example' },
    })
  })

  test('is known by its subject, and nothing else is', () => {
    expect(serviceTokenIdOf(`token/${ID}`)).toBe(ID)
    for (const other of [
      ID,
      `tokens/${ID}`,
      `token/${ID}x`,
      `token/${ID.toUpperCase()}`,
      'token/',
    ]) {
      expect(serviceTokenIdOf(other)).toBeUndefined()
    }
  })
})

describe('a rotation', () => {
  const over = (overlapSeconds: number, token = aToken()): ServiceToken =>
    rotated(token, 'next', { overlapSeconds, expiresAt: undefined }, epochSeconds(NOW + 10))

  test('lets the text of before count for the overlap, and no longer', () => {
    const token = over(60)
    expect(judged(token, 'next', 10)).toBe('good')
    expect(judged(token, 'newest', 69)).toBe('good')
    expect(judged(token, 'newest', 70)).toBe('expired')
    expect(judged(over(0), 'newest', 10)).toBe('expired')
  })

  test('never lets an older text live longer than it would have', () => {
    const again = rotated(
      over(60),
      'third',
      { overlapSeconds: 9 * DAY, expiresAt: undefined },
      epochSeconds(NOW + 20),
    )
    expect(judged(again, 'newest', 70)).toBe('expired')
    expect(judged(again, 'next', DAY - 1)).toBe('good')
  })

  test('leaves the token as old as it was, and may let it live longer', () => {
    const longer = rotated(
      aToken(),
      'next',
      { overlapSeconds: 0, expiresAt: epochSeconds(NOW + 9 * DAY) },
      NOW,
    )
    expect(longer).toMatchObject({
      createdAt: NOW,
      expiresAt: NOW + 9 * DAY,
      hosts: ['app.test', 'two.test'],
    })
    expect(judged(longer, 'next', 8 * DAY)).toBe('good')
  })

  test('keeps few texts, however often it is done', () => {
    let token = aToken()
    for (let count = 0; count < 20; count += 1) token = over(60, token)
    expect(token.secrets.length).toBeLessThanOrEqual(4)
  })
})

const ORDER = {
  owner: 'sre@test.example',
  purpose: 'nightly backups',
  hosts: ['App.test.', 'app.test', 'two.test'],
  expires: '90d',
}

describe('an order for a token', () => {
  test('names who, what for, where and until when', () => {
    expect(readGrant(ORDER, NOW)).toEqual({
      ok: true,
      value: {
        owner: 'sre@test.example',
        purpose: 'nightly backups',
        hosts: ['app.test', 'two.test'],
        groups: undefined,
        actor: 'workload',
        expiresAt: NOW + 90 * DAY,
      },
    })
    const other = readGrant(
      { ...ORDER, groups: ['sre', 'sre'], actor: 'agent', expires: '2027-06-30' },
      NOW,
    )
    expect(other).toMatchObject({
      value: { groups: ['sre'], actor: 'agent', expiresAt: Date.parse('2027-06-30') / 1000 },
    })
  })

  test.each<readonly [string, Readonly<Record<string, unknown>>]>([
    ['owner', { owner: undefined }],
    ['owner', { owner: 'sre' }],
    ['owner', { owner: 'a@b.test@c.test' }],
    ['owner', { owner: ['sre@test.example'] }],
    ['purpose', { purpose: '' }],
    ['purpose', { purpose: 'two\nlines' }],
    ['purpose', { purpose: '\u001b[31mred' }],
    ['purpose', { purpose: 'x'.repeat(256) }],
    ['hosts', { hosts: [] }],
    ['hosts', { hosts: 'app.test' }],
    ['hosts', { hosts: ['*.test'] }],
    ['hosts', { hosts: ['app.test', ''] }],
    ['hosts', { hosts: ['app.test:443'] }],
    ['hosts', { hosts: ['app.test/x'] }],
    ['hosts', { hosts: Array.from({ length: 21 }, (_each, index) => `h${index}.test`) }],
    ['groups', { groups: ['a,b'] }],
    ['groups', { groups: [''] }],
    ['groups', { groups: 'sre' }],
    ['groups', { groups: [1] }],
    ['actor', { actor: 'human' }],
    ['actor', { actor: null }],
    ['expires', { expires: undefined }],
    ['expires', { expires: 'never' }],
    ['expires', { expires: 90 }],
    ['expires', { expires: '0d' }],
    ['expires', { expires: '367d' }],
    ['expires', { expires: '2020-01-01' }],
    ['expires', { expires: '2027-02-30' }],
    ['"subject" is no key', { subject: 'alice' }],
    ['"email" is no key', { email: 'alice@test.example' }],
  ])('is refused for its %s: %j', (what, changes) => {
    const found = readGrant({ ...ORDER, ...changes }, NOW)
    expect([found.ok, found.ok ? '' : found.failure]).toEqual([
      false,
      expect.stringContaining(what),
    ])
  })
})

describe('an order to rotate', () => {
  test('overlaps for a day where nothing is said', () => {
    expect(readRotation({}, NOW)).toEqual({
      ok: true,
      value: { overlapSeconds: DAY, expiresAt: undefined },
    })
    expect(readRotation({ overlap: '0s', expires: '30d' }, NOW)).toEqual({
      ok: true,
      value: { overlapSeconds: 0, expiresAt: NOW + 30 * DAY },
    })
  })

  test.each([
    { overlap: '31d' },
    { overlap: '-1s' },
    { overlap: 1 },
    { expires: '9999d' },
    { hosts: ['a.test'] },
  ])('%j is refused', (written) => {
    expect(readRotation(written, NOW).ok).toBe(false)
  })
})
