import { DRIFT_FINDINGS, type DriftFinding } from '../migrate/drift/drift-finding.ts'
import { printable } from './printable.ts'

export const driftJson = (findings: readonly DriftFinding[]): string =>
  JSON.stringify(
    {
      ok: findings.length === 0,
      findings: findings.map((finding) => ({
        severity: DRIFT_FINDINGS[finding.id].severity,
        ...finding,
      })),
    },
    null,
    2,
  )

export const driftText = (findings: readonly DriftFinding[], ingresses: number): string => {
  const count = (severity: 'error' | 'warning'): number =>
    findings.filter(({ id }) => DRIFT_FINDINGS[id].severity === severity).length
  return [
    ...findings.map(findingText),
    ...(findings.length === 0 ? [] : ['']),
    `${ingresses} Ingresses: ${count('error')} errors, ${count('warning')} warnings`,
  ].join('\n')
}

const findingText = ({ id, object, file, line, problem, remedy }: DriftFinding): string =>
  printable(
    `${file}:${line}: ${DRIFT_FINDINGS[id].severity} ${id}: ${object === file ? '' : `${object} `}${problem}. ${remedy}`,
  )
