import { closestMatch } from 'leven'
import { z } from 'zod'
import { type Fault } from '../../core/fault.ts'
import { type YamlFile } from './yaml-file.ts'

/** Turns what zod found into faults with a place and the nearest known key. */
export const schemaFaults = (
  error: z.ZodError,
  schema: z.ZodType,
  yaml: YamlFile,
): readonly Fault[] =>
  error.issues.flatMap(flatten).flatMap((issue) => issueFaults(issue, schema, yaml))

/** A union's issues lie inside it; those of its best option say most. */
const flatten = (issue: z.core.$ZodIssue): readonly z.core.$ZodIssue[] => {
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) return [issue]
  const deepest = issue.errors.toSorted((a, b) => depth(b) - depth(a))[0] ?? []
  if (depth(deepest) === 0) return [issue]
  return deepest.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] }))
}

const depth = (issues: readonly z.core.$ZodIssue[]): number =>
  Math.max(
    0,
    ...issues.map((issue) => issue.path.length + (issue.code === 'unrecognized_keys' ? 1 : 0)),
  )

const issueFaults = (
  issue: z.core.$ZodIssue,
  schema: z.ZodType,
  yaml: YamlFile,
): readonly Fault[] => {
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(schema, issue.path)
    return issue.keys.map((key) => ({
      file: yaml.file,
      ...yaml.placeOf([...issue.path, key], true),
      key: keyPath([...issue.path, key]),
      problem: 'is not a known key',
      remedy: suggestKey(key, known),
    }))
  }
  return [
    {
      file: yaml.file,
      ...yaml.placeOf(issue.path),
      key: keyPath(issue.path),
      ...wording(issue),
    },
  ]
}

/** Our own refinements say "problem. Remedy."; zod's messages are a problem only. */
const wording = (issue: z.core.$ZodIssue): Pick<Fault, 'problem' | 'remedy'> => {
  const message = issue.message.replace(/^Invalid input: /, '').replace(/\.$/, '')
  const end = message.indexOf('. ')
  if (end !== -1) {
    return { problem: message.slice(0, end), remedy: `${message.slice(end + 2)}.` }
  }
  const missing = issue.code === 'invalid_type' && message.endsWith('received undefined')
  return missing
    ? { problem: 'is missing', remedy: `Add it (${message.replace(/, received.*$/, '')}).` }
    : { problem: message, remedy: 'Correct the value.' }
}

/** `a.b[2].c`, as people write it. */
export const keyPath = (path: readonly PropertyKey[]): string =>
  path
    .map((name) => (typeof name === 'number' ? `[${name}]` : `.${String(name)}`))
    .join('')
    .replace(/^\./, '')

/** The nearest known key, if one is near; else all of them. */
export const suggestKey = (key: string, known: readonly string[]): string => {
  const nearest = closestMatch(key, known, { maxDistance: Math.max(2, Math.ceil(key.length / 3)) })
  return nearest === undefined ? `Known keys: ${known.join(', ')}.` : `Did you mean ${nearest}?`
}

const knownKeys = (schema: z.ZodType, path: readonly PropertyKey[]): readonly string[] => {
  const here = path.reduce<readonly unknown[]>(
    (schemas, name) => schemas.flatMap((each) => inner(each, name)),
    unwrap(schema),
  )
  return [
    ...new Set(
      here.flatMap((each) => (each instanceof z.ZodObject ? Object.keys(each.shape) : [])),
    ),
  ]
}

const inner = (schema: unknown, name: PropertyKey): readonly unknown[] => {
  if (schema instanceof z.ZodArray) return unwrap(schema.element)
  if (!(schema instanceof z.ZodObject)) return []
  const shape: Readonly<Record<string, unknown>> = schema.shape
  return Object.hasOwn(shape, String(name)) ? unwrap(shape[String(name)]) : []
}

const unwrap = (schema: unknown): readonly unknown[] => {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault)
    return unwrap(schema.unwrap())
  if (schema instanceof z.ZodPrefault || schema instanceof z.ZodReadonly)
    return unwrap(schema.unwrap())
  if (schema instanceof z.ZodPipe) return [...unwrap(schema.in), ...unwrap(schema.out)]
  if (schema instanceof z.ZodUnion) return schema.options.flatMap((option) => unwrap(option))
  return [schema]
}
