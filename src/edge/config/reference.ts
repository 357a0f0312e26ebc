import { z } from 'zod'
import { variableOf } from './environment.ts'
import { CONFIG_SCHEMA } from './schema.ts'

type Row = {
  /** Lists of objects and mappings are no scalar: the environment cannot hold them. */
  readonly isScalar: boolean
  readonly path: readonly (string | number)[]
  readonly fallback: string
  readonly summary: string
}

/** The configuration reference as Markdown, from the schema that checks the file. */
export const configurationReference = (): string =>
  [
    '| key | default | environment | meaning |',
    '| --- | --- | --- | --- |',
    ...rowsOf(CONFIG_SCHEMA, []).map(
      ({ path, fallback, summary, isScalar }) =>
        `| \`${path.join('.')}\` | ${fallback} | ${isScalar ? `\`${variableOf(path).replace('_*', '_0')}\`` : '–'} | ${summary} |`,
    ),
    '',
  ].join('\n')

const rowsOf = (schema: unknown, path: Row['path'], outer = ''): readonly Row[] => {
  const { bare, fallback, description, required } = unwrap(schema)
  const summary = description ?? outer
  if (bare instanceof z.ZodObject) {
    const shape: Readonly<Record<string, unknown>> = bare.shape
    return Object.entries(shape).flatMap(([name, child]) => rowsOf(child, [...path, name]))
  }
  if (bare instanceof z.ZodArray && unwrap(bare.element).bare instanceof z.ZodObject) {
    return [{ path, fallback, summary, isScalar: false }, ...rowsOf(bare.element, [...path, '*'])]
  }
  const isScalar = !(bare instanceof z.ZodRecord)
  return [{ path, fallback: required ? '*required*' : fallback, summary, isScalar }]
}

type Unwrapped = {
  readonly bare: unknown
  readonly fallback: string
  readonly description: string | undefined
  readonly required: boolean
}

const unwrap = (schema: unknown): Unwrapped => {
  const description = schema instanceof z.ZodType ? schema.description : undefined
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) {
    const inner = unwrap(schema.unwrap())
    const fallback = schema instanceof z.ZodDefault ? textOf(schema.def.defaultValue, inner) : ''
    return { ...inner, fallback, description: description ?? inner.description, required: false }
  }
  if (schema instanceof z.ZodOptional) {
    const inner = unwrap(schema.unwrap())
    return { ...inner, description: description ?? inner.description, required: false }
  }
  return { bare: schema, fallback: '', description, required: true }
}

/** Durations are kept in milliseconds; people write them with a unit. */
const textOf = (value: unknown, { bare }: Unwrapped): string => {
  if (typeof value === 'number' && bare instanceof z.ZodPipe) return `\`${durationText(value)}\``
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return Object.entries(value)
      .map(([name, text]) => `\`${name}: ${String(text)}\``)
      .join('<br>')
  }
  return `\`${Array.isArray(value) ? `[${value.join(', ')}]` : String(value)}\``
}

/** `8h`, as people write it. */
export const durationText = (ms: number): string => {
  if (ms % 86_400_000 === 0) return `${ms / 86_400_000}d`
  if (ms % 3_600_000 === 0) return `${ms / 3_600_000}h`
  if (ms % 60_000 === 0) return `${ms / 60_000}m`
  return ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`
}
