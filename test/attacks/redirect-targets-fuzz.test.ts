import { beforeAll, describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { findPolicy } from '../../src/core/policy/policy.ts'
import { parseReturnUrl, type ReturnUrlRules } from '../../src/core/return-url.ts'
import { policiesOf } from '../support/policies.ts'
import { escapeOf } from './support-location-oracle.ts'
import { REDIRECT_POLICIES, REDIRECT_ROWS } from './support-redirect-rows.ts'

/** These are cheap: twenty for each that is asked for. */
const RUNS = 20 * Number(process.env['VESTIBULE_FUZZ_RUNS'] ?? 10_000)
const LIMIT_MS = 1000
const OPTIONS = {
  seed: 0x5eed,
  numRuns: RUNS,
  ...(process.env['VESTIBULE_FUZZ_RUNS'] === undefined
    ? { interruptAfterTimeLimit: LIMIT_MS, markInterruptAsFailure: false }
    : {}),
}

let rules: ReturnUrlRules

beforeAll(async () => {
  const policies = await policiesOf(REDIRECT_POLICIES)
  rules = {
    publicOrigin: 'https://auth.test',
    allowHttp: false,
    isRoutedHost: (host) => findPolicy(policies, host) !== undefined,
  }
})

const SLASHES = [
  '/',
  '\\',
  '//',
  '/\\',
  '\\/',
  '%2f',
  '%2F',
  '%5c',
  '%252f',
  '%255c',
  '%25252f',
  '%25%32%66',
  '%2%66',
]
const BLANKS = [
  '\t',
  '\r',
  '\n',
  '\v',
  '\0',
  ' ',
  '%09',
  '%0a',
  '%0d',
  '%00',
  '%20',
  '\u00a0',
  '\ufeff',
]
const DOTS = [
  '.',
  '..',
  './',
  '../',
  '%2e',
  '%2e%2e',
  '%252e',
  '/./',
  '/../',
  '.;/',
  '%c0%ae',
  '%25%32%65',
]
const HOSTS = [
  'app.test',
  'admin.test',
  'auth.test',
  'a.internal.test',
  'internal.test',
  'evil.test',
  'APP.TEST',
  'app.test.',
  'xapp.test',
  '127.0.0.1',
  '[::1]',
  '0x7f.1',
  'app。test',
  'аpp.test',
]
const SCHEMES = [
  'https:',
  'http:',
  'HTTPS:',
  'javascript:',
  'data:',
  'blob:https:',
  'ht\ttps:',
  'https',
  'file:',
  'ws:',
  '',
  'https%3a',
  'view-source:https:',
]
const REST = [
  '?',
  '#',
  '@',
  ':',
  ':443',
  ':8443',
  ':@',
  ';',
  '&',
  '%',
  '%zz',
  '%40',
  '%23',
  '%3f',
  'a',
  'x',
  'oauth2',
  'oauth2/start',
  'user',
  '中',
  '\u00ad',
  '\u{1f600}',
  '%e4%b8%ad',
]

const one = (from: readonly string[]): fc.Arbitrary<string> => fc.constantFrom(...from)
const some = (from: readonly string[], most: number): fc.Arbitrary<string> =>
  fc.array(one(from), { maxLength: most }).map((parts) => parts.join(''))
const joined = (...parts: readonly fc.Arbitrary<string>[]): fc.Arbitrary<string> =>
  fc.tuple(...parts).map((texts) => texts.join(''))

/** The usual one most of the time, so that a fair part gets far enough to be dangerous. */
const mostly = (usual: string, others: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.oneof({ weight: 5, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: others })

/** Scheme, slashes, userinfo, host, port, path: each in any form that ever fooled a parser. */
const GRAMMAR = joined(
  mostly('', one(BLANKS)),
  mostly('https:', one(SCHEMES)),
  mostly('//', some(SLASHES, 3)),
  mostly('', joined(one(HOSTS), one(REST), one(['@', '']))),
  one(HOSTS),
  mostly('/', one(['', ':443', ':80', ':8443', '.', '%2f', '\\', '#', '?', '\t'])),
  fc
    .array(fc.oneof(one(SLASHES), one(DOTS), one(REST), one(BLANKS)), { maxLength: 5 })
    .map((parts) => parts.join('')),
)

const PATHS = joined(
  fc.constant('/'),
  fc
    .array(
      fc.oneof(one(SLASHES), one(DOTS), one(['a', 'x', 'evil.test', 'oauth2', '?', '#', ';'])),
      {
        maxLength: 8,
      },
    )
    .map((parts) => parts.join('')),
)

/** A row of the corpus with something put in, taken out or put twice. */
const MUTANTS = fc
  .tuple(
    fc.constantFrom(
      ...REDIRECT_ROWS.map(([, target]) => target).filter(({ length }) => length < 200),
    ),
    fc.array(
      fc.tuple(
        fc.nat(60),
        fc.nat(3),
        fc.oneof(one(SLASHES), one(BLANKS), one(DOTS), one(REST), one(HOSTS)),
      ),
      { maxLength: 3 },
    ),
  )
  .map(([target, edits]) =>
    edits.reduce((text, [at, cut, put]) => text.slice(0, at) + put + text.slice(at + cut), target),
  )

/** Where it is sent to, if anywhere; fails where that is an escape, or not stable. */
const check = (target: string): boolean => {
  const location = parseReturnUrl(target, rules)
  if (location === undefined) return false
  const escape = escapeOf(location)
  if (escape !== undefined) throw new Error(`${JSON.stringify(location)}: ${escape}`)
  if (parseReturnUrl(location, rules) !== location) throw new Error(`${location} is not stable`)
  if (location.length > 2048) throw new Error('longer than a return URL may be')
  return true
}

describe('R69 no target that a grammar can make leads away', () => {
  test.each<readonly [string, fc.Arbitrary<string>, number]>([
    ['addresses', GRAMMAR, 100],
    ['paths', PATHS, 1000],
    ['mutants of the corpus', MUTANTS, 100],
    ['anything', fc.string({ unit: 'binary', maxLength: 60 }), 0],
  ])(
    '%s',
    (_name, arbitrary, fewest) => {
      let accepted = 0
      fc.assert(
        fc.property(arbitrary, (target) => {
          if (check(target)) accepted += 1
        }),
        OPTIONS,
      )
      // A generator of nothing but refusals would prove nothing.
      expect(accepted).toBeGreaterThanOrEqual(fewest)
    },
    Math.max(30_000, RUNS),
  )
})

describe('the oracle itself', () => {
  test.each([
    '//evil.test',
    '/\\evil.test',
    '/\t/evil.test',
    'https://evil.test/',
    'https://app.test@evil.test/',
    'https://evil.test\\@app.test/',
    'https://app.test//evil.test',
    '/%2f/evil.test',
    '/x/..//evil.test',
    '/%2e//evil.test',
    '/%5cevil.test',
    '/%252fevil.test',
    'http://app.test/',
    'https://app.test:8443/',
    'https://internal.test/',
    'javascript://app.test/',
    'blob:https://app.test/x',
    'x',
    '',
  ])('sees that %j leads away', (location) => {
    expect(escapeOf(location)).toBeDefined()
  })

  test.each(['/', '/x?y=//evil.test', 'https://app.test/x', 'https://a.b.internal.test/'])(
    'sees that %s does not',
    (location) => {
      expect(escapeOf(location)).toBeUndefined()
    },
  )
})
