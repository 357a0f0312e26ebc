import { type ReplayExample, type ReplayFinding, type ReplayReport } from '../core/replay-tally.ts'
import { printable } from './printable.ts'

export type Replay = {
  readonly lines: number
  readonly malformed: { readonly lines: number; readonly first: readonly string[] }
  readonly policyVersion: string
  readonly baselineVersions: readonly string[]
  readonly allowLoss: boolean
  readonly asAnswered: boolean
  readonly report: ReplayReport
}

export const replayJson = ({ report, allowLoss, ...rest }: Replay): string => {
  const { findings, ...counts } = report
  return JSON.stringify(
    {
      ok: counts.lost === 0 || allowLoss,
      ...rest,
      ...counts,
      findings: findings.map((each) => ({
        ...each,
        examples: each.examples.map((example) => ({ ...example, path: textOf(example.path) })),
      })),
    },
    null,
    2,
  )
}

/** Routed paths have one character a byte; people read UTF-8. */
const textOf = (path: string): string => Buffer.from(path, 'latin1').toString('utf8')

export const replayText = (replay: Replay): string => {
  const { report } = replay
  return [
    `Replayed ${counted(report.requests, 'request')}${span(report)} with policies ${replay.policyVersion}.`,
    `  unchanged    ${number(report.unchanged)}`,
    `  lose access  ${number(report.lost)}`,
    `  gain access  ${number(report.gained)}`,
    `  undecidable  ${number(report.undecidable)}${ofThem(report)}`,
    ...Object.entries(report.notComparable).map(
      ([reason, count]) => `  not compared ${number(count)} (${reason})`,
    ),
    ...section(report, 'lost', 'Would lose access:'),
    ...section(report, 'gained', 'Would gain access:'),
    ...section(report, 'undecidable', 'Undecidable, since these facts are not in the log:'),
    ...notes(replay),
    '',
    nextStep(replay),
  ].join('\n')
}

const ofThem = ({ mayLose }: ReplayReport): string =>
  mayLose === 0 ? '' : ` (${mayLose.toLocaleString('en')} of them admitted so far)`

const span = ({ from, to }: ReplayReport): string =>
  from === undefined || to === undefined ? '' : `, recorded ${from} to ${to},`

const number = (count: number): string => count.toLocaleString('en').padStart(9)

const counted = (count: number, what: string): string =>
  `${count.toLocaleString('en')} ${what}${count === 1 ? '' : 's'}`

const section = (
  { findings }: ReplayReport,
  change: ReplayFinding['change'],
  title: string,
): readonly string[] => {
  const own = findings.filter((finding) => finding.change === change)
  return own.length === 0 ? [] : ['', title, ...own.flatMap(findingText)]
}

const findingText = (finding: ReplayFinding): readonly string[] => {
  const { host, requests, principals, hasMorePrincipals, examples } = finding
  const callers = `${hasMorePrincipals ? 'more than ' : ''}${counted(principals, 'caller')}`
  return [
    `  ${host}  ${callers}, ${counted(requests, 'request')}`,
    `    ${explanation(finding)}`,
    ...examples.map((example) => `    ${exampleText(example)}`),
  ]
}

const explanation = ({ change, was, rule, now }: ReplayFinding): string => {
  switch (change) {
    case 'lost':
      return `admitted by ${rule}; now ${now}`
    case 'gained':
      return `now admitted by ${rule} (${now})`
    case 'undecidable':
      return `${was} so far; hangs on ${rule}`
  }
}

const exampleText = ({ principal, method, path, time, decision }: ReplayExample): string =>
  printable(`${principal}  ${method} ${textOf(path)}  ${time}  ${decision}`)

const notes = ({ lines, malformed, report, asAnswered, ...replay }: Replay): readonly string[] => {
  const versions = Object.keys(report.policyVersions)
  const others = versions.filter((version) => !replay.baselineVersions.includes(version))
  const all: readonly (readonly [boolean, string])[] = [
    [
      malformed.lines > 0,
      `Skipped ${counted(malformed.lines, 'line')} of ${lines.toLocaleString('en')}, no decisions (${malformed.first.join(', ')}${malformed.lines > 3 ? ', …' : ''})`,
    ],
    [
      report.observed > 0 && !asAnswered,
      `${counted(report.observed, 'request')} passed only because the host was observed, and count as refused; --as-answered counts them as admitted`,
    ],
    [
      report.undecidable > 0 && others.length > 0,
      `--baseline FOLDER with the policies of the time (${others.slice(0, 3).join(', ')}${others.length > 3 ? ', …' : ''}) may decide more`,
    ],
  ]
  const told = all.filter(([applies]) => applies).map(([, text]) => `Note: ${text}.`)
  return told.length === 0 ? [] : ['', ...told]
}

const nextStep = ({ report, allowLoss }: Replay): string => {
  if (report.lost > 0 && !allowLoss) {
    return 'Somebody would lose access. If that is meant, say --allow-loss; else correct the policies.'
  }
  if (report.undecidable > 0) {
    return 'Next: docs/policy-changes.md shows how to find out what the log leaves open.'
  }
  return report.lost > 0
    ? 'Losses are allowed. Next: docs/policy-changes.md shows how to roll out.'
    : 'Nobody would lose access. Next: vestibule policy diff shows who could reach what else.'
}
