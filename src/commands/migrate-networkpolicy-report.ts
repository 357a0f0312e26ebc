import { stringify } from 'yaml'
import { type NetworkFinding, sourceName } from '../migrate/network/network-finding.ts'
import { type PlannedPolicy, policyManifest } from '../migrate/network/network-plan.ts'
import { type Access, type ReachProof } from '../migrate/network/reach-proof.ts'
import { printable } from './printable.ts'

export type NetworkFormat = 'text' | 'yaml'

export type NetworkReport = {
  readonly proofs: readonly ReachProof[]
  readonly findings: readonly NetworkFinding[]
}

export type NetworkReportOptions = {
  readonly format: NetworkFormat
  readonly out: string | undefined
  readonly json: boolean
}

export const networkReport = (report: NetworkReport, options: NetworkReportOptions): string => {
  if (options.json) return networkJson(report)
  return options.format === 'yaml'
    ? report.proofs
        .map(({ planned }) => policyYaml(policyManifest(planned)))
        .join('---\n')
        .trimEnd()
    : networkText(report, options.out)
}

export const policyYaml = (manifest: unknown): string =>
  stringify(manifest, { lineWidth: 0, aliasDuplicateObjects: false })

export const policyFileName = ({ policy }: PlannedPolicy): string =>
  `${policy.namespace}.${policy.name}.yaml`

const networkJson = ({ proofs, findings }: NetworkReport): string =>
  JSON.stringify(
    {
      ok: findings.length === 0,
      backEnds: proofs.map(({ planned, before, beforeMore, after, afterMore, addresses }) => ({
        namespace: planned.backEnd.service.namespace,
        service: planned.backEnd.service.name,
        ingresses: planned.backEnd.ingresses,
        policy: policyManifest(planned),
        before: before.map(accessJson),
        beforeMore,
        after: after.map(accessJson),
        afterMore,
        addresses,
      })),
      findings,
    },
    null,
    2,
  )

const accessJson = ({ source, ...access }: Access) => ({
  namespace: source.namespace,
  source: source.name,
  ...access,
})

const networkText = ({ proofs, findings }: NetworkReport, out: string | undefined): string =>
  [
    ...proofs.flatMap(proofLines),
    ...findings.map(
      ({ id, severity, problem, remedy }) => `${severity} ${id}: ${printable(problem)}. ${remedy}`,
    ),
    ...(findings.length === 0 ? [] : ['']),
    nextStep(findings, out),
  ].join('\n')

const proofLines = ({
  planned,
  before,
  after,
  beforeMore,
  afterMore,
}: ReachProof): readonly string[] => {
  const { service, ingresses } = planned.backEnd
  const cut = before.filter((access) => !after.some(({ source }) => source === access.source))
  return [
    `Service ${service.namespace}/${service.name}, behind Ingress ${ingresses.join(', ')}`,
    `  policy ${planned.policy.name}`,
    ...after.map((access) => `  reaches it: ${accessText(access)}`),
    ...moreLines('reaches it:', afterMore),
    ...cut.map((access) => `  no longer:  ${sourceName(access)} on ${access.ports.join(', ')}`),
    ...moreLines('no longer: ', beforeMore - afterMore),
    '',
  ].map(printable)
}

const moreLines = (what: string, more: number): readonly string[] =>
  more > 0 ? [`  ${what} and ${more} more: name its Ingress with --ingress to see them all`] : []

const PURPOSES = {
  controller: 'the controller',
  monitoring: 'scrapes it',
  same_app: 'the same application',
} as const

const accessText = (access: Access): string => {
  const { purpose, olderPolicies, ports, isUncertain, isStoppedAtHome } = access
  const older = olderPolicies.map(({ name, rule }) => `rule ${rule} of ${name}`)
  const notes = [
    ...(purpose === undefined ? [] : [PURPOSES[purpose]]),
    ...(older.length === 0 ? [] : [`by ${older.join(', ')}`]),
    ...(isUncertain ? ['hangs on the network plugin'] : []),
    ...(isStoppedAtHome ? ['stopped by its own egress rules now'] : []),
  ]
  return `${sourceName(access)} on ${ports.join(', ')} (${notes.join('; ')})`
}

const nextStep = (findings: readonly NetworkFinding[], out: string | undefined): string => {
  if (findings.some(({ severity }) => severity === 'error')) {
    return 'The back ends are not closed by this alone. See above.'
  }
  const apply =
    out === undefined
      ? 'vestibule migrate networkpolicy … --format yaml | kubectl apply -f -'
      : `kubectl apply -f ${out}`
  return `First observe, then see that "no longer" names nobody who is needed, then: ${apply}. Back: kubectl delete the same.`
}
