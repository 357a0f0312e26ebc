export type Labels = Readonly<Record<string, string>>

export type Requirement = {
  readonly key: string
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist'
  readonly values: readonly string[]
}

/** A Kubernetes LabelSelector. All of it has to hold, so an empty one selects everything. */
export type LabelSelector = {
  readonly matchLabels: Labels
  readonly matchExpressions: readonly Requirement[]
}

export const EVERYTHING: LabelSelector = { matchLabels: {}, matchExpressions: [] }

export const selectorOf = (matchLabels: Labels): LabelSelector => ({
  matchLabels,
  matchExpressions: [],
})

export const selects = (selector: LabelSelector, labels: Labels): boolean =>
  Object.entries(selector.matchLabels).every(([key, value]) => labelOf(labels, key) === value) &&
  selector.matchExpressions.every((requirement) => meets(requirement, labels))

/** `NotIn` holds for what has no such label at all (`labels.Requirement.Matches` of Kubernetes). */
const meets = ({ key, operator, values }: Requirement, labels: Labels): boolean => {
  const value = labelOf(labels, key)
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value)
    case 'NotIn':
      return value === undefined || !values.includes(value)
    case 'Exists':
      return value !== undefined
    case 'DoesNotExist':
      return value === undefined
  }
}

export const labelOf = (labels: Labels, key: string): string | undefined =>
  Object.hasOwn(labels, key) ? labels[key] : undefined

/** `app=web, tier in (a, b)`, as kubectl writes it; `everything` for the empty one. */
export const selectorText = ({ matchLabels, matchExpressions }: LabelSelector): string => {
  const parts = [
    ...Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`),
    ...matchExpressions.map(requirementText),
  ]
  return parts.length === 0 ? 'everything' : parts.join(', ')
}

const requirementText = ({ key, operator, values }: Requirement): string => {
  switch (operator) {
    case 'In':
      return `${key} in (${values.join(', ')})`
    case 'NotIn':
      return `${key} not in (${values.join(', ')})`
    case 'Exists':
      return key
    case 'DoesNotExist':
      return `no ${key}`
  }
}
