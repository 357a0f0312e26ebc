import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Fault, faultText } from '../core/fault.ts'
import { fail, ok, type Result } from '../core/result.ts'
import { type Stage } from '../migrate/ingress/annotation-change.ts'
import { findHostRules } from '../migrate/ingress/host-rules.ts'
import { type IngressPlan, planIngress } from '../migrate/ingress/ingress-plan.ts'
import { planFiles } from '../migrate/ingress/plan-files.ts'
import {
  type Selected,
  type Selection,
  selectIngresses,
} from '../migrate/ingress/select-ingresses.ts'
import { APPLICATION_PRESETS } from '../presets/applications.ts'
import { type Command, type Environment } from './command.ts'
import { GUARD_HELP, GUARD_OPTIONS, type GuardValues, readGuard } from './guard-option.ts'
import { MANIFESTS_HELP, readManifestsInput } from './manifests-input.ts'
import { fileText, planReport, type ReportFormat } from './migrate-ingress-report.ts'
import { complain, say, sayFaults } from './terminal.ts'

export const migrateIngress: Command = {
  name: 'migrate ingress',
  summary: 'show the exact annotations that guard Ingresses, and the way back',
  help: `Usage: vestibule migrate ingress [FILE|DIR|-]… --public-url URL [OPTIONS]

Says for each Ingress which annotations come, change and go, and why; as text, as patches
or as a kustomize component, each with its inverse. Programs get an Ingress of their own,
without sign-in, where the preset of the application needs one. Changes nothing itself.

${MANIFESTS_HELP}
${GUARD_HELP}
  --app PRESET       preset of these Ingresses, where no policy says app:
  --ingress NS/NAME, --namespace NS, --host HOST, --class NAME
                     only these; each may be repeated
  --stage STAGE      observe keeps address lists and passwords beside a policy that only
                     observes; enforce (the default) takes them away
  --format FORMAT    text (the default), merge (strategic merge patches) or json-patch
  --rollback         with --format: the inverse
  --out FOLDER       write component/, rollback/ (kustomize) and json-patch/ there
  --json             plan and patches as JSON

Exit codes: 0 planned, 1 some Ingress cannot be guarded so, 2 could not run.`,
  run: async (args, environment) => {
    const options = parse(args)
    const made = await makePlans(options, environment)
    if (!made.ok) {
      sayFaults(made.failure, options.json)
      return 2
    }
    const { plans, leftOut, unread } = made.value
    for (const fault of unread) complain(faultText(fault))
    if (options.out !== undefined) await writePlans(plans, options.out)
    say(planReport({ plans, leftOut }, options))
    return plans.some(({ obstacles }) => obstacles.length > 0) || unread.length > 0 ? 1 : 0
  },
}

type Made = Pick<Selected, 'leftOut'> & {
  readonly plans: readonly IngressPlan[]
  readonly unread: readonly Fault[]
}

const makePlans = async (
  options: Options,
  environment: Environment,
): Promise<Result<Made, readonly Fault[]>> => {
  const guard = await readGuard(options.guard, environment)
  if (!guard.ok) return guard
  const input = await readManifestsInput(options.manifests, options.keepGoing)
  if (!input.ok) return input
  const { cluster, unread } = input.value
  const { policies, ...settings } = guard.value
  const publicHost = new URL(settings.guard.publicUrl).hostname
  const { ingresses, leftOut } = selectIngresses(cluster, options.selection, publicHost)
  if (ingresses.length + leftOut.length === 0) return fail([nothingFound()])
  const plans = ingresses.map((ingress) =>
    planIngress(ingress, {
      ...settings,
      ingresses: cluster.ingresses,
      stage: options.stage,
      presetOf: ({ hosts }) =>
        hosts.map((host) => findHostRules(policies ?? [], host)?.app).find(isThere) ?? options.app,
      passesCookies: ({ hosts }) =>
        hosts.some((host) => findHostRules(policies ?? [], host)?.passesCookies === true),
    }),
  )
  return ok({ plans, leftOut, unread })
}

const isThere = (value: string | undefined): value is string => value !== undefined

const nothingFound = (): Fault => ({
  file: 'manifests',
  line: undefined,
  column: undefined,
  key: '',
  problem: 'no Ingress of these was found',
  remedy: 'Check --ingress, --namespace, --host and --class, and what was read.',
})

const writePlans = async (plans: readonly IngressPlan[], folder: string): Promise<void> => {
  for (const file of planFiles(plans)) {
    const path = join(folder, file.name)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, fileText(file))
  }
}

export type Options = {
  readonly manifests: readonly string[]
  readonly keepGoing: boolean
  readonly guard: GuardValues
  readonly app: string | undefined
  readonly selection: Selection
  readonly stage: Stage
  readonly format: ReportFormat
  readonly isRollback: boolean
  readonly out: string | undefined
  readonly json: boolean
}

const FORMATS: readonly ReportFormat[] = ['text', 'merge', 'json-patch']
const STAGES: readonly Stage[] = ['observe', 'enforce']

const parse = (args: readonly string[]): Options => {
  const { positionals, values } = parseArgs({
    args: [...args],
    options: {
      ...GUARD_OPTIONS,
      app: { type: 'string' },
      ingress: { type: 'string', multiple: true, default: [] },
      namespace: { type: 'string', multiple: true, default: [] },
      host: { type: 'string', multiple: true, default: [] },
      class: { type: 'string', multiple: true, default: [] },
      stage: { type: 'string', default: 'enforce' },
      format: { type: 'string', default: 'text' },
      rollback: { type: 'boolean', default: false },
      out: { type: 'string' },
      'keep-going': { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
    allowPositionals: true,
    strict: true,
  })
  if (values.app !== undefined && !APPLICATION_PRESETS.some(({ name }) => name === values.app)) {
    const known = APPLICATION_PRESETS.map(({ name }) => name).join(', ')
    throw new TypeError(`--app ${values.app} is no preset. Known: ${known}`)
  }
  return {
    manifests: positionals,
    keepGoing: values['keep-going'],
    guard: values,
    app: values.app,
    selection: {
      names: values.ingress,
      namespaces: values.namespace,
      hosts: values.host.map((host) => host.toLowerCase()),
      classes: values.class,
    },
    stage: oneOf(STAGES, values.stage, '--stage'),
    format: oneOf(FORMATS, values.format, '--format'),
    isRollback: values.rollback,
    out: values.out,
    json: values.json,
  }
}

const oneOf = <Word extends string>(
  words: readonly Word[],
  written: string,
  option: string,
): Word => {
  const found = words.find((word) => word === written)
  if (found === undefined) throw new TypeError(`${option} is ${words.join(' or ')}`)
  return found
}
