import { type FieldPath, type Fields } from './cluster-object.ts'

/** Readers of what others wrote: what is absent, or of another type than it should be, is undefined. */

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value)

const stepInto = (value: unknown, name: string | number): unknown => {
  if (typeof name === 'number') return isList(value) ? value[name] : undefined
  return isFields(value) && Object.hasOwn(value, name) ? value[name] : undefined
}

export const valueAt = (root: unknown, ...path: FieldPath): unknown => path.reduce(stepInto, root)

export const fieldsAt = (root: unknown, ...path: FieldPath): Fields | undefined => {
  const value = valueAt(root, ...path)
  return isFields(value) ? value : undefined
}

/** Empty where it is absent. */
export const listAt = (root: unknown, ...path: FieldPath): readonly unknown[] => {
  const value = valueAt(root, ...path)
  return isList(value) ? value : []
}

export const textAt = (root: unknown, ...path: FieldPath): string | undefined => {
  const value = valueAt(root, ...path)
  return typeof value === 'string' ? value : undefined
}

export const numberAt = (root: unknown, ...path: FieldPath): number | undefined => {
  const value = valueAt(root, ...path)
  return typeof value === 'number' ? value : undefined
}

/** Ports are numbers or names. */
export const portAt = (root: unknown, ...path: FieldPath): number | string | undefined =>
  numberAt(root, ...path) ?? textAt(root, ...path)

export const isTrueAt = (root: unknown, ...path: FieldPath): boolean =>
  valueAt(root, ...path) === true

export const textsAt = (root: unknown, ...path: FieldPath): readonly string[] =>
  listAt(root, ...path).filter((value) => typeof value === 'string')

/** A map of texts, such as labels; other values are left out. */
export const textMapAt = (root: unknown, ...path: FieldPath): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(fieldsAt(root, ...path) ?? {}).filter(
      (entry): entry is [string, string] => typeof entry[1] === 'string',
    ),
  )
