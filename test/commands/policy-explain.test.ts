import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { explainOutcome, type Rehearsal, rehearse } from '../../src/commands/policy-rehearsal.ts'
import { decide } from '../../src/core/decide.ts'
import { type PolicySet } from '../../src/core/policy/policy.ts'
import { whoIs } from '../../src/edge/policies/cases-subject.ts'
import { NOW, policiesOf } from '../support/policies.ts'
import { askVerify } from '../support/verify-request.ts'
import { startVestibule, type Vestibule } from '../support/vestibule.ts'
import { inFolder, run } from './policy-lint-support.ts'

const POLICIES = {
  'app.yaml': `hosts: [app.test]
owner: team@example.com
require: { path: { starts_with: /vault }, acr: [mfa], authAge: 1h }
policy:
  - { id: sre, allow: { and: [{ groups: { has: sre } }, { not: [{ http_path: { starts_with: /hr } }] }] } }
  - { id: late, allow: { and: [{ user: late }] }, until: 2020-01-31 }
  - { id: open, allow: { and: [{ http_path: /open }] }, public: true, owner: o, until: 2040-01-01 }
  - { id: admin, deny: { and: [{ http_path: { starts_with: /admin } }] } }
  - { id: cel, deny: { and: [{ http_path: /cel }, { cel: "principal.claims.level > 3" }] } }
`,
  'wiki.yaml': `hosts: ["*.wiki.test"]
owner: team@example.com
mode: observe
until: 2039-01-01
credentials: [cookie]
policy: { allow: { and: [{ user: ada }] } }
`,
}

const explain = async (
  args: readonly string[],
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> =>
  await inFolder(POLICIES, async (folder) => {
    const { code, out, err } = await run(['policy', 'explain', ...args, folder])
    return { code, out: out.replace(/version {3}\w{16}/, 'version   …'), err }
  })

describe('vestibule policy explain', () => {
  test('shows rule by rule what held', async () => {
    const { code, out } = await explain([
      '--as',
      '{ sub: ada, groups: [sre] }',
      '--url',
      'https://app.test//x/../admin',
      '--at',
      '2030-01-01',
      '--method',
      'POST',
    ])
    expect(code).toBe(0)
    expect(out).toBe(`POST https://app.test//x/../admin
as        ada (human), groups sre
at        2030-01-01T00:00:00Z

decision  deny (403), denied_by_rule, by app.yaml#admin
          A deny rule holds.
path      /admin, as nginx routes on it
policy    app.test, owner team@example.com
mode      enforce
version   …

proof     nothing beyond an ordinary sign-in
rules     a deny that holds denies, else an allow that holds allows, else it is denied
  [holds] deny app.yaml#admin: all of  <- decides
    [holds] http_path starts_with /admin
  [fails] deny app.yaml#cel: all of
    [fails] http_path is /cel
    [broken] cel is principal.claims.level > 3
  [holds] allow app.yaml#sre: all of
    [holds] groups has sre
    [holds] none of
      [fails] http_path starts_with /hr
  [fails] allow app.yaml#late: all of, its until has passed: it does not count
    [fails] user is late
  [fails] allow app.yaml#open: all of
    [fails] http_path is /open

Next: write it down as a case, so that it stays so; docs/policy-tests.md shows how.
`)
  })

  test.each([
    [['--as', 'anonymous', '--url', 'https://app.test'], /challenge \(401\), not_signed_in/],
    [['--as', 'anonymous', '--url', 'https://app.test/open'], /public_rule, by app.yaml#open/],
    [['--as', '{"sub":"late"}', '--url', 'https://app.test'], /grant_expired, by app.yaml#late/],
    [['--as', 'anonymous', '--url', 'https://no.test/'], /unknown_host[^]*No rule was asked/],
    [
      ['--as', '{sub: a}', '--url', 'https://app.test/a%2fb'],
      /path_ambiguous[^]*ambiguous: an application/,
    ],
    [
      ['--as', '{sub: a, groups: [sre]}', '--url', 'https://app.test/vault'],
      /stronger_proof_needed[^]*proof {5}acr mfa, a sign-in of the last 3600 s/,
    ],
    [['--as', '{sub: b}', '--url', 'https://a.wiki.test/'], /mode {6}observe/],
    [
      ['--as', '{sub: x/ada, actor: agent}', '--url', 'https://a.wiki.test/'],
      /counts as anonymous: this host takes no bearer/,
    ],
  ])('%j', async (args, message) => {
    const { code, out } = await explain(args)
    expect([code, out]).toEqual([0, expect.stringMatching(message)])
  })

  test('reads who asks from a file, and prints JSON', async () => {
    await inFolder(
      { ...POLICIES, 'who/ada.json': '{"sub":"ada","groups":["sre"]}' },
      async (folder) => {
        const { code, out } = await run([
          'policy',
          'explain',
          folder,
          '--as',
          join(folder, 'who/ada.json'),
          '--url',
          'https://app.test/x',
          '--json',
        ])
        expect(code).toBe(0)
        expect(JSON.parse(out)).toMatchObject({
          decision: { effect: 'allow', reason: 'rule_matched', rule: 'app.yaml#sre' },
          mode: 'enforce',
          policy: { host: 'app.test' },
          routed: { host: 'app.test', path: '/x', ambiguous: false },
          rules: expect.arrayContaining([expect.objectContaining({ id: 'app.yaml#sre' })]),
        })
      },
    )
  })

  test.each([
    [['--url', 'https://app.test/'], /say who asks/],
    [['--as', 'anonymous'], /say what for/],
    [['--as', 'anonymous', '--url', 'https://a@b/'], /say what for/],
    [['--as', 'anonymous', '--url', 'https://app.test/', '--at', 'noon'], /is no moment/],
    [
      ['--as', '/nowhere.json', '--url', 'https://app.test/'],
      /nowhere\.json: --as: (?:does not exist|cannot be read)/,
    ],
    [
      ['--as', '{ sub: a, grops: [x] }', '--url', 'https://app.test/'],
      /^--as:1:11: grops: .*Did you mean groups/,
    ],
  ])('could not run: %j', async (args, message) => {
    const { code, err } = await explain(args)
    expect([code, err]).toEqual([2, expect.stringMatching(message)])
  })
})

const PATHS = [
  '/',
  '/x',
  '/admin',
  '/%61dmin/y',
  '/hr/x',
  '/open',
  '/cel',
  '/vault',
  '/a%2fb',
  '//x/./hr',
  '/../x',
  '/x;y',
  '/a?b=/admin',
]
const CLAIMS: Record<string, unknown>[] = [{}, { level: 9 }, { acr: 'mfa', auth_time: NOW - 5 }]
const HOSTS = ['app.test', 'a.wiki.test', 'wiki.test', 'APP.test', 'no.test']

const rehearsal: fc.Arbitrary<Rehearsal> = fc.record({
  now: fc.constant(NOW),
  request: fc.record({
    url: fc
      .tuple(fc.constantFrom(...HOSTS), fc.constantFrom(...PATHS))
      .map(([host, path]) => `https://${host}${path}`),
    method: fc.constantFrom('GET', 'HEAD', 'POST', 'TRACE', 'get'),
    clientIp: fc.constantFrom('203.0.113.7', undefined),
    isPreflight: fc.boolean(),
    clientCertificate: fc.constant(undefined),
    namespace: fc.constant(''),
    ingress: fc.constant(''),
    service: fc.constant(''),
  }),
  caller: fc
    .record({
      who: fc.oneof(
        fc.constant({ principal: { kind: 'anonymous' as const }, credential: 'none' as const }),
        fc
          .record({
            sub: fc.constantFrom('ada', 'late', 'eve'),
            actor: fc.constantFrom('human' as const, 'workload' as const),
            groups: fc.option(fc.subarray(['sre']), { nil: undefined }),
            claims: fc.constantFrom(...CLAIMS),
          })
          .map((subject) => whoIs(subject, 'https://idp.test')),
      ),
      sessionAgeSeconds: fc.constantFrom(5, undefined),
      authAgeSeconds: fc.constantFrom(5, undefined),
    })
    .map(({ who, ...ages }) => ({ ...who, ...ages })),
})

describe('what is explained', () => {
  let policies: PolicySet
  let vestibule: Vestibule
  beforeAll(async () => {
    policies = await policiesOf(POLICIES)
    vestibule = await startVestibule({ policies: POLICIES })
  })
  afterAll(async () => await vestibule.stop())

  test('is what is decided, by rules that say so', () => {
    fc.assert(
      fc.property(rehearsal, (each) => {
        const outcome = rehearse(policies, each)
        const explanation = explainOutcome(outcome)
        if (
          explanation === undefined ||
          outcome.policy === undefined ||
          outcome.facts === undefined
        ) {
          expect(outcome.decision.effect).toBe('deny')
          return
        }
        expect(explanation.decision).toEqual(outcome.decision)
        expect(explanation.decision).toEqual(decide(outcome.policy, outcome.facts))
        const { decision, rules } = explanation
        const decisive =
          'rule' in decision ? rules.find(({ id }) => id === decision.rule) : undefined
        if (decisive !== undefined && decision.reason !== 'grant_expired') {
          expect(decisive.isInForce).toBe(true)
          expect(['holds', 'broken']).toContain(decisive.condition.finding)
        }
      }),
      { numRuns: 500 },
    )
  })

  test('is what the server answers to the anonymous', async () => {
    const sample = fc.sample(rehearsal, 60).map(({ request }) => request)
    for (const request of sample) {
      const [, host = '', path = ''] = /^https:\/\/([^/]+)(.*)$/.exec(request.url) ?? []
      const { decision, mode } = rehearse(policies, {
        request: { ...request, clientIp: '203.0.113.7', isPreflight: false },
        caller: {
          principal: { kind: 'anonymous' },
          credential: 'none',
          sessionAgeSeconds: undefined,
          authAgeSeconds: undefined,
        },
        now: NOW,
      })
      const answer = await askVerify(vestibule.verifyPort, {
        host,
        url: `https://${host}${path}`,
        method: request.method,
      })
      const isObserved = mode === 'observe' && decision.effect !== 'allow'
      expect([request.url, new Map(answer.headers).get('x-vestibule-reason')]).toEqual([
        request.url,
        isObserved ? 'observed' : decision.reason,
      ])
    }
  })
})

test('docs/policy-tests.md lists every finding of lint', async () => {
  const { LINT_FINDINGS } = await import('../../src/core/policy/lint-finding.ts')
  const text = await readFile(join(import.meta.dirname, '../../docs/policy-tests.md'), 'utf8')
  for (const [id, { severity, meaning }] of Object.entries(LINT_FINDINGS)) {
    expect(text).toContain(`| \`${id}\` | ${severity} | ${meaning}`)
  }
})
