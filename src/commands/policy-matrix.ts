import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { type EpochSeconds } from '../core/ids.ts'
import { accessMatrix } from '../core/policy/access-matrix.ts'
import { createWorlds } from '../core/policy/worlds.ts'
import { type Command } from './command.ts'
import { matrixCsv } from './matrix-csv.ts'
import { matrixHtml } from './matrix-html.ts'
import { matrixText } from './matrix-text.ts'
import { momentOption } from './moment-option.ts'
import { openFolder } from './open-folder.ts'
import { readColumns } from './people-option.ts'
import { findPolicyFolder } from './policy-folder-option.ts'
import { say, sayFaults } from './terminal.ts'

export const policyMatrix: Command = {
  name: 'policy matrix',
  summary: 'show who can reach what: hosts by groups and people',
  help: `Usage: vestibule policy matrix [FOLDER] [--as FILE] [--at TIME]
           [--format text|csv|html] [--out FILE] [--config FILE] [--json]

Works out for every host who can reach it: anonymous callers, anybody signed in, any
workload, one member of each group that a policy names, and people of a file.

  yes      every request         sign-in  callers without credentials are asked to sign in
  no       no request            partly   some requests; the table says what it depends on
  (…)      the host is observed: everybody passes, this is what enforcing would say

  FOLDER         policies; else what the configuration names, else ./policies
  --as FILE      YAML with people: { ada: { groups: [sre], claims: {…} } }, as in a file of cases
  --at TIME      2027-01-31 or 2027-01-31T18:00:00Z; now, if absent
  --format F     text, csv, or html (one page without script)
  --out FILE     write to a file
  --config FILE  configuration; VESTIBULE_CONFIG names it otherwise
  --json         the table as JSON

Exit codes: 0 shown, 2 could not run.`,
  run: async (args, environment) => {
    const options = parse(args)
    const worlds = createWorlds()
    const place = await findPolicyFolder(options, environment)
    const opened = place.ok ? await openFolder(place.value.folder, worlds) : place
    if (!place.ok || !opened.ok) {
      sayFaults(opened.ok ? [] : opened.failure, options.json)
      return 2
    }
    const columns = await readColumns(options.as, [opened.value.served], place.value.issuer)
    if (!columns.ok) {
      sayFaults(columns.failure, options.json)
      return 2
    }
    const matrix = accessMatrix(opened.value, worlds, columns.value, options.at)
    const text = FORMATS[options.format](matrix)
    if (options.out === undefined) say(text)
    else {
      await writeFile(options.out, `${text}\n`)
      const { rows } = matrix
      say(`Wrote ${rows.length} hosts by ${matrix.columns.length} callers to ${options.out}.`)
    }
    return 0
  },
}

const FORMATS = {
  text: matrixText,
  csv: matrixCsv,
  html: matrixHtml,
  json: (matrix: Parameters<typeof matrixText>[0]): string => JSON.stringify(matrix, null, 2),
} as const

type Options = {
  readonly folder: string | undefined
  readonly config: string | undefined
  readonly as: string | undefined
  readonly at: EpochSeconds
  readonly format: keyof typeof FORMATS
  readonly out: string | undefined
  readonly json: boolean
}

const parse = (args: readonly string[]): Options => {
  const { positionals, values } = parseArgs({
    args: [...args],
    options: {
      as: { type: 'string' },
      at: { type: 'string' },
      format: { type: 'string', default: 'text' },
      out: { type: 'string' },
      config: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
    allowPositionals: true,
    strict: true,
  })
  const [folder, ...others] = positionals
  if (others.length > 0) throw new TypeError('name one folder')
  const { as, at, out, config, json } = values
  const format = json ? 'json' : values.format
  if (format !== 'text' && format !== 'csv' && format !== 'html' && format !== 'json') {
    throw new TypeError('--format is text, csv or html')
  }
  return { folder, config, as, at: momentOption(at), format, out, json }
}
