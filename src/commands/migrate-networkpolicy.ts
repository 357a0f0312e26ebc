import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { faultText } from '../core/fault.ts'
import { type Selection, servedIngresses } from '../migrate/ingress/select-ingresses.ts'
import { backEndsOf } from '../migrate/network/back-end.ts'
import { controllerPlaces, type PodPlace, placeText } from '../migrate/network/controller-place.ts'
import { networkFindings } from '../migrate/network/network-finding.ts'
import {
  type NetworkSettings,
  type PlannedPolicy,
  planPolicy,
  policyManifest,
} from '../migrate/network/network-plan.ts'
import { proveReach } from '../migrate/network/reach-proof.ts'
import { type Command } from './command.ts'
import { MANIFESTS_HELP, readManifestsInput } from './manifests-input.ts'
import {
  type NetworkFormat,
  networkReport,
  policyFileName,
  policyYaml,
} from './migrate-networkpolicy-report.ts'
import { complain, say, sayFaults } from './terminal.ts'

const USUAL: PodPlace = {
  namespace: 'ingress-nginx',
  labels: {
    'app.kubernetes.io/name': 'ingress-nginx',
    'app.kubernetes.io/component': 'controller',
  },
}
const CONTROLLER = placeText(USUAL)
const MONITORING = 'monitoring/app.kubernetes.io/name=prometheus'

export const migrateNetworkpolicy: Command = {
  name: 'migrate networkpolicy',
  summary: 'close the ways around the controller, and prove who still gets through',
  help: `Usage: vestibule migrate networkpolicy [FILE|DIR|-]… [OPTIONS]

Makes a NetworkPolicy for each back end of the Ingresses: reached by the controller, by
Prometheus where it scrapes, by its own pods, and by nobody else. Then says who of the
pods among the manifests reaches it before and after, and which older policies let in
more: policies add up. Changes nothing itself; a network plugin has to enforce them.

${MANIFESTS_HELP}
                     Ingresses, Services, workloads or pods, Namespaces, NetworkPolicies:
                     kubectl get ingress,service,deploy,statefulset,daemonset,pod,namespace,
                     networkpolicy -A -o yaml
  --controller NS/LABELS
                     by default the one of each class, where it is among the manifests, else
                     ${CONTROLLER}
  --monitoring NS/LABELS
                     by default ${MONITORING}
  --same-app LABEL   pods with the same value of LABEL may reach each other, such as
                     app.kubernetes.io/instance; by default those of the Service alone
  --ingress NS/NAME, --namespace NS, --host HOST, --class NAME
                     only these; each may be repeated
  --format FORMAT    text (the default), or yaml for kubectl apply
  --out FOLDER       write the policies there, one a file
  --json             policies, proof and findings as JSON

Exit codes: 0 closed as planned, 1 somebody still gets through or nothing is proved,
2 could not run.`,
  run: async (args) => {
    const options = parse(args)
    const input = await readManifestsInput(options.manifests, options.keepGoing)
    if (!input.ok) {
      sayFaults(input.failure, options.json)
      return 2
    }
    const { cluster, unread } = input.value
    for (const fault of unread) complain(faultText(fault))
    const ingresses = servedIngresses(cluster, options.selection)
    if (ingresses.length === 0) throw new TypeError('no Ingress of these was found')
    const told = options.controller
    const placeFor = told === undefined ? controllerPlaces(cluster, USUAL) : () => told
    const backEnds = backEndsOf(cluster, ingresses, placeFor)
    const plans = backEnds.backEnds.map((each) => planPolicy(each, cluster, options.settings))
    const proofs = proveReach(cluster, plans)
    const findings = networkFindings(cluster, backEnds, proofs)
    if (options.out !== undefined) await writePolicies(plans, options.out)
    say(networkReport({ proofs, findings }, options))
    return findings.length > 0 || unread.length > 0 ? 1 : 0
  },
}

const writePolicies = async (plans: readonly PlannedPolicy[], folder: string): Promise<void> => {
  await mkdir(folder, { recursive: true })
  for (const plan of plans) {
    await writeFile(join(folder, policyFileName(plan)), policyYaml(policyManifest(plan)))
  }
}

type Options = {
  readonly manifests: readonly string[]
  readonly keepGoing: boolean
  /** Undefined where the objects are to tell. */
  readonly controller: PodPlace | undefined
  readonly settings: NetworkSettings
  readonly selection: Selection
  readonly format: NetworkFormat
  readonly out: string | undefined
  readonly json: boolean
}

const parse = (args: readonly string[]): Options => {
  const { positionals, values } = parseArgs({
    args: [...args],
    options: {
      controller: { type: 'string' },
      monitoring: { type: 'string', default: MONITORING },
      'same-app': { type: 'string' },
      ingress: { type: 'string', multiple: true, default: [] },
      namespace: { type: 'string', multiple: true, default: [] },
      host: { type: 'string', multiple: true, default: [] },
      class: { type: 'string', multiple: true, default: [] },
      format: { type: 'string', default: 'text' },
      out: { type: 'string' },
      'keep-going': { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
    allowPositionals: true,
    strict: true,
  })
  const { format } = values
  if (format !== 'text' && format !== 'yaml') throw new TypeError('--format is text or yaml')
  return {
    manifests: positionals,
    keepGoing: values['keep-going'],
    controller:
      values.controller === undefined ? undefined : placeOf(values.controller, '--controller'),
    settings: {
      monitoring: placeOf(values.monitoring, '--monitoring'),
      sameApp: values['same-app'],
    },
    selection: {
      names: values.ingress,
      namespaces: values.namespace,
      hosts: values.host.map((host) => host.toLowerCase()),
      classes: values.class,
    },
    format,
    out: values.out,
    json: values.json,
  }
}

/** `namespace/key=value,key=value`; without a label it would be the whole namespace. */
const placeOf = (written: string, option: string): PodPlace => {
  const [, namespace, list = ''] = /^([a-z0-9-]+)\/(.+)$/.exec(written) ?? []
  const pairs = list.split(',').flatMap((pair): readonly (readonly [string, string])[] => {
    const [, name, value] = /^([^=\s]+)=([^=\s]*)$/.exec(pair) ?? []
    return name === undefined || value === undefined ? [] : [[name, value]]
  })
  if (namespace === undefined || pairs.length !== list.split(',').length) {
    throw new TypeError(`${option} is NAMESPACE/LABEL=VALUE, such as ${CONTROLLER}`)
  }
  return { namespace, labels: Object.fromEntries(pairs) }
}
