import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Command } from './command.ts'
import { MANIFESTS_HELP } from './manifests-input.ts'
import {
  type ProxyReport,
  proxyFiles,
  proxyReportJson,
  proxyReportText,
} from './migrate-oauth2-proxy-report.ts'
import { makeProxyReport } from './migrate-oauth2-proxy-run.ts'
import { say, sayFaults } from './terminal.ts'

export const migrateOauth2Proxy: Command = {
  name: 'migrate oauth2-proxy',
  summary: 'the configuration and policies that correspond to an oauth2-proxy',
  help: `Usage: vestibule migrate oauth2-proxy --settings FILE [--host HOST]… [--out FOLDER]
       vestibule migrate oauth2-proxy [FILE|DIR|-]… [--proxy NS/NAME] [--out FOLDER]

Reads the configuration file of oauth2-proxy, its flags or its variables, or finds it among
manifests; prints the configuration of Vestibule, a policy for each host that asks it, and
what became of each flag. Secrets are neither printed nor carried over.

${MANIFESTS_HELP}
  --settings FILE   its configuration file; or its flags or variables, one a line
  --proxy NS/NAME   the workload, where the manifests have several
  --host HOST       a host that asks it, where no Ingress says so; may be repeated
  --out FOLDER      write vestibule.yaml and policies/ there; files that are there stay
  --json            all of it as JSON

Exit codes: 0 all carried over, 1 something was not, 2 could not run.`,
  run: async (args) => {
    const options = parse(args)
    const made = await makeProxyReport(options)
    if (!made.ok) {
      sayFaults(made.failure, options.json)
      return 2
    }
    const report = made.value
    if (options.out !== undefined) await writeProxyFiles(report, options.out)
    say(options.json ? proxyReportJson(report) : proxyReportText(report, options.out))
    const isWhole =
      report.translation.leftovers.length === 0 && report.flags.every(({ fate }) => fate !== 'none')
    return isWhole ? 0 : 1
  },
}

/** Somebody may have filled them in since. */
const writeProxyFiles = async (report: ProxyReport, folder: string): Promise<void> => {
  for (const { name, text } of proxyFiles(report)) {
    const path = join(folder, name)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, text, { flag: 'wx' })
  }
}

export type ProxyOptions = {
  readonly manifests: readonly string[]
  readonly keepGoing: boolean
  readonly settings: string | undefined
  readonly proxy: string | undefined
  readonly hosts: readonly string[]
  readonly out: string | undefined
  readonly json: boolean
}

const parse = (args: readonly string[]): ProxyOptions => {
  const { positionals, values } = parseArgs({
    args: [...args],
    options: {
      settings: { type: 'string' },
      proxy: { type: 'string' },
      host: { type: 'string', multiple: true, default: [] },
      out: { type: 'string' },
      'keep-going': { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
    allowPositionals: true,
    strict: true,
  })
  return {
    manifests: positionals,
    keepGoing: values['keep-going'],
    settings: values.settings,
    proxy: values.proxy,
    hosts: values.host.map((host) => host.toLowerCase()),
    out: values.out,
    json: values.json,
  }
}
