import { join } from 'node:path'
import { type ExplainedRule } from '../core/explain.ts'
import { type JunitCase, junitXml } from './junit.ts'
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
export const testJunit = (folder: string, results: readonly CaseResult[]): string => {
  const suites = Map.groupBy(results, ({ decisionCase }) => decisionCase.file)
  return junitXml(
    'vestibule policy test',
    [...suites].map(([file, cases]) => ({
      name: join(folder, file),
      cases: cases.map((result) => junitCase(folder, result)),
    })),
  )
}

const junitCase = (folder: string, result: CaseResult): JunitCase => {
  const { decisionCase, differences, seconds } = result
  const { file, line, name } = decisionCase
  const message = differences
    .map(({ what, expected, got }) => `${what}: expected ${expected}, got ${got}`)
    .join('; ')
  const failure = isFailure(result) ? { message, text: failureText(folder, result) } : undefined
  return { classname: file, name, file: join(folder, file), line, seconds, failure }
}
