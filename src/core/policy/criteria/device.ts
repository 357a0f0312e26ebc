import { type EpochSeconds } from '../../ids.ts'
import { type Claims, claimAt } from '../../principal.ts'
import { type Criterion, type Finding, found, type Matcher } from '../criterion.ts'
import { secondsOf } from '../duration.ts'
import { compileStringMatcher } from '../matcher.ts'

/**
 * The device comes from the `device` claim: `{ id, type, approved, compliant, checked_at }`. What
 * nobody has said is not so: a device of unknown state is not compliant.
 */
export const device: Criterion = {
  name: 'device',
  argument: 'device',
  proves: 'identity',
  summary:
    'The device that signed in, from the claim `device`: `compliant`, `approved`, its `type`, its id (`is`, `in`). `max_age` bounds how long ago its state was checked; what is stale or unknown is not compliant.',
  example: '{ device: { compliant: true, max_age: 24h } }',
  compile: (matcher) => {
    const id = compileId(matcher)
    return ({ principal, now }) => {
      if (principal.kind === 'anonymous') return 'absent'
      const { claims } = principal
      const findings = new Set([
        state(matcher.compliant, claims, 'compliant', isFresh(matcher, claims, now)),
        state(matcher.approved, claims, 'approved', true),
        text(claims, 'type', typeTest(matcher)),
        text(claims, 'id', id),
      ])
      if (findings.has('fails')) return 'fails'
      return findings.has('absent') ? 'absent' : 'holds'
    }
  },
}

type TextTest = ((text: string) => boolean) | undefined

const compileId = (matcher: Matcher): TextTest => {
  const { is, in: oneOf } = matcher
  if (is === undefined && oneOf === undefined) return undefined
  return compileStringMatcher({ is, in: oneOf })
}

const typeTest = ({ type }: Matcher): TextTest =>
  type === undefined || type === 'any' ? undefined : (text) => text === type

const state = (
  wanted: Matcher['compliant'],
  claims: Claims,
  name: 'compliant' | 'approved',
  isFreshEnough: boolean,
): Finding => {
  if (wanted === undefined) return 'holds'
  const is = claimAt(claims, `device/${name}`) === true && isFreshEnough
  return found(is === (wanted === 'true'))
}

const text = (claims: Claims, name: string, test: TextTest): Finding => {
  if (test === undefined) return 'holds'
  const value = claimAt(claims, `device/${name}`)
  return typeof value === 'string' ? found(test(value)) : 'absent'
}

const isFresh = ({ max_age: maxAge }: Matcher, claims: Claims, now: EpochSeconds): boolean => {
  if (typeof maxAge !== 'string') return true
  const checkedAt = claimAt(claims, 'device/checked_at')
  return typeof checkedAt === 'number' && now - checkedAt <= secondsOf(maxAge)
}
