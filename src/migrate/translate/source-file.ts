import { type Origin } from './draft.ts'

/** A configuration file of another product, as it was read. */
export type SourceFile = {
  readonly file: string
  readonly value: unknown
  readonly lineOf: (path: readonly PropertyKey[]) => number
}

export type Path = readonly (string | number)[]

/** A value in a file, with the way to it: what is said of it can say where it stands. */
export type Spot = { readonly source: SourceFile; readonly path: Path; readonly value: unknown }

export const rootOf = (source: SourceFile): Spot => ({ source, path: [], value: source.value })

export const originOf = ({ source, path }: Spot): Origin => ({
  file: source.file,
  line: source.lineOf(path),
})

/** The member of that name; undefined where there is none, or it is empty. */
export const memberOf = (spot: Spot, name: string): Spot | undefined => {
  const { value } = spot
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const found = Object.entries(value).find(([key]) => key === name)?.[1] as unknown
  return found === undefined || found === null
    ? undefined
    : { ...spot, path: [...spot.path, name], value: found }
}

export const membersOf = (spot: Spot): readonly (readonly [string, Spot])[] => {
  const { value } = spot
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return []
  return Object.entries(value).map(([name, each]: readonly [string, unknown]) => [
    name,
    { ...spot, path: [...spot.path, name], value: each },
  ])
}

/** The elements of a list; what is no list is a list of one. */
export const itemsOf = (spot: Spot | undefined): readonly Spot[] => {
  if (spot === undefined) return []
  if (!Array.isArray(spot.value)) return [spot]
  const values: readonly unknown[] = spot.value
  return values.map((value, index) => ({ ...spot, path: [...spot.path, index], value }))
}

export const textOf = (spot: Spot | undefined): string | undefined => {
  const value = spot?.value
  if (typeof value === 'string') return value
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined
}

/** Texts of a list, or of one text; other elements are left out. */
export const textsOf = (spot: Spot | undefined): readonly string[] =>
  itemsOf(spot).flatMap((item) => textOf(item) ?? [])

export const isTrue = (spot: Spot | undefined): boolean => textOf(spot) === 'true'
