import { parseArgs } from 'node:util'
import { type OpenPolicies } from '../core/policy/open-policies.ts'
import { findPolicy } from '../core/policy/policy.ts'
import { createWorlds, type Worlds } from '../core/policy/worlds.ts'
import { type RecordedDecision } from '../core/recorded-decision.ts'
import { type Candidates, replay } from '../core/replay.ts'
import { createReplayTally } from '../core/replay-tally.ts'
import { readDecisionLine, readLines } from '../edge/observe/decision-lines.ts'
import { type Command } from './command.ts'
import { inFolder, openFolder } from './open-folder.ts'
import { type Replay, replayJson, replayText } from './policy-replay-report.ts'
import { createProgress } from './progress.ts'
import { say, sayFaults } from './terminal.ts'

export const policyReplay: Command = {
  name: 'policy replay',
  summary: 'decide recorded requests again: who would lose access, and who would gain it',
  help: `Usage: vestibule policy replay --log FILE [--log FILE …] --policies NEW
           [--baseline OLD …] [--allow-loss] [--as-answered] [--json]

Decides every request of a decision log again with the policies in NEW, at the moment at
which it was recorded, and compares. Changes nothing, asks nobody.

  --log FILE       decision lines; - is standard input, FILE.gz is unpacked on the way
  --policies NEW   folder with the policies to try
  --baseline OLD   folder with the policies that were in force, recognised by their version:
                   what they decided tells of facts that are not in the log
  --allow-loss     do not fail if somebody loses access
  --as-answered    compare what callers were answered; by default what the rules said,
                   where a host was observed
  --json           the report as JSON

Lines that do not hold what a rule asks for (claims, device, certificates, groups that no
policy of the host named) are counted as undecidable; nothing is guessed.

Exit codes: 0 nobody loses, 1 somebody does (unless --allow-loss), 2 could not run.`,
  run: async (args) => {
    const options = parse(args)
    const worlds = createWorlds()
    const folders = [options.policies, ...options.baselines]
    const read = await Promise.all(folders.map((folder) => openFolder(folder, worlds)))
    const faults = read.flatMap((each, index) =>
      each.ok ? [] : inFolder(folders[index] ?? '', each.failure),
    )
    const [candidate, ...baselines] = read.flatMap((each) => (each.ok ? [each.value] : []))
    if (candidate === undefined || faults.length > 0) {
      sayFaults(faults, options.json)
      return 2
    }
    const replayed = await replayLogs(options, { candidate, baselines, worlds })
    if (replayed.lines > 0 && replayed.report.requests === 0) {
      throw new Error('none of the lines is a decision; is it the decision log?')
    }
    say(options.json ? replayJson(replayed) : replayText(replayed))
    return replayed.report.lost > 0 && !options.allowLoss ? 1 : 0
  },
}

type Options = {
  readonly logs: readonly string[]
  readonly policies: string
  readonly baselines: readonly string[]
  readonly allowLoss: boolean
  readonly asAnswered: boolean
  readonly json: boolean
}

const parse = (args: readonly string[]): Options => {
  const { values } = parseArgs({
    args: [...args],
    options: {
      log: { type: 'string', multiple: true, default: [] },
      policies: { type: 'string' },
      baseline: { type: 'string', multiple: true, default: [] },
      'allow-loss': { type: 'boolean', default: false },
      'as-answered': { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
    strict: true,
  })
  const { log: logs, policies, baseline: baselines, json } = values
  if (logs.length === 0) throw new TypeError('name the decision log: --log FILE, or --log -')
  if (policies === undefined) throw new TypeError('name the policies to try: --policies FOLDER')
  const { 'allow-loss': allowLoss, 'as-answered': asAnswered } = values
  return { logs, policies, baselines, allowLoss, asAnswered, json }
}

type Policies = {
  readonly candidate: OpenPolicies
  readonly baselines: readonly OpenPolicies[]
  readonly worlds: Worlds
}

const replayLogs = async (options: Options, policies: Policies): Promise<Replay> => {
  const candidates: Candidates = { ...policies, asAnswered: options.asAnswered }
  const tally = createReplayTally(labeller(policies))
  const progress = createProgress('decisions')
  const malformed: string[] = []
  let lines = 0
  let bad = 0
  for (const file of options.logs) {
    let number = 0
    for await (const batch of readLines(file)) {
      for (const written of batch) {
        number += 1
        if (written.trim() !== '') {
          lines += 1
          const line = readDecisionLine(written)
          if (line !== undefined) tally.add(line, replay(line, candidates))
          else if ((bad += 1) <= 3) malformed.push(`${file === '-' ? 'line' : `${file}:`}${number}`)
        }
      }
      progress.at(lines)
    }
  }
  progress.end()
  const { allowLoss, asAnswered } = options
  return {
    lines,
    malformed: { lines: bad, first: malformed },
    policyVersion: policies.candidate.served.version,
    baselineVersions: policies.baselines.map(({ served }) => served.version),
    allowLoss,
    asAnswered,
    report: tally.report(),
  }
}

/** Patterns of policies, since callers can make up any number of hosts below a wildcard. */
const labeller =
  ({ candidate, baselines }: Policies): ((line: RecordedDecision) => string) =>
  ({ request: { host } }) => {
    const policy = [candidate, ...baselines]
      .map(({ served }) => findPolicy(served, host))
      .find((each) => each !== undefined)
    return policy?.label ?? host
  }
