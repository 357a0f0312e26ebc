import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { CRITERIA } from '../src/core/policy/criteria.ts'
import { REASONS } from '../src/core/reason.ts'
import { configurationReference } from '../src/edge/config/reference.ts'
import { DRIFT_FINDINGS } from '../src/migrate/drift/drift-finding.ts'
import { jsonSchemas } from './json-schemas.ts'

/** Parts of the documentation that are made from the code; each replaces what is between its marks. */
const PARTS: Readonly<Record<string, { readonly file: string; readonly text: () => string }>> = {
  configuration: { file: 'configuration.md', text: configurationReference },
  criteria: { file: 'policies.md', text: () => criteriaReference() },
  drift: { file: 'migrate-drift.md', text: () => driftReference() },
  reasons: { file: 'decisions.md', text: () => reasonsReference() },
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
  Object.entries(PARTS).map(([name, { file, text }]) => {
    const path = join(import.meta.dirname, file)
    const before = readFileSync(path, 'utf8')
    const [open, close] = [`<!-- generated: ${name} -->`, '<!-- end -->']
    const [start, end] = [before.indexOf(open), before.indexOf(close)]
    if (start === -1 || end < start) throw new Error(`${file} has no place for ${name}`)
    const after = `${before.slice(0, start)}${open}\n\n${text()}\n${before.slice(end)}`
    return { file: path, before, after }
  })

if (import.meta.main) {
  for (const { file, before, after } of generated()) {
    mkdirSync(dirname(file), { recursive: true })
    if (before !== after) writeFileSync(file, after)
    console.log(`${before === after ? 'unchanged' : 'written  '} ${file}`)
  }
}
