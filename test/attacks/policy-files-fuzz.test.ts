import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { decide } from '../../src/core/decide.ts'
import { faultText } from '../../src/core/fault.ts'
import { ANONYMOUS } from '../../src/core/principal.ts'
import { parseYaml } from '../../src/edge/files/yaml-file.ts'
import { readPolicyFile } from '../../src/edge/policies/policy-file.ts'
import { aRequest, NOW, policiesOf } from '../support/policies.ts'
import { expectFaults, GOOD, withCondition } from './support-policy-files.ts'

const RUNS = Number(process.env['VESTIBULE_FUZZ_RUNS'] ?? 700)
const OPTIONS = { seed: 0x5eed, numRuns: RUNS }

/** Reads a text as a policy file; every fault has a place and a remedy. True where it loads. */
const loads = (text: string): boolean => {
  const startedAt = performance.now()
  const yaml = parseYaml(text, 'app.yaml')
  const document = yaml.ok ? readPolicyFile(yaml.value, new Map()) : yaml
  // A bound on hanging, not on speed: machines are slow at times.
  expect(performance.now() - startedAt).toBeLessThan(10_000)
  if (document.ok) return true
  expect(document.failure.length).toBeGreaterThan(0)
  for (const fault of document.failure) {
    // One line for a terminal: nothing of the file is obeyed.
    expect(faultText(fault)).toMatch(/^app\.yaml(?::\d+:\d+)?: [^\p{Cc}]*\. [^\p{Cc}]+$/u)
  }
  return false
}

/** Nothing but what says `public: true` lets somebody anonymous in. */
const expectClosed = async (text: string): Promise<void> => {
  // A host that stands twice is a fault of the folder, not of the file.
  const policies = await policiesOf({ 'app.yaml': text }).catch(() => undefined)
  if (policies === undefined) return
  for (const policy of [...policies.exact.values(), ...policies.below.values()]) {
    for (const path of ['/', '/api', '/admin', '/public']) {
      const request = aRequest({ path })
      const { effect, reason } = decide(policy, { request, principal: ANONYMOUS, now: NOW })
      const isPublic = /public["']?\s*[:,]/.test(text)
      expect(effect === 'allow' && !(isPublic && reason === 'public_rule') ? text : '').toBe('')
    }
  }
}

const RICH = `
hosts: [app.test, "*.app.test"]
owner: ops@example.com
credentials: [cookie, bearer]
require: { acr: [mfa], authAge: 8h }
policy:
  - id: sre
    allow:
      and:
        - groups: { has: sre }
        - http_path: { starts_with: /api }
      not:
        - user: bob
  - deny: { or: [ { device: { compliant: false } } ] }
  - allow: { and: [ { http_path: /public } ] }
    public: true
    owner: docs@example.com
    until: 2099-12-31
`

const TOKENS = [
  ...': |- |, |[|]|{|}|"|\'|#|&a |*a|!x |!!set |---\n|...\n|%YAML 1.1\n|? |> |\\|<<|~|null|true|no'.split(
    '|',
  ),
  ...'allow|deny|and|or|not|nor|public: true|policy|hosts|until|owner|use|mode|accept: true'.split(
    '|',
  ),
  ...'|\n|\n  |\t|\r| |\0|\u0085|\u2028|\ufeff|__proto__|\u{1f600}'.split('|'),
  '|',
]

const token = fc.constantFrom(...TOKENS)

/** A good file with some places cut, filled, doubled or swapped. */
const mutant = fc
  .tuple(
    fc.constantFrom(GOOD, RICH, withCondition('http_path: /x')),
    fc.array(fc.tuple(fc.nat(700), fc.nat(12), token, fc.nat(3)), { minLength: 1, maxLength: 6 }),
  )
  .map(([text, edits]) =>
    edits.reduce((edited, [where, cut, put, times]) => {
      const at = where % (edited.length + 1)
      return edited.slice(0, at) + put.repeat(times) + edited.slice(at + cut)
    }, text),
  )

/** A good file with whole lines gone, doubled, or in another order. */
const shuffled = fc
  .array(fc.constantFrom(...RICH.split('\n')), { maxLength: 24 })
  .map((lines) => lines.join('\n'))

describe('no text makes the loader throw, hang, or open a door', () => {
  test.each<readonly [string, fc.Arbitrary<string>]>([
    ['mutants of good files', mutant],
    ['lines of good files', shuffled],
    ['tokens of YAML', fc.array(token, { maxLength: 60 }).map((tokens) => tokens.join(''))],
    ['any text', fc.string({ unit: 'binary', maxLength: 300 })],
    ['any JSON', fc.json({ maxDepth: 6 })],
    [
      'a good file with any value',
      fc
        .tuple(fc.constantFrom('hosts', 'policy', 'owner', 'require', 'mode'), fc.json())
        .map(
          ([key, value]) =>
            GOOD.replace(new RegExp(`^${key}:[^\\n]*`, 'm'), '') + `${key}: ${value}\n`,
        ),
    ],
  ])(
    '%s',
    async (_what, arbitrary) => {
      await fc.assert(
        fc.asyncProperty(arbitrary, async (text) => {
          if (loads(text)) await expectClosed(text)
        }),
        OPTIONS,
      )
    },
    Math.max(60_000, 20 * RUNS),
  )
})

const laughs = (depth: number): string =>
  Array.from({ length: depth }, (_, level) => {
    const below = level === 0 ? '"lol"' : `*l${level - 1}`
    return `l${level}: &l${level} [${`${below}, `.repeat(9)}${below}]\n`
  }).join('')

const many = (count: number, line: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => line(index)).join('')

describe('P16 bombs', () => {
  test.each<readonly [string, string]>([
    ['a billion laughs', laughs(10)],
    ['a billion laughs as hosts', `${laughs(10)}${GOOD}`],
    ['an alias to itself', `a: &a [*a]\n${GOOD}`],
    ['merges of merges', many(50, (index) => `m${index}: &m${index} { <<: *m${index - 1} }\n`)],
    ['10,000 lists in lists', '['.repeat(10_000)],
    ['10,000 lists in lists, closed', `${'['.repeat(10_000)}${']'.repeat(10_000)}`],
    ['10,000 mappings in mappings', '{a: '.repeat(10_000)],
    ['lists in lists, paid for in a comment', `# ${']'.repeat(10_000)}\n${'['.repeat(10_000)}`],
    ['10,000 dashes', '- '.repeat(10_000)],
    ['10,000 dashes with two blanks', '-  '.repeat(10_000)],
    ['10,000 dashes with tabs', '-\t'.repeat(10_000)],
    ['dashes and question marks', '- ? '.repeat(5000)],
    ['10,000 question marks', '? '.repeat(10_000)],
    ['10,000 colons', 'a: '.repeat(10_000)],
    ['a staircase of 1,000 steps', many(1000, (index) => `${' '.repeat(index)}a:\n`)],
    ['a staircase of dashes', many(300, (index) => `${' '.repeat(index)}-\n`)],
    ['conditions 60 deep', withCondition(`${'not: [ { '.repeat(20)}user: a${' } ]'.repeat(20)}`)],
    // Comparing each with each took minutes for a file of a megabyte.
    ['20,000 keys', many(20_000, (index) => `k${index}: 1\n`)],
    ['20,000 keys in braces', `{${many(20_000, (index) => `k${index}: 1, `)}}`],
    ['20,000 times one key', 'owner: a\n'.repeat(20_000)],
    ['20,000 keys in a condition', withCondition(`{${many(20_000, (index) => `k${index}: 1, `)}}`)],
    ['20,000 documents', '---\n'.repeat(20_000)],
    ['20,000 directives', '%A b\n'.repeat(20_000)],
    ['20,000 anchors', '&a '.repeat(20_000)],
    ['20,000 tags', '!a '.repeat(20_000)],
    ['20,000 commas', `[${','.repeat(20_000)}]`],
    ['20,000 quotes', '"a\n'.repeat(20_000)],
    ['20,000 escapes', `"${'\\x'.repeat(20_000)}"`],
    ['20,000 closing brackets', 'a: ]\n'.repeat(20_000)],
    ['a key of 200,000 letters', `${'k'.repeat(200_000)}: 1\n`],
    ['a quoted key of 200,000 letters', `{"${'k'.repeat(200_000)}": 1}\n`],
    ['a host of 200,000 letters', GOOD.replace('app.test', 'a'.repeat(200_000))],
    [
      '5,000 bad hosts',
      GOOD.replace(
        'app.test',
        many(5000, () => '_, '),
      ),
    ],
    ['5,000 bad conditions', withCondition('and: [' + many(5000, () => 'x, ') + ']')],
    ['5,000 bad rules', `hosts: [app.test]\npolicy:\n${'  - alow: {}\n'.repeat(5000)}`],
  ])('%s do not hang the loader', async (_what, text) => {
    const before = process.memoryUsage().heapUsed
    await expectFaults(text)
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(200_000_000)
  })
})
