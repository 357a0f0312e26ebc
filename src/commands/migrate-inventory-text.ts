import { type Finding, type Severity } from '../migrate/inventory/finding.ts'
import { type Inventory } from '../migrate/inventory/inventory.ts'
import { countOf } from '../migrate/inventory/shown.ts'
import { type Wave } from '../migrate/inventory/waves.ts'
import { printable } from './printable.ts'

/** The inventory for a terminal: findings, worst first, then the plan. */
export const inventoryText = (inventory: Inventory): string => {
  const { findings, waves } = inventory
  return [
    ...[...Map.groupBy(findings, ({ id }) => id).values()].flatMap(kindLines),
    ...waves.flatMap(waveLines),
    ...summaryLines(inventory),
    '',
  ]
    .map(printable)
    .join('\n')
}

/** What and where first; why and what next once for all of a kind. */
const kindLines = (findings: readonly Finding[]): readonly string[] => {
  const [first] = findings
  if (first === undefined) return []
  const { id, severity, title, why, next } = first
  return [
    `${severity} ${id}: ${title}`,
    `  Why: ${why}`,
    `  Next: ${next}`,
    ...findings.flatMap(({ what, places, hosts }) => [
      `  - ${places[0].file}:${places[0].line}: ${places[0].object}: ${what}${hostText(hosts, what)}`,
      ...places.slice(1).map(({ file, line, object }) => `    ${file}:${line}: ${object}`),
    ]),
    '',
  ]
}

const hostText = (hosts: readonly string[], what: string): string => {
  const unnamed = hosts.filter((host) => !what.includes(host))
  return unnamed.length === 0 ? '' : ` (${unnamed.join(', ')})`
}

const waveLines = ({ name, aim, hosts }: Wave, index: number): readonly string[] => [
  `Wave ${index + 1}: ${name}. ${aim}`,
  ...hosts.flatMap(({ host, effort, because, first }) => [
    `  ${host} (effort ${effort}): ${because.join('; ')}`,
    ...(first.length === 0 ? [] : [`    first: ${first.join('; ')}`]),
  ]),
  '',
]

const summaryLines = (inventory: Inventory): readonly string[] => {
  const { objects, namespaces, hosts, findings } = inventory
  const count = (wanted: Severity): number =>
    findings.filter(({ severity }) => severity === wanted).length
  return [
    `${countOf(objects, 'object')} in ${countOf(namespaces.length, 'namespace')}, ${countOf(hosts.length, 'host')}: ${count('high')} high, ${count('medium')} medium, ${count('low')} low, ${count('info')} to know of`,
    findings.every(({ severity }) => severity === 'info')
      ? 'Nothing hangs on the network any more. Next: vestibule migrate drift, so that it stays so.'
      : 'Begin with what is high, then with wave 1: vestibule migrate translate.',
  ]
}
