import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { faultText } from '../core/fault.ts'
import { inventoryPage } from '../edge/reports/inventory-page.ts'
import { sarifLog } from '../edge/reports/sarif.ts'
import { isFault } from '../migrate/inventory/finding.ts'
import { type Inventory, inventoryOf } from '../migrate/inventory/inventory.ts'
import { FINDING_KINDS } from '../migrate/inventory/registry.ts'
import { countOf } from '../migrate/inventory/shown.ts'
import { type Command } from './command.ts'
import { MANIFESTS_HELP, type ManifestsInput, readManifestsInput } from './manifests-input.ts'
import { inventoryText } from './migrate-inventory-text.ts'
import { complain, sayFaults } from './terminal.ts'

export const migrateInventory: Command = {
  name: 'migrate inventory',
  summary: 'find what still hangs on the network, and plan in which order it moves',
  help: `Usage: vestibule migrate inventory [FILE|DIR|- ...] [--format text|json|sarif|html]
                                     [--json] [--out FILE] [--keep-going]

Reads manifests and says what lets people in today, which side doors there are, which
applications it knows, and in which order the hosts can move. Asks no cluster. Values of
Secrets are dropped while reading.

${MANIFESTS_HELP}
  --format        text (default), json, sarif (2.1.0), or html: one page for everybody
  --json          the same as --format json
  --out FILE      write there instead of printing

  kubectl get ingress,ingressclass,service,networkpolicy,configmap,deployment,statefulset,\\
    daemonset,namespace -A -o json | vestibule migrate inventory --format html --out report.html

docs/migrate-inventory.md lists the findings.
Exit codes: 0 nothing but information, 1 findings, 2 could not run.`,
  run: async (args) => {
    const { places, format, out, keepGoing } = parse(args)
    const read = await readManifestsInput(places, keepGoing)
    if (!read.ok) {
      sayFaults(read.failure, format === 'json')
      return 2
    }
    const { cluster, unread, passedOver } = read.value
    for (const fault of unread) complain(faultText(fault))
    if (cluster.objects.length === 0) {
      complain('No Kubernetes object was read, so there is nothing to say.')
      return 2
    }
    if (passedOver.length > 0)
      complain(`No Kubernetes objects: ${countOf(passedOver.length, 'document')}.`)
    const inventory = inventoryOf(cluster)
    const text = FORMATS[format](inventory, read.value)
    if (out === undefined) process.stdout.write(text)
    else await writeFile(out, text)
    return inventory.findings.some(isFault) ? 1 : 0
  },
}

type Format = 'text' | 'json' | 'sarif' | 'html'

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`

const FORMATS: Readonly<Record<Format, (inventory: Inventory, input: ManifestsInput) => string>> = {
  text: inventoryText,
  json: (inventory, { unread }) =>
    json({ ok: !inventory.findings.some(isFault), ...inventory, unread }),
  sarif: ({ findings }) => json(sarifLog(FINDING_KINDS, findings)),
  html: (inventory, { unread }) => inventoryPage(inventory, unread.length),
}

const isFormat = (text: string): text is Format => Object.hasOwn(FORMATS, text)

const parse = (
  args: readonly string[],
): {
  readonly places: readonly string[]
  readonly format: Format
  readonly out: string | undefined
  readonly keepGoing: boolean
} => {
  const { positionals, values } = parseArgs({
    args: [...args],
    options: {
      format: { type: 'string' },
      json: { type: 'boolean', default: false },
      out: { type: 'string' },
      'keep-going': { type: 'boolean', default: false },
    },
    allowPositionals: true,
    strict: true,
  })
  const format = values.format ?? (values.json ? 'json' : 'text')
  if (!isFormat(format)) throw new TypeError('--format is text, json, sarif or html')
  if (values.json && format !== 'json') throw new TypeError('--json and --format contradict')
  return { places: positionals, format, out: values.out, keepGoing: values['keep-going'] }
}
