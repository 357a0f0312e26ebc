import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { expectRead, GOOD_CONFIG, readCase } from './support-configuration.ts'

const RUNS = Number(process.env['VESTIBULE_FUZZ_RUNS'] ?? 200)
const OPTIONS = { seed: 0x5eed, numRuns: RUNS }

const RICH = `${GOOD_CONFIG}session: { store: memory, idle: 8h, absolute: 24h, storeOutage: { serveKnownFor: 30s } }
tokenIssuers:
  - { name: ci, issuer: https://token.test, audiences: [vestibule], actor: workload }
identityHeaders: { X-User: subject, X-Groups: groups }
assertion: { lifetime: 5m }
verify: { requireHost: true }
`

const TOKENS = [
  ...': |- |, |[|]|{|}|"|\'|#|&a |*a|!x |!!set |---\n|%YAML 1.1\n|? |> |\\|<<|~|null|true|no|0'.split(
    '|',
  ),
  ...'publicUrl|session|cookie|domain|http://evil.test|redis://x|__proto__|requireHost: false'.split(
    '|',
  ),
  ...'|\n|\n  |\t|\r| |\0|\u0085|\u2028|\ufeff|\u{1f600}|8h|999999d|-1|1e999'.split('|'),
]
const token = fc.constantFrom(...TOKENS)

const mutant = fc
  .array(fc.tuple(fc.nat(900), fc.nat(12), token, fc.nat(3)), { minLength: 1, maxLength: 6 })
  .map((edits) =>
    edits.reduce((edited, [where, cut, put, times]) => {
      const at = where % (edited.length + 1)
      return edited.slice(0, at) + put.repeat(times) + edited.slice(at + cut)
    }, RICH),
  )

const VARIABLES = [
  'VESTIBULE_PUBLIC_URL',
  'VESTIBULE_LISTEN_VERIFY',
  'VESTIBULE_COOKIE_DOMAIN',
  'VESTIBULE_COOKIE_NAME',
  'VESTIBULE_IDENTITY_PROVIDER_ISSUER',
  'VESTIBULE_IDENTITY_PROVIDER_SCOPES',
  'VESTIBULE_SESSION_STORE',
  'VESTIBULE_SESSION_IDLE',
  'VESTIBULE_TOKEN_ISSUERS_0_AUDIENCES',
  'VESTIBULE_IDENTITY_HEADERS',
  'VESTIBULE_VERIFY_REQUIRE_HOST',
  'VESTIBULE_POLICIES',
] as const

/** Whatever was read keeps to the safe side of what the file may say. */
const expectSound = async (text: string, environment: Readonly<Record<string, string>> = {}) => {
  const { config, faults } = await readCase({ text, environment })
  if (config === undefined) {
    expect(faults.length).toBeGreaterThan(0)
    // One line each, which no terminal obeys.
    for (const fault of faults) expect(fault).not.toMatch(/\p{Cc}/u)
    return
  }
  const { hostname, protocol, pathname, search, hash, username } = new URL(config.publicUrl)
  expect([pathname, search, hash, username]).toEqual(['/', '', '', ''])
  expect(
    protocol === 'https:' || /^(?:localhost|127\.|\[::1\])|\.(?:test|localhost)$/.test(hostname),
  ).toBe(true)
  expect(`.${hostname}`.endsWith(`.${config.cookie.domain.toLowerCase()}`)).toBe(true)
  expect(config.session.idle).toBeLessThanOrEqual(config.session.absolute)
  for (const ms of [config.session.idle, config.session.absolute, config.assertion.lifetime]) {
    expect([Number.isSafeInteger(ms), ms > 0]).toEqual([true, true])
  }
  expect(typeof config.verify.requireHost).toBe('boolean')
  expect(Object.getPrototypeOf(config)).toBe(Object.prototype)
  for (const name of Object.keys(config.identityHeaders))
    expect(name).toMatch(/^[A-Za-z][A-Za-z0-9-]*$/)
}

describe('no text makes the configuration throw, hang, or accept what is not safe', () => {
  test('the good one is read', async () => {
    await expectRead(RICH)
  })

  test.each<readonly [string, fc.Arbitrary<string>]>([
    ['mutants of a good file', mutant],
    [
      'lines of a good file',
      fc.shuffledSubarray(RICH.split('\n')).map((lines) => lines.join('\n')),
    ],
    ['any text', fc.string({ unit: 'binary', maxLength: 200 })],
    ['any JSON', fc.json({ maxDepth: 5 })],
    [
      'any value of a key',
      fc
        .tuple(
          fc.constantFrom(
            'publicUrl',
            'session',
            'cookie',
            'verify',
            'tokenIssuers',
            'identityHeaders',
          ),
          fc.json(),
        )
        .map(
          ([key, value]) =>
            `${RICH.replace(new RegExp(`^${key}:[^\\n]*\\n`, 'm'), '')}${key}: ${value}\n`,
        ),
    ],
  ])(
    '%s',
    async (_what, arbitrary) => {
      await fc.assert(
        fc.asyncProperty(arbitrary, (text) => expectSound(text)),
        OPTIONS,
      )
    },
    Math.max(60_000, 20 * RUNS),
  )

  test(
    'any environment',
    async () => {
      const value = fc.oneof(
        token,
        fc.string({ unit: 'binary', maxLength: 40 }),
        fc.webUrl(),
        fc.domain(),
      )
      const environment = fc.dictionary(fc.constantFrom(...VARIABLES), value, { maxKeys: 4 })
      await fc.assert(
        fc.asyncProperty(environment, (variables) => expectSound(RICH, variables)),
        OPTIONS,
      )
    },
    Math.max(60_000, 20 * RUNS),
  )
})
