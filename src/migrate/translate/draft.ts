/** Where something stands in what was read. */
export type Origin = { readonly file: string; readonly line: number | undefined }

/** One condition, as the policy language writes it: `{ groups: { has: sre } }`, `{ not: […] }`. */
export type Condition = Readonly<Record<string, unknown>>

export type DraftRule = {
  readonly action: 'allow' | 'deny'
  /** All of them hold. */
  readonly conditions: readonly Condition[]
  /** Admitted anybody before: the draft asks who answers for it, and until when. */
  readonly isPublic: boolean
  readonly comments: readonly string[]
}

/** What becomes one policy file. */
export type PolicyDraft = {
  readonly hosts: readonly string[]
  readonly comments: readonly string[]
  readonly rules: readonly DraftRule[]
}

/** What could not be carried over, or not as it was. */
export type Leftover = {
  readonly origin: Origin
  /** What it is, as it is called there. */
  readonly what: string
  /** Why, and what to do about it. */
  readonly why: string
}

export type Translation = {
  readonly drafts: readonly PolicyDraft[]
  readonly leftovers: readonly Leftover[]
}

export const NOTHING: Translation = { drafts: [], leftovers: [] }

/** A place that somebody has to fill in; no policy is loaded while one is left. */
export const todo = (what: string): string => `TODO: ${what}`

/** Stands where a condition could not be carried over, so that the rule cannot be used without it. */
export const todoCondition = (what: string): Condition => ({ user: todo(what) })

export const placeText = ({ file, line }: Origin): string =>
  line === undefined ? file : `${file}:${line}`

/** One value bare, several under `in`. */
export const oneOf = (values: readonly string[], single = 'is', several = 'in'): Condition =>
  values.length === 1 ? { [single]: values[0] } : { [several]: [...values] }

/** Alternatives; one needs no `or`. */
export const anyOf = (conditions: readonly Condition[]): Condition => {
  const [only, ...others] = conditions
  return only !== undefined && others.length === 0 ? only : { or: [...conditions] }
}

/** All at once; one needs no `and`. */
export const allOf = (conditions: readonly Condition[]): Condition => {
  const [only, ...others] = conditions
  return only !== undefined && others.length === 0 ? only : { and: [...conditions] }
}

export const merge = (translations: readonly Translation[]): Translation => ({
  drafts: translations.flatMap(({ drafts }) => drafts),
  leftovers: translations.flatMap(({ leftovers }) => leftovers),
})
