import { join } from 'node:path'
import { type ExplainedRule } from '../core/explain.ts'
import { momentText, principalText, ruleLines } from './policy-explain-report.ts'
import { type CaseResult, type Difference } from './policy-test-run.ts'

/** Lines of explanation for one failure; a host may have hundreds of rules. */
const MOST_LINES = 30

/** A failure as people read it: where, who and what, the differences, and why. */
export const failureText = (folder: string, result: CaseResult): string => {
  const { decisionCase, differences, why, now } = result
  const { file, line, column, name, caller, request } = decisionCase
  const at = decisionCase.at === undefined ? 'now' : `at ${momentText(now)}`
  return [
    `FAIL ${join(folder, file)}:${line}:${column}: ${name}`,
    `     ${request.method} ${request.url}`,
    `     as ${principalText(caller.principal)}, ${at}`,
    ...differences.map(differenceLine),
    ...(result.differences.some(({ what }) => what === 'reason')
      ? []
      : [`     reason  ${result.got.reason}`]),
    ...whyLines(why),
    '',
  ]
    .map(printable)
    .join('\n')
}

/** Names come from files that anybody may propose; none may command the terminal that shows them. */
const printable = (line: string): string => line.replace(/\p{Cc}/gu, '\ufffd')

const differenceLine = ({ what, expected, got }: Difference): string =>
  `     ${what.padEnd(7)} expected ${expected}, got ${got}`

const whyLines = (why: readonly ExplainedRule[]): readonly string[] => {
  if (why.length === 0) return []
  const lines = why.flatMap(ruleLines)
  const shown = lines.slice(0, MOST_LINES).map((line) => `       ${line}`)
  const left = lines.length - shown.length
  return [
    '     why',
    ...shown,
    ...(left > 0 ? [`       and ${left} lines more; vestibule policy explain shows all`] : []),
  ]
}

/** What `--json` prints. */
export const testJson = (folder: string, results: readonly CaseResult[]): string => {
  const failed = results.filter(isFailure).length
  return JSON.stringify(
    {
      ok: failed === 0,
      folder,
      passed: results.length - failed,
      failed,
      cases: results.map(({ decisionCase, got, differences, why, seconds }) => ({
        file: decisionCase.file,
        line: decisionCase.line,
        name: decisionCase.name,
        ok: differences.length === 0,
        expected: decisionCase.expected,
        got,
        differences,
        why,
        seconds,
      })),
    },
    null,
    2,
  )
}

export const isFailure = ({ differences }: CaseResult): boolean => differences.length > 0

/** JUnit XML, as CI systems read it: a suite for each file. */
export const junitXml = (folder: string, results: readonly CaseResult[]): string => {
  const suites = Map.groupBy(results, ({ decisionCase }) => decisionCase.file)
  const total = totals(results)
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="vestibule policy test" ${total}>`,
    ...[...suites].flatMap(([file, cases]) => [
      `  <testsuite name="${xml(join(folder, file))}" ${totals(cases)}>`,
      ...cases.flatMap((result) => testCase(folder, result)),
      '  </testsuite>',
    ]),
    '</testsuites>',
    '',
  ].join('\n')
}

const totals = (results: readonly CaseResult[]): string => {
  const seconds = results.reduce((sum, each) => sum + each.seconds, 0)
  return `tests="${results.length}" failures="${results.filter(isFailure).length}" errors="0" time="${seconds.toFixed(4)}"`
}

const testCase = (folder: string, result: CaseResult): readonly string[] => {
  const { decisionCase, differences, seconds } = result
  const { file, line, name } = decisionCase
  const open = `    <testcase classname="${xml(file)}" name="${xml(name)}" file="${xml(join(folder, file))}" line="${line}" time="${seconds.toFixed(4)}"`
  if (differences.length === 0) return [`${open}/>`]
  const message = differences
    .map(({ what, expected, got }) => `${what}: expected ${expected}, got ${got}`)
    .join('; ')
  return [
    `${open}>`,
    `      <failure message="${xml(message)}">${xml(failureText(folder, result))}</failure>`,
    '    </testcase>',
  ]
}

const ENTITIES: ReadonlyMap<string, string> = new Map([
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
  ['"', '&quot;'],
])

/** XML 1.0 has no way to write most control characters, nor half of a surrogate pair. */
const xml = (text: string): string =>
  text
    .toWellFormed()
    // oxlint-disable-next-line no-control-regex -- control characters are what it looks for
    .replace(/[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]/g, '\ufffd')
    .replace(/[&<>"]/g, (character) => ENTITIES.get(character) ?? character)
