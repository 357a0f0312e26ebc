import { z } from 'zod'
import { type Fault } from '../../core/fault.ts'
import { suggestKey } from '../files/schema-faults.ts'

export type Environment = Readonly<Record<string, string | undefined>>

const PREFIX = 'VESTIBULE_'

/** Kubernetes describes Services called `vestibule…` in variables of these forms. */
const SERVICE_LINK =
  /(?:^|_)(?:SERVICE_(?:HOST|PORT(?:_[A-Z0-9_]+)?)|PORT(?:_[0-9]+_(?:TCP|UDP|SCTP)(?:_(?:PORT|PROTO|ADDR))?)?)$/

/** Not a key of the file: where the file is, and what the CLI reads. */
const OTHER = new Set(['VESTIBULE_CONFIG'])

/** `identityProvider.clientId` → `VESTIBULE_IDENTITY_PROVIDER_CLIENT_ID`. */
export const variableOf = (path: readonly (string | number)[]): string =>
  PREFIX +
  path
    .map((name) =>
      String(name)
        .replace(/[A-Z]/g, (letter) => `_${letter}`)
        .toUpperCase(),
    )
    .join('_')

type Leaf = { readonly path: readonly (string | number)[]; readonly schema: unknown }

/** Every scalar of the schema; entries of lists as far as the file has them. */
const leavesOf = (schema: unknown, value: unknown, path: Leaf['path'] = []): readonly Leaf[] => {
  const bare = strip(schema)
  if (bare instanceof z.ZodObject) {
    const shape: Readonly<Record<string, unknown>> = bare.shape
    return Object.entries(shape).flatMap(([name, child]) =>
      leavesOf(child, memberOf(value, name), [...path, name]),
    )
  }
  if (bare instanceof z.ZodArray && strip(bare.element) instanceof z.ZodObject) {
    const items: readonly unknown[] = Array.isArray(value) ? value : []
    return items.flatMap((item, index) => leavesOf(bare.element, item, [...path, index]))
  }
  return [{ path, schema: bare }]
}

const strip = (schema: unknown): unknown =>
  schema instanceof z.ZodOptional ||
  schema instanceof z.ZodDefault ||
  schema instanceof z.ZodPrefault
    ? strip(schema.unwrap())
    : schema

const memberOf = (value: unknown, name: string): unknown =>
  isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export type Overlay = {
  readonly value: unknown
  readonly faults: readonly Fault[]
  /** Variables in use, by the path they set: their faults lie in the environment. */
  readonly variables: ReadonlyMap<string, string>
}

/** Lays the environment over what the file said. Unknown variables are faults. */
export const overlayEnvironment = (
  schema: unknown,
  fileValue: unknown,
  environment: Environment,
): Overlay => {
  const value: unknown = structuredClone(fileValue)
  const leaves = new Map(leavesOf(schema, value).map((leaf) => [variableOf(leaf.path), leaf]))
  const faults: Fault[] = []
  const variables = new Map<string, string>()
  for (const [name, text] of Object.entries(environment)) {
    if (text === undefined || !isOurs(name)) continue
    const leaf = leaves.get(name)
    if (leaf === undefined) {
      faults.push(fault(name, 'is not a known variable', suggestKey(name, [...leaves.keys()])))
    } else if (text === '') {
      faults.push(fault(name, 'is empty', 'Give it a value or unset it.'))
    } else if (isObject(value)) {
      setAt(value, leaf.path, scalarOf(leaf.schema, text))
      variables.set(leaf.path.join('.'), name)
    }
  }
  return { value, faults, variables }
}

const isOurs = (name: string): boolean =>
  name.startsWith(PREFIX) && !OTHER.has(name) && !SERVICE_LINK.test(name.slice(PREFIX.length))

const fault = (variable: string, problem: string, remedy: string): Fault => ({
  file: `environment variable ${variable}`,
  line: undefined,
  column: undefined,
  key: '',
  problem,
  remedy,
})

const scalarOf = (schema: unknown, text: string): unknown => {
  if (schema instanceof z.ZodBoolean)
    return text === 'true' ? true : text === 'false' ? false : text
  if (schema instanceof z.ZodArray) return text.split(',').map((item) => item.trim())
  return takesNumber(schema) && /^[0-9]{1,15}$/.test(text) ? Number(text) : text
}

const takesNumber = (schema: unknown): boolean =>
  schema instanceof z.ZodNumber ||
  (schema instanceof z.ZodUnion && schema.options.some((option) => option instanceof z.ZodNumber))

const setAt = (root: Record<string, unknown>, path: Leaf['path'], leaf: unknown): void => {
  let here = root
  for (const name of path.slice(0, -1)) {
    const next = memberOf(here, String(name)) ?? elementOf(here, name)
    const child = isContainer(next) ? next : {}
    here[name] = child
    here = child
  }
  here[path.at(-1) ?? ''] = leaf
}

const elementOf = (value: unknown, name: string | number): unknown =>
  Array.isArray(value) && typeof name === 'number' ? value[name] : undefined

const isContainer = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null
