import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import {
  isLogoutType,
  type LogoutFault,
  type LogoutTokenRules,
  readLogoutClaims,
} from '../../src/core/logout-token.ts'
import { type Claims } from '../../src/core/principal.ts'

const NOW = 1_800_000_000
const EVENT = 'http://schemas.openid.net/event/backchannel-logout'
const STRICT: LogoutTokenRules = { allowUntyped: false, allowWithoutExpiry: false }
const LENIENT: LogoutTokenRules = { allowUntyped: true, allowWithoutExpiry: true }

const GOOD: Claims = {
  iss: 'https://idp.test',
  aud: 'vestibule',
  iat: NOW,
  exp: NOW + 120,
  jti: 'one',
  sub: 'alice',
  sid: 'home',
  events: { [EVENT]: {} },
}

const without = (...names: readonly string[]): Claims =>
  Object.fromEntries(Object.entries(GOOD).filter(([name]) => !names.includes(name)))

const read = (claims: Claims, rules = STRICT) => readLogoutClaims(claims, rules, NOW)

const faultOf = (claims: Claims, rules = STRICT): LogoutFault | undefined => {
  const result = read(claims, rules)
  return result.ok ? undefined : result.failure
}

describe('the claims of a logout token', () => {
  test('name a session of a subject, a session, or a subject', () => {
    const said = { issuer: 'https://idp.test', issuedMs: NOW * 1000, tokenId: 'one' }
    const session = { kind: 'session', sid: 'home', subject: 'alice' }
    expect(read(GOOD)).toEqual({ ok: true, value: { ...said, whom: session } })
    const alone = { ...session, subject: undefined }
    expect(read(without('sub'))).toEqual({ ok: true, value: { ...said, whom: alone } })
    const subject = { kind: 'subject', subject: 'alice' }
    expect(read(without('sid'))).toEqual({ ok: true, value: { ...said, whom: subject } })
  })

  test.each<readonly [LogoutFault, string, Claims]>([
    ['issuer', 'without iss', without('iss')],
    ['time', 'without iat', without('iat')],
    ['time', 'without exp', without('exp')],
    ['time', 'of eleven minutes ago', { ...GOOD, iat: NOW - 601 }],
    ['time', 'of more than a minute to come', { ...GOOD, iat: NOW + 61 }],
    ['time', 'expired beyond the tolerance', { ...GOOD, exp: NOW - 60 }],
    ['time', 'that expires at Infinity', { ...GOOD, exp: Infinity }],
    ['time', 'issued at NaN', { ...GOOD, iat: Number.NaN }],
    ['token_id', 'without jti', without('jti')],
    ['whom', 'about nobody', without('sub', 'sid')],
    ['whom', 'about a session with a subject of null', { ...GOOD, sub: null }],
    ['whom', 'about a subject with a session of null', { ...GOOD, sid: null }],
    ['events', 'without events', without('events')],
    ['events', 'of another event', { ...GOOD, events: { 'urn:x': {} } }],
    ['nonce', 'with a nonce', { ...GOOD, nonce: 'x' }],
  ])('%s: %s', (fault, _name, claims) => {
    expect(faultOf(claims)).toBe(fault)
  })

  test.each<readonly [string, Claims]>([
    ['ten minutes old', { ...GOOD, iat: NOW - 600 }],
    ['a minute ahead', { ...GOOD, iat: NOW + 60 }],
    ['expired within the tolerance', { ...GOOD, exp: NOW - 59 }],
  ])('%s is good enough', (_name, claims) => {
    expect(faultOf(claims)).toBeUndefined()
  })

  test('without expiry are taken where that is allowed', () => {
    expect(faultOf(without('exp'), LENIENT)).toBeUndefined()
    expect(faultOf({ ...GOOD, exp: null }, LENIENT)).toBe('time')
  })
})

test('the type is exact, but for case', () => {
  const accepted = (rules: LogoutTokenRules): readonly unknown[] =>
    [
      'logout+jwt',
      'LOGOUT+JWT',
      'application/logout+jwt',
      undefined,
      'JWT',
      'at+jwt',
      '',
      7,
    ].filter((type) => isLogoutType(type, rules))
  const own = ['logout+jwt', 'LOGOUT+JWT', 'application/logout+jwt']
  expect(accepted(STRICT)).toEqual(own)
  expect(accepted(LENIENT)).toEqual([...own, undefined, 'JWT'])
})

/** Good claims, each of them perhaps replaced by anything or left out, and more beside them. */
const claims: fc.Arbitrary<Claims> = fc
  .tuple(
    fc.dictionary(fc.constantFrom(...Object.keys(GOOD), 'nonce'), fc.jsonValue(), { maxKeys: 2 }),
    fc.subarray(Object.keys(GOOD), { minLength: Object.keys(GOOD).length - 1 }),
    fc.dictionary(fc.string(), fc.jsonValue()),
  )
  .map(([changes, left, more]) => ({
    ...more,
    ...Object.fromEntries(Object.entries(GOOD).filter(([name]) => left.includes(name))),
    ...changes,
  }))

test('whatever the claims are, a notice names what they name, and nothing else', () => {
  let taken = 0
  fc.assert(
    fc.property(claims, fc.constantFrom(STRICT, LENIENT), (all, rules) => {
      const result = read(all, rules)
      if (!result.ok) return
      taken += 1
      const { whom, issuedMs } = result.value
      expect(whom.subject).toBe(all['sub'])
      expect(whom.kind === 'session' ? whom.sid : undefined).toBe(all['sid'])
      expect(Number.isSafeInteger(issuedMs)).toBe(true)
      expect(Object.hasOwn(all, 'nonce')).toBe(false)
      expect(Object.keys(all['events'] as object)).toContain(EVENT)
    }),
    { seed: 0x5eed, numRuns: 2000 },
  )
  expect(taken).toBeGreaterThan(100)
})
