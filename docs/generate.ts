import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { CRITERIA } from '../src/core/policy/criteria.ts'
import { REASONS } from '../src/core/reason.ts'
import { configurationReference } from '../src/edge/config/reference.ts'
import { DRIFT_FINDINGS } from '../src/migrate/drift/drift-finding.ts'
import { jsonSchemas } from './json-schemas.ts'
import {
  applicationsReference,
  holesReference,
  inventoryReference,
  presetsReference,
  stagesReference,
  verifyReference,
} from './migrate-reference.ts'

/** Parts of the documentation that are made from the code; each replaces what is between its marks. */
const PARTS: Readonly<Record<string, { readonly file: string; readonly text: () => string }>> = {
  configuration: { file: 'configuration.md', text: configurationReference },
  criteria: { file: 'policies.md', text: () => criteriaReference() },
  drift: { file: 'migrate-drift.md', text: () => driftReference() },
  'inventory-applications': { file: 'migrate-inventory.md', text: applicationsReference },
  'inventory-findings': { file: 'migrate-inventory.md', text: inventoryReference },
  'inventory-holes': { file: 'migrate-inventory.md', text: holesReference },
  'inventory-presets': { file: 'migrate-inventory.md', text: presetsReference },
  reasons: { file: 'decisions.md', text: () => reasonsReference() },
  stages: { file: 'migrate-report.md', text: stagesReference },
  verify: { file: 'migrate-verify.md', text: verifyReference },
}

const criteriaReference = (): string =>
  [
    '| criterion | example | holds for |',
    '| --- | --- | --- |',
    ...CRITERIA.map(
      ({ name, example, summary }) =>
        `| \`${name.endsWith('/') ? `${name}…` : name}\` | \`${example}\` | ${summary} |`,
    ),
    '',
  ].join('\n')

const driftReference = (): string =>
  [
    '| finding | severity | meaning |',
    '| --- | --- | --- |',
    ...Object.entries(DRIFT_FINDINGS).map(
      ([id, { severity, meaning }]) => `| \`${id}\` | ${severity} | ${meaning} |`,
    ),
    '',
  ].join('\n')

const STATUSES = { allow: 200, challenge: 401, deny: 403, unavailable: 503 } as const

const reasonsReference = (): string =>
  [
    '| status | reason | meaning |',
    '| --- | --- | --- |',
    ...Object.entries(STATUSES).flatMap(([effect, status]) =>
      Object.entries(REASONS[effect as keyof typeof REASONS]).map(
        ([reason, meaning]) => `| ${status} | \`${reason}\` | ${meaning} |`,
      ),
    ),
    '',
  ].join('\n')

export type Generated = { readonly file: string; readonly before: string; readonly after: string }

/** Every generated file, as it is and as it should be. */
export const generated = (): readonly Generated[] => [...generatedParts(), ...generatedFiles()]

const generatedFiles = (): readonly Generated[] =>
  Object.entries(jsonSchemas()).map(([file, after]) => {
    const path = join(import.meta.dirname, file)
    return { file: path, before: existsSync(path) ? readFileSync(path, 'utf8') : '', after }
  })

const generatedParts = (): readonly Generated[] =>
  [...Map.groupBy(Object.entries(PARTS), ([, { file }]) => file)].map(([file, parts]) => {
    const path = join(import.meta.dirname, file)
    const before = readFileSync(path, 'utf8')
    const after = parts.reduce(
      (written, [name, { text }]) => withPart(written, { file, name, text: text() }),
      before,
    )
    return { file: path, before, after }
  })

type Part = { readonly file: string; readonly name: string; readonly text: string }

const withPart = (written: string, { file, name, text }: Part): string => {
  const open = `<!-- generated: ${name} -->`
  const start = written.indexOf(open)
  const end = written.indexOf('<!-- end -->', start)
  if (start === -1 || end === -1) throw new Error(`${file} has no place for ${name}`)
  return `${written.slice(0, start)}${open}\n\n${text}\n${written.slice(end)}`
}

if (import.meta.main) {
  for (const { file, before, after } of generated()) {
    mkdirSync(dirname(file), { recursive: true })
    if (before !== after) writeFileSync(file, after)
    console.log(`${before === after ? 'unchanged' : 'written  '} ${file}`)
  }
}
