/** What CI systems read of a test run. */
export type JunitSuite = { readonly name: string; readonly cases: readonly JunitCase[] }

export type JunitCase = {
  readonly classname: string
  readonly name: string
  readonly file: string
  readonly line: number
  readonly seconds: number
  readonly failure: { readonly message: string; readonly text: string } | undefined
}

/** JUnit XML, as CI systems read it. */
export const junitXml = (name: string, suites: readonly JunitSuite[]): string =>
  [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="${xml(name)}" ${totals(suites.flatMap(({ cases }) => cases))}>`,
    ...suites.flatMap((suite) => [
      `  <testsuite name="${xml(suite.name)}" ${totals(suite.cases)}>`,
      ...suite.cases.flatMap(testCase),
      '  </testsuite>',
    ]),
    '</testsuites>',
    '',
  ].join('\n')

const totals = (cases: readonly JunitCase[]): string => {
  const seconds = cases.reduce((sum, each) => sum + each.seconds, 0)
  const failures = cases.filter(({ failure }) => failure !== undefined).length
  return `tests="${cases.length}" failures="${failures}" errors="0" time="${seconds.toFixed(4)}"`
}

const testCase = ({
  classname,
  name,
  file,
  line,
  seconds,
  failure,
}: JunitCase): readonly string[] => {
  const open = `    <testcase classname="${xml(classname)}" name="${xml(name)}" file="${xml(file)}" line="${line}" time="${seconds.toFixed(4)}"`
  return failure === undefined
    ? [`${open}/>`]
    : [
        `${open}>`,
        `      <failure message="${xml(failure.message)}">${xml(failure.text)}</failure>`,
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
