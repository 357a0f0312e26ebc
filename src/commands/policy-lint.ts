import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Fault } from '../core/fault.ts'
import { epochSeconds } from '../core/ids.ts'
import { parseOriginalUrl } from '../core/original-url.ts'
import { lintPolicies } from '../core/policy/lint.ts'
import {
  LINT_FINDINGS,
  type LintedRuleSet,
  type LintId,
  type LintInput,
  type Severity,
} from '../core/policy/lint-finding.ts'
import { type YamlFile } from '../edge/files/yaml-file.ts'
import { type CasesFolder, readCasesFolder } from '../edge/policies/cases-folder.ts'
import { holdsRuleSets, ruleSetNames } from '../edge/policies/policy-file.ts'
import { type PolicyFolder, readPolicyFolder } from '../edge/policies/policy-folder.ts'
import { type Command } from './command.ts'
import { findPolicyFolder, type PolicyPlace } from './policy-folder-option.ts'
import { say, sayFaults } from './terminal.ts'

export const policyLint: Command = {
  name: 'policy lint',
  summary: 'find what is wrong, or looks wrong, in policies and their cases',
  help: `Usage: vestibule policy lint [FOLDER] [--config FILE] [--json]

Reads FOLDER as the service would and says what it would refuse, then what it would
take but nobody can have meant. Asks nobody, changes nothing.

  FOLDER          policies and cases; else what the configuration names, else ./policies
  --config FILE   configuration; VESTIBULE_CONFIG names it otherwise
  --json          print the findings as JSON

docs/policy-tests.md lists the findings.
Exit codes: 0 nothing but information, 1 some error or warning, 2 could not run.`,
  run: async (args, environment) => {
    const { json, ...options } = parse(args)
    const place = await findPolicyFolder(options, environment)
    if (!place.ok) {
      sayFaults(place.failure, json)
      return 2
    }
    const { folder } = place.value
    const findings = await lintFolder(place.value)
    const unreadable = findings.filter(({ file }) => file === folder)
    if (unreadable.length > 0) {
      sayFaults(unreadable, json)
      return 2
    }
    const isFine = findings.every(({ severity }) => severity === 'info')
    if (json) say(JSON.stringify({ ok: isFine, folder, findings }, null, 2))
    else sayFindings(folder, findings)
    return isFine ? 0 : 1
  },
}

const parse = (
  args: readonly string[],
): {
  readonly folder: string | undefined
  readonly config: string | undefined
  readonly json: boolean
} => {
  const { positionals, values } = parseArgs({
    args: [...args],
    options: { config: { type: 'string' }, json: { type: 'boolean', default: false } },
    allowPositionals: true,
    strict: true,
  })
  const [folder, ...others] = positionals
  if (others.length > 0) throw new TypeError('name one folder')
  return { folder, config: values.config, json: values.json }
}

/** A finding with its place in the file, as it is printed. */
type PlacedFinding = { readonly id: LintId; readonly severity: Severity } & Fault

const lintFolder = async ({ folder, issuer }: PolicyPlace): Promise<readonly PlacedFinding[]> => {
  const [policies, cases] = await Promise.all([
    readPolicyFolder(folder),
    readCasesFolder(folder, issuer),
  ])
  if (policies.ok && cases.ok) return lintRead(policies.value, cases.value)
  return [policies, cases]
    .flatMap((part) => (part.ok ? [] : part.failure))
    .map((fault) => ({ id: 'faulty_file', severity: 'error', ...fault }))
}

const lintRead = (policies: PolicyFolder, cases: CasesFolder): readonly PlacedFinding[] => {
  const yamls = new Map([...policies.yamls, ...cases.yamls].map((yaml) => [yaml.file, yaml]))
  return lintPolicies(inputOf(policies, cases))
    .map(({ id, place: { file, path }, problem, remedy }): PlacedFinding => {
      const at = yamls.get(file)?.placeOf(path, typeof path.at(-1) === 'string')
      const key = keyText(path)
      const { severity } = LINT_FINDINGS[id]
      return { id, severity, file, line: at?.line, column: at?.column, key, problem, remedy }
    })
    .toSorted((one, other) => one.file.localeCompare(other.file) || lineOf(one) - lineOf(other))
}

const lineOf = ({ line }: Fault): number => line ?? 0

/** `policy[1].allow` */
const keyText = (path: readonly (string | number)[]): string =>
  path
    .map((name) => (typeof name === 'number' ? `[${name}]` : `.${name}`))
    .join('')
    .replace(/^\./, '')

const inputOf = ({ read, yamls, policies }: PolicyFolder, { cases }: CasesFolder): LintInput => ({
  files: read.map(({ yaml, document }) => ({ file: yaml.file, document })),
  ruleSets: ruleSetsOf(yamls, read),
  cases: cases.map(({ file, index, request, expected: { effect, reason } }) => ({
    place: { file, path: ['cases', index] },
    host: parseOriginalUrl(request.url)?.host,
    effect,
    reason,
  })),
  policies,
  now: epochSeconds(Date.now() / 1000),
})

/** A set is used where one of its rules is among those of a file. */
const ruleSetsOf = (
  yamls: readonly YamlFile[],
  read: PolicyFolder['read'],
): readonly LintedRuleSet[] => {
  const used = new Set(
    read.flatMap(({ document }) =>
      document.rules.flatMap(({ place: { path } }) =>
        path[0] === 'ruleSets' ? [String(path[1])] : [],
      ),
    ),
  )
  return yamls.filter(holdsRuleSets).flatMap((yaml) =>
    ruleSetNames(yaml).map((name) => ({
      place: { file: yaml.file, path: ['ruleSets', name] },
      name,
      isUsed: used.has(name),
    })),
  )
}

const sayFindings = (folder: string, findings: readonly PlacedFinding[]): void => {
  for (const finding of findings) say(findingText(folder, finding))
  const count = (wanted: Severity): number =>
    findings.filter(({ severity }) => severity === wanted).length
  say(
    `${folder}: ${count('error')} errors, ${count('warning')} warnings, ${count('info')} to know of`,
  )
  say(
    count('error') + count('warning') === 0
      ? 'Nothing to correct. Next: vestibule policy test.'
      : 'Correct what is named above, then lint again; docs/policy-tests.md says more.',
  )
}

const findingText = (folder: string, finding: PlacedFinding): string => {
  const { id, severity, file, line, column, key, problem, remedy } = finding
  const place = [join(folder, file), ...(line === undefined ? [] : [line, column ?? 1])].join(':')
  const about = severity === 'error' && key !== '' ? `${key}: ` : ''
  return `${place}: ${severity} ${id}: ${about}${problem}. ${remedy}`
}
