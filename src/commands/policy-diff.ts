import { parseArgs } from 'node:util'
import { type EpochSeconds } from '../core/ids.ts'
import { accessDiff } from '../core/policy/access-diff.ts'
import { createWorlds } from '../core/policy/worlds.ts'
import { type Command } from './command.ts'
import { momentOption } from './moment-option.ts'
import { inFolder, openFolder } from './open-folder.ts'
import { readColumns } from './people-option.ts'
import { diffJson, diffText, isFinding } from './policy-diff-report.ts'
import { DEFAULT_ISSUER } from './policy-folder-option.ts'
import { say, sayFaults } from './terminal.ts'

export const policyDiff: Command = {
  name: 'policy diff',
  summary: 'show what a change of policies gives to whom, and takes away',
  help: `Usage: vestibule policy diff OLD NEW [--as FILE] [--at TIME]
           [--allow-loss] [--allow-gain] [--json]

Compares two folders of policies by what they let through, not by their text: for every
host, and for anonymous callers, anybody signed in, any workload, one member of each
group that either names, and people of a file. Hosts added and removed, modes and owners
too. Asks nobody, changes nothing.

  --as FILE      YAML with people: { ada: { groups: [sre] } }, as in a file of cases
  --at TIME      2027-01-31 or 2027-01-31T18:00:00Z; now, if absent
  --allow-loss   do not fail if somebody loses access, or a host begins to be enforced
  --allow-gain   do not fail if somebody gains access, or a host is no longer enforced
  --json         the changes as JSON

Exit codes: 0 nobody gains or loses (or it is allowed), 1 somebody does, 2 could not run.`,
  run: async (args) => {
    const options = parse(args)
    const worlds = createWorlds()
    const before = await openFolder(options.before, worlds)
    const after = await openFolder(options.after, worlds)
    if (!before.ok || !after.ok) {
      const faults = [
        ...(before.ok ? [] : inFolder(options.before, before.failure)),
        ...(after.ok ? [] : inFolder(options.after, after.failure)),
      ]
      sayFaults(faults, options.json)
      return 2
    }
    const sets = [before.value.served, after.value.served]
    const columns = await readColumns(options.as, sets, DEFAULT_ISSUER)
    if (!columns.ok) {
      sayFaults(columns.failure, options.json)
      return 2
    }
    const compared = { before: before.value, after: after.value, worlds }
    const diff = accessDiff(compared, columns.value, options.at)
    say(options.json ? diffJson(diff, options) : diffText(diff, options))
    return isFinding(diff, options) ? 1 : 0
  },
}

type Options = {
  readonly before: string
  readonly after: string
  readonly as: string | undefined
  readonly at: EpochSeconds
  readonly allowLoss: boolean
  readonly allowGain: boolean
  readonly json: boolean
}

const parse = (args: readonly string[]): Options => {
  const { positionals, values } = parseArgs({
    args: [...args],
    options: {
      as: { type: 'string' },
      at: { type: 'string' },
      'allow-loss': { type: 'boolean', default: false },
      'allow-gain': { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
    allowPositionals: true,
    strict: true,
  })
  const [before, after, ...others] = positionals
  if (before === undefined || after === undefined || others.length > 0) {
    throw new TypeError('name two folders: the policies before, and after')
  }
  const { as, at, 'allow-loss': allowLoss, 'allow-gain': allowGain, json } = values
  return { before, after, as, at: momentOption(at), allowLoss, allowGain, json }
}
