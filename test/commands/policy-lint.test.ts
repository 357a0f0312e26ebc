import { describe, expect, test } from '@jest/globals'
import { LINT_FINDINGS, type LintId } from '../../src/core/policy/lint-finding.ts'
import { inFolder, run } from './policy-lint-support.ts'

type Finding = {
  readonly id: LintId
  readonly severity: string
  readonly file: string
  readonly line: number
  readonly column: number
  readonly problem: string
}

const lint = async (
  files: Readonly<Record<string, string>>,
): Promise<{ readonly code: number; readonly findings: readonly Finding[] }> =>
  await inFolder(files, async (folder) => {
    const { code, out } = await run(['policy', 'lint', folder, '--json'])
    const { findings } = JSON.parse(out) as { readonly findings: readonly Finding[] }
    return { code, findings }
  })

const idsOf = async (files: Readonly<Record<string, string>>): Promise<readonly LintId[]> =>
  (await lint(files)).findings.map(({ id }) => id)

/** A file about app.test with an owner. */
const app = (rules: string, more = ''): string =>
  `hosts: [app.test]\nowner: team@example.com\n${more}policy:\n${rules}\n`

const CASES = `cases:
  - { name: in, subject: { sub: a }, request: https://app.test/, expect: allow }
  - { name: out, subject: { sub: b }, request: https://app.test/, expect: deny }
`

const days = (count: number): string =>
  new Date(Date.now() + count * 86_400_000).toISOString().slice(0, 10)

const rule = (conditions: string, more = ''): string => `  - { allow: { ${conditions} }${more} }`
const denial = (conditions: string): string => `  - { deny: { ${conditions} } }`
const and = (...conditions: readonly string[]): string =>
  `and: [${conditions.map((each) => `{ ${each} }`).join(', ')}]`

describe('lint finds, and does not find, in the rules of a file', () => {
  const sre = 'groups: { has: sre }'
  const TABLE: readonly (readonly [LintId, faulty: string, sound: string])[] = [
    [
      'permissive_rule',
      rule(and('authenticated_user: true')),
      rule(and('authenticated_user: true'), ', until: 2040-01-01'),
    ],
    ['permissive_rule', rule(and('domain: example.com')), rule(and('domain: example.com', sre))],
    [
      'permissive_rule',
      rule(and('email: { ends_with: "@example.com" }')),
      rule(and('email: ada@example.com')),
    ],
    [
      'permissive_rule',
      rule(and('issuer: https://token.actions.githubusercontent.com')),
      rule(and('issuer: https://token.actions.githubusercontent.com', 'claim/repository: a/b')),
    ],
    [
      'permissive_rule',
      rule(and('authenticated_user: true', 'groups: { exclude: x }', 'http_path: /a')),
      rule(`or: [{ user: a }, { user: b }]`),
    ],
    ['rule_expired', rule(and(sre), ', until: 2020-01-01'), rule(and(sre), ', until: 2040-01-01')],
    [
      'rule_expires_soon',
      rule(and(sre), `, until: ${days(5)}`),
      rule(and(sre), `, until: ${days(20)}`),
    ],
    ['unreachable_rule', rule(and('user: a', 'user: b')), rule('or: [{ user: a }, { user: b }]')],
    [
      'unreachable_rule',
      rule(and('user: a@x.test', 'user: b@x.test')),
      rule(and('user: ada', 'user: ada@x.test')),
    ],
    [
      'unreachable_rule',
      rule(and(sre, 'date: { after: 2030-01-02, before: 2030-01-02 }')),
      rule(and(sre, 'date: { after: 2030-01-02, before: 2030-01-03 }')),
    ],
    [
      'unreachable_rule',
      rule(and(sre, 'reject: true')),
      rule('or: [{ groups: { has: sre } }, { reject: true }]'),
    ],
    ['unreachable_rule', rule(and(sre, 'http_method: "GE T"')), rule(and(sre, 'http_method: GET'))],
    [
      'unreachable_rule',
      rule(and(sre, 'http_method: GET', 'http_method: POST')),
      rule(and(sre, 'http_method: GET', 'http_method: HEAD')),
    ],
    [
      'unreachable_rule',
      rule(and(sre, 'http_path: { starts_with: /a }', 'http_path: { starts_with: /ab }')),
      rule(and(sre, 'http_path: { starts_with: /a }', 'http_path: { starts_with: /a/b }')),
    ],
    [
      'unreachable_rule',
      rule(and(sre, 'groups: { exclude: sre }')),
      rule(and(sre, 'groups: { has: dba }')),
    ],
    [
      'unreachable_rule',
      rule(and('actor: human', 'not: [{ actor: human }]')),
      rule(and(sre, 'not: [{ actor: human }]')),
    ],
    [
      'unreachable_rule',
      rule(and(sre, 'time_of_day: { after: "9:00", before: "9:00" }')),
      rule(and(sre, 'time_of_day: { after: "9:00", before: "8:00" }')),
    ],
    [
      'impossible_method',
      rule(and(sre, 'http_method: { in: [GET, post] }')),
      rule(and(sre, 'http_method: { in: [GET, PURGE] }')),
    ],
    [
      'impossible_method',
      rule(and(sre, 'http_method: { in: [GET, TRACE] }')),
      rule(and(sre, 'http_method: { in: [GET, OPTIONS] }')),
    ],
    [
      'duplicate_rule',
      `${rule(and(sre))}\n${rule('or: [{ groups: { in: [sre] } }]')}`,
      `${rule(and(sre))}\n${rule(and('groups: { has: dba }'))}`,
    ],
    [
      'shadowed_allow',
      `${rule(and(sre, 'http_method: GET'))}\n${denial(and(sre))}`,
      `${rule(and(sre))}\n${denial(and(sre, 'http_method: POST'))}`,
    ],
    [
      'shadowed_allow',
      `${rule(and(sre))}\n${denial(and('accept: true'))}`,
      `${rule(and(sre))}\n${denial(and('groups: { has: sre }', 'device: { compliant: false }'))}`,
    ],
    [
      'redundant_rule',
      `${rule(and(sre, 'http_path: { starts_with: /a/b }'))}\n${rule(and(sre, 'http_path: { starts_with: /a }'))}`,
      `${rule(and(sre, 'http_path: { starts_with: /ab }'))}\n${rule(and(sre, 'http_path: { starts_with: /a }'))}`,
    ],
    [
      'redundant_rule',
      `${rule(and('user: ada'), ', until: 2039-01-01')}\n${rule(and('authenticated_user: true'), ', until: 2040-01-01')}`,
      `${rule(and('user: ada'))}\n${rule(and('authenticated_user: true'), ', until: 2040-01-01')}`,
    ],
    [
      'group_only_denied',
      `${rule(and(sre))}\n${denial(and('groups: { has: contractor }'))}`,
      `${rule(and(sre))}\n${denial(and('groups: { has: sre }', 'http_path: /x'))}`,
    ],
    [
      'closed_public_rule',
      `${rule(and('http_path: /p'), ', public: true, owner: o, until: 2040-01-01')}\n${denial(and('not: [{ groups: { has: staff } }]'))}`,
      `${rule(and('http_path: /p'), ', public: true, owner: o, until: 2040-01-01')}\n${denial(and('claim/employment: ended'))}`,
    ],
  ]

  test.each(TABLE)('%s: %s', async (id, faulty, sound) => {
    expect(await idsOf({ 'app.yaml': app(faulty), 'app.cases.yaml': CASES })).toContain(id)
    expect(await idsOf({ 'app.yaml': app(sound), 'app.cases.yaml': CASES })).not.toContain(id)
  })
})

describe('lint finds, and does not find, in a folder', () => {
  const sre = rule(and('groups: { has: sre }'))
  const sound = { 'app.yaml': app(sre), 'app.cases.yaml': CASES }
  const sets = (used: string): Readonly<Record<string, string>> => ({
    'sets.yaml': 'ruleSets:\n  ops:\n    - allow: { and: [{ groups: { has: ops } }] }\n',
    'app.yaml': app(sre, used),
    'app.cases.yaml': CASES,
  })
  const below = {
    'wild.yaml': 'hosts: ["*.below.test"]\nowner: o\npolicy: { allow: { and: [{ user: a }] } }\n',
  }
  const TABLE: readonly (readonly [
    LintId,
    faulty: Readonly<Record<string, string>>,
    sound: Readonly<Record<string, string>>,
  ])[] = [
    ['faulty_file', { ...sound, 'app.yaml': 'hosts: [app.test]\npolci: []\n' }, sound],
    ['faulty_file', { ...sound, 'app.cases.yaml': 'cases: [{ nam: x }]\n' }, sound],
    ['host_without_owner', { ...sound, 'app.yaml': `hosts: [app.test]\npolicy:\n${sre}\n` }, sound],
    [
      'mode_expired',
      { ...sound, 'app.yaml': app(sre, 'mode: observe\nuntil: 2020-01-01\n') },
      { ...sound, 'app.yaml': app(sre, 'mode: observe\nuntil: 2040-01-01\n') },
    ],
    [
      'mode_expires_soon',
      { ...sound, 'app.yaml': app(sre, `mode: observe\nuntil: ${days(3)}\n`) },
      { ...sound, 'app.yaml': app(sre, 'mode: observe\nuntil: 2040-01-01\n') },
    ],
    ['unused_rule_set', sets(''), sets('use: [ops]\n')],
    ['no_allow_case', { 'app.yaml': app(sre) }, sound],
    ['no_deny_case', { ...sound, 'app.cases.yaml': CASES.replace('deny', 'challenge') }, sound],
    [
      'case_for_unknown_host',
      {
        ...sound,
        'app.cases.yaml': `${CASES}  - { name: no, subject: anonymous, request: https://no.test/, expect: deny }\n`,
      },
      {
        ...sound,
        'app.cases.yaml': `${CASES}  - { name: no, subject: anonymous, request: https://no.test/, expect: { effect: deny, reason: unknown_host } }\n`,
      },
    ],
    [
      'wildcard_overlap',
      { ...below, 'app.yaml': app(sre).replace('app.test', 'app.below.test') },
      { ...below, ...sound },
    ],
  ]

  test.each(TABLE)('%s', async (id, faulty, fine) => {
    const { code, findings } = await lint(faulty)
    const found = findings.find((each) => each.id === id)
    expect(found?.severity).toBe(LINT_FINDINGS[id].severity)
    expect(found?.line).toBeGreaterThan(0)
    const isInformation = findings.every(({ severity }) => severity === 'info')
    expect(code).toBe(isInformation ? 0 : 1)
    expect(await idsOf(fine)).not.toContain(id)
  })
})

describe('vestibule policy lint', () => {
  test('says where, what and what to do', async () => {
    const files = {
      'app.yaml': app(rule(and('user: a', 'user: b'))),
      'app.cases.yaml': CASES,
    }
    await inFolder(files, async (folder) => {
      const { code, out } = await run(['policy', 'lint', folder])
      expect(code).toBe(1)
      expect(out).toBe(
        [
          `${folder}/app.yaml:4:7: warning unreachable_rule: app.yaml#1 never allows anything: user is a and user is b contradict each other. Use or where one of several is meant, or remove the rule.`,
          `${folder}: 0 errors, 1 warnings, 0 to know of`,
          'Correct what is named above, then lint again; docs/policy-tests.md says more.',
          '',
        ].join('\n'),
      )
    })
  })

  test('ends with 0 where there is nothing to correct', async () => {
    const files = { 'app.yaml': app(rule(and('groups: { has: sre }'))), 'app.cases.yaml': CASES }
    await inFolder(files, async (folder) => {
      const { code, out } = await run(['policy', 'lint', folder])
      expect([code, out]).toEqual([0, expect.stringContaining('Nothing to correct')])
    })
  })

  test('finds the rules of a set where they stand, once', async () => {
    const { findings } = await lint({
      'sets.yaml': 'ruleSets:\n  ops:\n    - allow: { and: [{ user: a }, { user: b }] }\n',
      'a.yaml': 'hosts: [a.test]\nowner: o\nuse: [ops]\n',
      'b.yaml': 'hosts: [b.test]\nowner: o\nuse: [ops]\n',
    })
    const unreachable = findings.filter(({ id }) => id === 'unreachable_rule')
    expect(unreachable.map(({ file, line, column }) => [file, line, column])).toEqual([
      ['sets.yaml', 3, 7],
    ])
  })

  test('could not run without a folder', async () => {
    expect((await run(['policy', 'lint', '/nowhere'])).code).toBe(2)
    expect((await run(['policy', 'lint', '--nonsense'])).code).toBe(2)
  })

  test("has nothing to say about the repository's own policies", async () => {
    const { code, out } = await run(['policy', 'lint', 'policies', '--json'])
    expect([code, JSON.parse(out)]).toEqual([0, expect.objectContaining({ findings: [] })])
  })
})
