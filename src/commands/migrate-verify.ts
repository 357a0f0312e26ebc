import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { type RecordedDecision } from '../core/recorded-decision.ts'
import { createAsk } from '../edge/probe/ask.ts'
import { type ReadyPlan, readPlan } from '../edge/probe/plan-file.ts'
import { judgeAnswer } from '../migrate/verify/judge-answer.ts'
import { judgeLog } from '../migrate/verify/judge-log.ts'
import { leftOutOf } from '../migrate/verify/left-out.ts'
import { type Answered, type Step } from '../migrate/verify/step.ts'
import { stepsOf } from '../migrate/verify/steps.ts'
import { isFine, type Verification } from '../migrate/verify/verification.ts'
import { type Command } from './command.ts'
import { startLogSearch } from './log-search.ts'
import { verifyJson, verifyJunit, verifyText } from './migrate-verify-report.ts'
import { say, sayFaults } from './terminal.ts'

export const migrateVerify: Command = {
  name: 'migrate verify',
  summary: 'ask running hosts as anybody, the wrong and the right person, and check the log',
  help: `Usage: vestibule migrate verify --plan PLAN.yaml (--log FILE … | --no-log)
           [--junit FILE] [--json]

Asks the hosts of a plan as somebody anonymous, as people who may and who may not pass,
with forged identity headers, and around the ingress; then finds each of these requests
in the decision log by its request id, and checks what stands there. No other host is
contacted, no redirect is followed, and each request has a deadline.

  --plan FILE    hosts, callers and what should come out; docs/migrate-verify.md shows one
  --log FILE     decision log to which the service is writing; - is standard input, as in
                 kubectl logs -f … | vestibule migrate verify --plan PLAN.yaml --log -
  --no-log       do without; it is said what then is not proved
  --junit FILE   write the results as JUnit XML as well
  --json         print the results as JSON

Cookies and tokens come from the environment or from files that the plan names.

Exit codes: 0 all as planned, 1 something is not, 2 could not run.`,
  run: async (args, environment) => {
    const options = parse(args)
    const read = await readPlan(options.plan, environment)
    if (!read.ok) {
      sayFaults(read.failure, options.json)
      return 2
    }
    const verification = await verify(read.value, options.logs)
    const report = { ...verification, plan: options.plan, at: new Date() }
    if (options.junit !== undefined) await writeFile(options.junit, verifyJunit(report))
    say(options.json ? verifyJson(report) : verifyText(report))
    return verification.checked.every(isFine) ? 0 : 1
  },
}

type Options = {
  readonly plan: string
  /** None with `--no-log`. */
  readonly logs: readonly string[]
  readonly junit: string | undefined
  readonly json: boolean
}

const parse = (args: readonly string[]): Options => {
  const { values } = parseArgs({
    args: [...args],
    options: {
      plan: { type: 'string' },
      log: { type: 'string', multiple: true, default: [] },
      'no-log': { type: 'boolean', default: false },
      junit: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
    strict: true,
  })
  const { plan, log: logs, 'no-log': noLog, junit, json } = values
  if (plan === undefined) throw new TypeError('name the plan: --plan PLAN.yaml')
  if (logs.length === 0 && !noLog) {
    throw new TypeError('name the decision log: --log FILE, --log -, or do without: --no-log')
  }
  if (logs.length > 0 && noLog) throw new TypeError('--log and --no-log exclude each other')
  return { plan, logs, junit, json }
}

/** Hosts are asked side by side, the requests of one host in turn. */
const MOST_AT_ONCE = 8

const verify = async (ready: ReadyPlan, logs: readonly string[]): Promise<Verification> => {
  const run = `verify-${randomBytes(6).toString('hex')}`
  const steps = stepsOf(ready.plan, run)
  const search = await startLogSearch(logs, new Set(steps.map(({ id }) => id)))
  try {
    const answers = await askAll(ready, steps)
    const written =
      logs.length === 0 ? undefined : await search.until(ready.logWaitMs, wanted(answers))
    return {
      run,
      leftOut: leftOutOf(ready.plan, logs.length > 0),
      checked: answers.map(({ step, answered, seconds }) => ({
        step,
        answered,
        seconds,
        findings: [...judgeAnswer(step, answered), ...loggedFindings(step, answered, written)],
      })),
    }
  } finally {
    await search.stop()
  }
}

type Asked = { readonly step: Step; readonly answered: Answered; readonly seconds: number }

/** Only what was answered can have been decided. */
const wanted = (answers: readonly Asked[]): readonly string[] =>
  answers
    .filter(({ step, answered }) => step.decision !== undefined && answered.kind === 'answer')
    .map(({ step }) => step.id)

const loggedFindings = (
  step: Step,
  answered: Answered,
  written: ReadonlyMap<string, readonly RecordedDecision[]> | undefined,
): ReturnType<typeof judgeLog> =>
  written === undefined || answered.kind !== 'answer'
    ? []
    : judgeLog(step, written.get(step.id) ?? [])

const askAll = async (ready: ReadyPlan, steps: readonly Step[]): Promise<readonly Asked[]> => {
  const ask = createAsk({ deadlineMs: ready.deadlineMs, ca: ready.ca })
  const waiting = [...Map.groupBy(steps, ({ host }) => host).values()]
  const answers = new Map<string, Asked>()
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      for (const step of next) {
        const begun = performance.now()
        const answered = await ask({
          url: step.url,
          method: step.method,
          address: step.address,
          headers: headersOf(step, ready),
          trustsAnybody: step.kind === 'direct',
        })
        answers.set(step.id, { step, answered, seconds: (performance.now() - begun) / 1000 })
      }
    }
  }
  await Promise.all(Array.from({ length: MOST_AT_ONCE }, work))
  return steps.flatMap(({ id }) => answers.get(id) ?? [])
}

const headersOf = (
  { id, caller, headers }: Step,
  { plan, secrets, cookieName }: ReadyPlan,
): readonly (readonly [string, string])[] => {
  const secret = caller === undefined ? undefined : secrets.get(caller)
  const kind = caller === undefined ? undefined : plan.callers.get(caller)?.credential
  return [
    ['X-Request-ID', id],
    ['User-Agent', 'vestibule-migrate-verify'],
    ...headers,
    ...(secret === undefined ? [] : [credentialHeader(kind, cookieName, secret.reveal())]),
  ]
}

const credentialHeader = (
  kind: 'cookie' | 'bearer' | undefined,
  cookieName: string,
  value: string,
): readonly [string, string] =>
  kind === 'bearer' ? ['Authorization', `Bearer ${value}`] : ['Cookie', `${cookieName}=${value}`]
