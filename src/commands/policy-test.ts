import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { type Fault } from '../core/fault.ts'
import { epochSeconds } from '../core/ids.ts'
import { type PolicySet } from '../core/policy/policy.ts'
import { fail, ok, type Result } from '../core/result.ts'
import { type DecisionCase } from '../edge/policies/cases-file.ts'
import { readCasesFolder } from '../edge/policies/cases-folder.ts'
import { readPolicyFolder } from '../edge/policies/policy-folder.ts'
import { type Command } from './command.ts'
import { findPolicyFolder, type PolicyPlace } from './policy-folder-option.ts'
import { failureText, isFailure, testJson, testJunit } from './policy-test-report.ts'
import { type CaseResult, runCase } from './policy-test-run.ts'
import { complain, say, sayFaults } from './terminal.ts'

export const policyTest: Command = {
  name: 'policy test',
  summary: 'run the decision cases that lie beside the policies',
  help: `Usage: vestibule policy test [FOLDER] [--config FILE] [--filter TEXT] [--junit FILE] [--json]

Decides every case of FOLDER/*.cases.yaml as the service would, and compares effect,
reason, rule and mode with what the case expects. Asks nobody, changes nothing.

  FOLDER          policies and cases; else what the configuration names, else ./policies
  --config FILE   configuration; VESTIBULE_CONFIG names it otherwise
  --filter TEXT   only cases whose name, URL or file contains TEXT, in any case
  --junit FILE    write the results as JUnit XML as well
  --json          print the results as JSON

Exit codes: 0 all as expected, 1 some case differs, 2 could not run.`,
  run: async (args, environment) => {
    const options = parse(args)
    const place = await findPolicyFolder(options, environment)
    const read = place.ok ? await readAll(place.value) : place
    if (!place.ok || !read.ok) {
      sayFaults(read.ok ? [] : read.failure, options.json)
      return 2
    }
    const { folder } = place.value
    const chosen = read.value.cases.filter((each) => matches(each, options.filter))
    if (chosen.length === 0) {
      complain(nothingToRun(folder, read.value.cases.length))
      return 2
    }
    const clock = epochSeconds(Date.now() / 1000)
    const results = chosen.map((each) => runCase(read.value.policies, each, clock))
    if (options.junit !== undefined) await writeFile(options.junit, testJunit(folder, results))
    if (options.json) say(testJson(folder, results))
    else sayResults(folder, results, read.value.cases.length - chosen.length)
    return results.some(isFailure) ? 1 : 0
  },
}

type Options = {
  readonly folder: string | undefined
  readonly config: string | undefined
  readonly filter: string
  readonly junit: string | undefined
  readonly json: boolean
}

const parse = (args: readonly string[]): Options => {
  const { positionals, values } = parseArgs({
    args: [...args],
    options: {
      config: { type: 'string' },
      filter: { type: 'string', default: '' },
      junit: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
    allowPositionals: true,
    strict: true,
  })
  const [folder, ...others] = positionals
  if (others.length > 0) throw new TypeError('name one folder')
  const { config, filter, junit, json } = values
  return { folder, config, filter, junit, json }
}

type Input = { readonly policies: PolicySet; readonly cases: readonly DecisionCase[] }

/** Policies and cases, or the faults of both together. */
const readAll = async ({
  folder,
  issuer,
}: PolicyPlace): Promise<Result<Input, readonly Fault[]>> => {
  const [policies, cases] = await Promise.all([
    readPolicyFolder(folder),
    readCasesFolder(folder, issuer),
  ])
  return policies.ok && cases.ok
    ? ok({ policies: policies.value.policies, cases: cases.value.cases })
    : fail([policies, cases].flatMap((part) => (part.ok ? [] : part.failure)))
}

const matches = ({ name, file, request }: DecisionCase, filter: string): boolean =>
  [name, file, request.url].some((text) => text.toLowerCase().includes(filter.toLowerCase()))

const nothingToRun = (folder: string, count: number): string =>
  count === 0
    ? `${folder} has no case. Write one in ${folder}/NAME.cases.yaml; docs/policy-tests.md shows how.`
    : `None of ${count} cases matches --filter.`

const sayResults = (folder: string, results: readonly CaseResult[], left: number): void => {
  const failures = results.filter(isFailure)
  for (const failure of failures) say(failureText(folder, failure))
  const seconds = results.reduce((sum, each) => sum + each.seconds, 0)
  const skipped = left > 0 ? `, ${left} left out by --filter` : ''
  say(
    `${results.length} cases in ${folder}: ${results.length - failures.length} as expected, ${failures.length} not${skipped} (${seconds.toFixed(2)} s)`,
  )
  say(
    failures.length === 0
      ? 'All as expected. Next: vestibule policy lint.'
      : 'Correct the policy, or the case if the policy is right, then test again.',
  )
}
