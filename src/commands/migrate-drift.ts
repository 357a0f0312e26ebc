import { parseArgs } from 'node:util'
import { stringify } from 'yaml'
import { faultText } from '../core/fault.ts'
import { admissionPolicy } from '../migrate/drift/admission-policy.ts'
import { findDrift } from '../migrate/drift/drift.ts'
import { selectIngresses } from '../migrate/ingress/select-ingresses.ts'
import { APPLICATION_PRESETS } from '../presets/applications.ts'
import { type Command, type ExitCode } from './command.ts'
import {
  GUARD_HELP,
  GUARD_OPTIONS,
  type GuardInput,
  type GuardValues,
  readGuard,
} from './guard-option.ts'
import { MANIFESTS_HELP, readManifestsInput } from './manifests-input.ts'
import { driftJson, driftText } from './migrate-drift-report.ts'
import { complain, say, sayFaults } from './terminal.ts'

export const migrateDrift: Command = {
  name: 'migrate drift',
  summary: 'compare a cluster with its policies, and make the admission policy that keeps it so',
  help: `Usage: vestibule migrate drift [FILE|DIR|-]… --public-url URL [OPTIONS]
       vestibule migrate drift --admission-policy --class NAME --public-url URL

Says where Ingresses do not ask Vestibule although they should, or not as they should,
which hosts have no policy, and which ways lead around. For a pipeline, and for a CronJob
that pipes kubectl get -o json into it. Changes nothing.

${MANIFESTS_HELP}
${GUARD_HELP}
  --class NAME       every Ingress of this class has to ask; may be repeated
  --except NS/NAME   an Ingress or Service that is open on purpose; may be repeated
  --json             findings as JSON
  --admission-policy print a ValidatingAdmissionPolicy with its binding: it refuses an
                     Ingress of a --class that would not ask
  --exempt NAMESPACE with it: not there; vestibule, if none is named; may be repeated
  --audit            with it: warn and record instead of refusing

docs/migrate-drift.md lists the findings.
Exit codes: 0 no drift, 1 some, 2 could not run.`,
  run: async (args, environment) => {
    const options = parse(args)
    const guard = await readGuard(options.guard, environment)
    if (!guard.ok) {
      sayFaults(guard.failure, options.json)
      return 2
    }
    return options.isAdmission
      ? sayAdmission(options, guard.value)
      : await compare(options, guard.value)
  },
}

const compare = async (options: Options, input: GuardInput): Promise<ExitCode> => {
  const read = await readManifestsInput(options.manifests, options.keepGoing)
  if (!read.ok) {
    sayFaults(read.failure, options.json)
    return 2
  }
  const { cluster, unread } = read.value
  for (const fault of unread) complain(faultText(fault))
  if (input.policies === undefined && options.classes.length === 0) {
    complain('Without --policies and --class only Ingresses are looked at that ask already.')
  }
  const publicHost = new URL(input.guard.publicUrl).hostname
  const { ingresses } = selectIngresses(cluster, EVERYTHING, publicHost)
  const findings = findDrift(cluster, ingresses, {
    ...input,
    classes: options.classes,
    exempt: options.except,
    presetHeaders: (app) =>
      APPLICATION_PRESETS.find(({ name }) => name === app)?.headers.map(([name]) => name) ?? [],
  })
  say(options.json ? driftJson(findings) : driftText(findings, ingresses.length))
  return findings.length > 0 || unread.length > 0 ? 1 : 0
}

const EVERYTHING = { names: [], hosts: [], namespaces: [], classes: [] }

const sayAdmission = (options: Options, { guard }: GuardInput): ExitCode => {
  if (options.classes.length === 0) throw new TypeError('say which --class is guarded')
  const objects = admissionPolicy({
    guard,
    classes: options.classes,
    exempt: options.exempt.length === 0 ? ['vestibule'] : options.exempt,
    action: options.isAudit ? 'audit' : 'deny',
  })
  say(
    options.json
      ? JSON.stringify(objects, null, 2)
      : objects
          .map((object) => stringify(object, { lineWidth: 0 }))
          .join('---\n')
          .trimEnd(),
  )
  return 0
}

type Options = {
  readonly manifests: readonly string[]
  readonly keepGoing: boolean
  readonly guard: GuardValues
  readonly classes: readonly string[]
  readonly except: readonly string[]
  readonly exempt: readonly string[]
  readonly isAdmission: boolean
  readonly isAudit: boolean
  readonly json: boolean
}

const parse = (args: readonly string[]): Options => {
  const { positionals, values } = parseArgs({
    args: [...args],
    options: {
      ...GUARD_OPTIONS,
      class: { type: 'string', multiple: true, default: [] },
      except: { type: 'string', multiple: true, default: [] },
      exempt: { type: 'string', multiple: true, default: [] },
      'admission-policy': { type: 'boolean', default: false },
      audit: { type: 'boolean', default: false },
      'keep-going': { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
    allowPositionals: true,
    strict: true,
  })
  return {
    manifests: positionals,
    keepGoing: values['keep-going'],
    guard: values,
    classes: values.class,
    except: values.except,
    exempt: values.exempt,
    isAdmission: values['admission-policy'],
    isAudit: values.audit,
    json: values.json,
  }
}
