import { type StepKind } from '../migrate/verify/step.ts'
import { type Checked, isFine, type Verification } from '../migrate/verify/verification.ts'
import { junitXml } from './junit.ts'
import { printable } from './printable.ts'

export type VerifyReport = Verification & { readonly plan: string; readonly at: Date }

const WHAT: Readonly<Record<StepKind, string>> = {
  anonymous: 'nobody signed in',
  right_person: 'the right person',
  wrong_person: 'the wrong person',
  spoofed_anonymous: 'forged identity headers, nobody signed in',
  spoofed_identity: 'forged identity headers, signed in',
  spoofed_spelling: 'forged identity headers with underscores, signed in',
  impersonation: 'Impersonate-User',
  direct: 'around the ingress',
}

/** `the wrong person (bob): GET /admin`. */
const titleOf = ({ step }: Checked): string => {
  const who = step.caller === undefined ? '' : ` (${step.caller})`
  const what = step.kind === 'direct' ? step.url : pathOf(step.url)
  return `${WHAT[step.kind]}${who}: ${step.method} ${what}`
}

const pathOf = (url: string): string => url.replace(/^https?:\/\/[^/]+/i, '')

export const verifyText = (report: VerifyReport): string => {
  const { checked, leftOut, run } = report
  const failed = checked.filter((each) => !isFine(each)).length
  return [
    ...[...Map.groupBy(checked, ({ step }) => step.host)].flatMap(([host, own]) => [
      host,
      ...own.flatMap(checkedLines),
      ...leftOut.filter((each) => each.host === host).map(({ what }) => `  not checked  ${what}`),
      '',
    ]),
    `${checked.length} requests (${run}): ${checked.length - failed} as planned, ${failed} not.`,
    failed === 0
      ? 'All as planned. Next: vestibule migrate report says which host is ready for its next stage.'
      : 'Correct what is named above, then verify again. Until then keep the old way in place.',
  ].join('\n')
}

const checkedLines = (each: Checked): readonly string[] => [
  printable(`  ${isFine(each) ? 'ok    ' : 'FAILED'}  ${titleOf(each)}  ${outcome(each)}`),
  ...each.findings.flatMap(({ code, problem, remedy }) => [
    printable(`            ${code}: ${problem}`),
    `            ${remedy}`,
  ]),
]

const outcome = ({ answered }: Checked): string =>
  answered.kind === 'answer' ? String(answered.status) : answered.detail

export const verifyJson = ({ plan, at, run, checked, leftOut }: VerifyReport): string =>
  JSON.stringify(
    {
      ok: checked.every(isFine),
      plan,
      at: at.toISOString(),
      run,
      requests: checked.length,
      failed: checked.filter((each) => !isFine(each)).length,
      checks: checked.map(({ step, answered, findings, seconds }) => ({
        host: step.host,
        check: step.kind,
        caller: step.caller,
        method: step.method,
        url: step.url,
        requestId: step.id,
        ok: findings.length === 0,
        status: answered.kind === 'answer' ? answered.status : undefined,
        detail: answered.kind === 'answer' ? undefined : answered.detail,
        findings,
        seconds,
      })),
      notChecked: leftOut,
    },
    null,
    2,
  )

/** A suite for each host. */
export const verifyJunit = ({ plan, checked }: VerifyReport): string =>
  junitXml(
    'vestibule migrate verify',
    [...Map.groupBy(checked, ({ step }) => step.host)].map(([host, own]) => ({
      name: host,
      cases: own.map((each) => ({
        classname: host,
        name: titleOf(each),
        file: plan,
        line: each.step.line,
        seconds: each.seconds,
        failure: isFine(each)
          ? undefined
          : {
              message: each.findings.map(({ code, problem }) => `${code}: ${problem}`).join('; '),
              text: checkedLines(each).join('\n'),
            },
      })),
    })),
  )
