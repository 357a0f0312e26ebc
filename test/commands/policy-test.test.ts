import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from '@jest/globals'
import { inFolder, run } from './policy-lint-support.ts'

const POLICY = `hosts: [app.test]
owner: team@example.com
require: { path: { starts_with: /vault }, acr: [mfa] }
policy:
  - { id: sre, allow: { and: [{ groups: { has: sre } }] } }
  - { id: bot, allow: { and: [{ actor: workload }, { claim/repository: a/b }] } }
  - { id: guest, allow: { and: [{ user: guest }] }, until: 2030-01-31 }
  - { id: admin, deny: { and: [{ http_path: { starts_with: /admin } }] } }
`
const GITLAB = `hosts: [gitlab.test]
owner: team@example.com
credentials: [cookie]
paths: { ambiguous: accept }
policy: { id: all, allow: { and: [{ groups: { has: sre } }, { http_path: { starts_with: /api } }] } }
`
const PEOPLE = `people:
  ada: { groups: [sre] }
  guest: {}
  bot: { sub: ci/bot, actor: workload, claims: { repository: a/b } }
defaults:
  request: { host: app.test }
`
const files = (cases: string): Readonly<Record<string, string>> => ({
  'app.yaml': POLICY,
  'gitlab.yaml': GITLAB,
  'app.cases.yaml': `${PEOPLE}cases:\n${cases}`,
})
const oneCase = (rest: string): Readonly<Record<string, string>> =>
  files(`  - { name: one, ${rest} }\n`)

const codeOf = async (rest: string): Promise<number> =>
  await inFolder(oneCase(rest), async (folder) => (await run(['policy', 'test', folder])).code)

describe('a decision case comes out as expected', () => {
  test.each([
    'subject: ada, expect: allow',
    'subject: ada, expect: { effect: allow, reason: rule_matched, rule: sre, mode: enforce }',
    'subject: ada, expect: { effect: allow, rule: app.yaml#sre }',
    'subject: anonymous, expect: { effect: challenge, reason: not_signed_in }',
    'subject: { sub: eve }, expect: { effect: deny, reason: no_rule_matched }',
    'subject: ada, request: /admin/x, expect: { effect: deny, reason: denied_by_rule, rule: admin }',
    'subject: ada, request: "/x/..//%61dmin", expect: { effect: deny, rule: admin }',
    'subject: ada, request: "/admin%2fx", expect: { effect: deny, reason: path_ambiguous }',
    'subject: ada, request: "/../x", expect: { effect: deny, reason: malformed_request }',
    'subject: ada, request: TRACE /, expect: { effect: deny, reason: method_refused }',
    'subject: ada, request: https://no.test, expect: { effect: deny, reason: unknown_host }',
    'subject: ada, request: { url: "https://APP.test.:443/admin" }, expect: { effect: deny, rule: admin }',
    'subject: bot, expect: { effect: allow, rule: bot }',
    'subject: guest, at: 2030-01-31T23:59:59Z, expect: allow',
    'subject: guest, at: 2030-02-01, expect: { effect: deny, reason: grant_expired, rule: guest }',
    'subject: ada, request: /vault/x, expect: { effect: challenge, reason: stronger_proof_needed }',
    'subject: { sub: ada, groups: [sre], claims: { acr: mfa } }, request: /vault/x, expect: allow',
    'subject: ada, request: "https://gitlab.test/api/a%2Fb", expect: allow',
    'subject: { sub: ci/ada, actor: workload, groups: [sre] }, request: https://gitlab.test/api, expect: challenge',
    'subject: { sub: ada, credential: bearer, groups: [sre] }, request: https://gitlab.test/api, expect: challenge',
  ])('%s', async (rest) => {
    expect(await codeOf(rest)).toBe(0)
  })
})

describe('a decision case that comes out otherwise', () => {
  test('is told with what differs and why', async () => {
    const cases = oneCase(
      'subject: { sub: eve, groups: [dba] }, request: POST /x, expect: { effect: allow, reason: rule_matched, rule: sre }',
    )
    await inFolder(cases, async (folder) => {
      const { code, out } = await run(['policy', 'test', folder])
      expect(code).toBe(1)
      expect(out.replace(/\([0-9.]+ s\)/, '(… s)')).toBe(`FAIL ${folder}/app.cases.yaml:8:5: one
     POST https://app.test/x
     as eve (human), groups dba, now
     effect  expected allow, got deny
     reason  expected rule_matched, got no_rule_matched
     rule    expected sre, got none
     why
       [fails] allow app.yaml#sre: all of
         [fails] groups has sre
       [fails] allow app.yaml#bot: all of
         [fails] actor is workload
         [absent] claim/repository is a/b
       [fails] allow app.yaml#guest: all of
         [fails] user is guest

1 cases in ${folder}: 0 as expected, 1 not (… s)
Correct the policy, or the case if the policy is right, then test again.
`)
    })
  })

  test.each([
    'subject: ada, expect: deny',
    'subject: ada, expect: { effect: allow, reason: public_rule }',
    'subject: ada, expect: { effect: allow, rule: bot }',
    'subject: ada, expect: { effect: allow, mode: observe }',
    'subject: anonymous, expect: deny',
  ])('ends with 1: %s', async (rest) => {
    expect(await codeOf(rest)).toBe(1)
  })

  test('ends the process with 1 as well', async () => {
    const main = resolve(import.meta.dirname, '../../src/main.ts')
    const run1 = inFolder(
      oneCase('subject: ada, expect: deny'),
      async (folder) =>
        await promisify(execFile)(process.execPath, [main, 'policy', 'test', folder]),
    )
    await expect(run1).rejects.toMatchObject({ code: 1, stdout: expect.stringContaining('FAIL') })
  })
})

describe('a file of cases with a fault', () => {
  test.each([
    [
      'subject: adda, expect: allow',
      /^app\.cases\.yaml:8:27: cases\[0\]\.subject: people has no adda\. Did you mean ada\?$/m,
    ],
    [
      'subject: ada, expects: allow',
      /:8:32: cases\[0\]\.expects: is not a known key\. Did you mean expect\?/,
    ],
    ['expect: allow', /has no subject\. Write subject/],
    ['subject: { groups: [x] }, expect: allow', /has no sub\. Write/],
    [
      'subject: ada, expect: { effect: deny, reason: rule_matched }',
      /is no reason of deny\. Reasons: denied_by_rule/,
    ],
    ['subject: ada, expect: { effect: deny, reason: nonsense }', /is no reason\./],
    ['subject: ada, expect: maybe', /is no effect\./],
    ['subject: ada, request: "GET nowhere", expect: deny', /is no request\./],
    ['subject: ada, request: { url: "https://a@b/" }, expect: deny', /is not a URL\./],
    ['subject: ada, request: { clientIp: here }, expect: deny', /is no IP address\./],
    ['subject: ada, at: tomorrow, expect: deny', /is no moment\./],
    ['subject: ada, session: { age: long }, expect: deny', /is no duration\./],
  ])('%s', async (rest, message) => {
    await inFolder(oneCase(rest), async (folder) => {
      const { code, err } = await run(['policy', 'test', folder])
      expect(err).toMatch(message)
      expect(code).toBe(2)
    })
  })

  test('two cases of one name', async () => {
    const one = '  - { name: one, subject: ada, expect: allow }\n'
    await inFolder(files(one + one), async (folder) => {
      expect((await run(['policy', 'test', folder])).err).toMatch(/name of another case/)
    })
  })
})

describe('vestibule policy test', () => {
  const TWO =
    '  - { name: "in <&> \\"quoted\\"", subject: ada, expect: allow }\n  - { name: "out \\u0001", subject: ada, expect: deny }\n'

  test('writes JUnit XML', async () => {
    await inFolder(files(TWO), async (folder) => {
      const file = join(folder, 'junit.xml')
      await run(['policy', 'test', folder, '--junit', file])
      const xml = await readFile(file, 'utf8')
      expect(xml).toMatch(/<testsuites name="vestibule policy test" tests="2" failures="1"/)
      expect(xml).toContain('name="in &lt;&amp;&gt; &quot;quoted&quot;"')
      expect(xml).toContain('<failure message="effect: expected deny, got allow">')
      // oxlint-disable-next-line no-control-regex -- XML cannot hold them
      expect(xml).not.toMatch(/[\0-\x08]/)
    })
  })

  test('prints JSON', async () => {
    await inFolder(files(TWO), async (folder) => {
      const { code, out } = await run(['policy', 'test', folder, '--json'])
      expect(code).toBe(1)
      expect(JSON.parse(out)).toMatchObject({
        ok: false,
        passed: 1,
        failed: 1,
        cases: [
          { ok: true, differences: [] },
          { ok: false, differences: [{ what: 'effect', expected: 'deny', got: 'allow' }] },
        ],
      })
    })
  })

  test('runs what --filter finds', async () => {
    await inFolder(files(TWO), async (folder) => {
      const { code, out } = await run(['policy', 'test', folder, '--filter', 'QUOTED'])
      expect([code, out]).toEqual([0, expect.stringMatching(/1 as expected.*1 left out/)])
      expect((await run(['policy', 'test', folder, '--filter', 'nothing'])).code).toBe(2)
    })
  })

  test('finds the folder through the configuration, whose secrets it does not need', async () => {
    const config = 'policies: ./p\nsession: { keysFile: /not/here }\n'
    const inside = Object.entries(files('  - { name: one, subject: ada, expect: allow }\n'))
    const all = {
      ...Object.fromEntries(inside.map(([name, text]) => [`p/${name}`, text])),
      'v.yaml': config,
    }
    await inFolder(all, async (folder) => {
      const file = join(folder, 'v.yaml')
      expect((await run(['policy', 'test', '--config', file])).code).toBe(0)
      expect((await run(['policy', 'test'], { VESTIBULE_CONFIG: file })).code).toBe(0)
    })
  })

  test('could not run without cases, policies or sense', async () => {
    await inFolder({ 'app.yaml': POLICY }, async (folder) => {
      expect((await run(['policy', 'test', folder])).code).toBe(2)
    })
    await inFolder(
      { 'app.yaml': 'hosts: 1\n', 'app.cases.yaml': 'cases: []\n' },
      async (folder) => {
        const { code, err } = await run(['policy', 'test', folder])
        expect([code, err]).toEqual([
          2,
          expect.stringMatching(/app\.yaml.*\n(?:.*\n)*app\.cases\.yaml/),
        ])
      },
    )
    expect((await run(['policy', 'test', '/nowhere'])).code).toBe(2)
  })

  test('takes thousands of cases in its stride', async () => {
    const many = (start: number): string =>
      `${PEOPLE}cases:\n${Array.from({ length: 1500 }, (_each, index) => `  - { name: c${start + index}, subject: ada, request: /x/${index}, expect: allow }\n`).join('')}`
    const all = { 'app.yaml': POLICY, 'a.cases.yaml': many(0), 'b.cases.yaml': many(0) }
    await inFolder(all, async (folder) => {
      const started = performance.now()
      const { code, out } = await run(['policy', 'test', folder])
      expect([code, out]).toEqual([0, expect.stringContaining('3000 cases')])
      expect(performance.now() - started).toBeLessThan(10_000)
    })
  })

  test("passes on the repository's own policies", async () => {
    const { code, out } = await run(['policy', 'test', 'policies'])
    expect([code, out]).toEqual([0, expect.stringContaining('All as expected')])
  })
})
