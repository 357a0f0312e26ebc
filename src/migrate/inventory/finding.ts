import { type Place } from '../cluster-object.ts'

/** `high` lets people in who should not be, or soon will; `info` is to know of, and no fault. */
export type Severity = 'high' | 'medium' | 'low' | 'info'

/** What all findings of one id have in common. */
export type FindingKind = {
  readonly severity: Severity
  readonly title: string
  readonly why: string
  readonly next: string
}

export type FindingKinds = Readonly<Record<string, FindingKind>>

/** What was seen this time. */
export type Seen = {
  /** One sentence about these objects. Never a value that could be a secret. */
  readonly what: string
  /** The first is where to begin. */
  readonly places: readonly [Place, ...Place[]]
  /** Hosts that it is about; empty where it is about the cluster. */
  readonly hosts: readonly string[]
}

export type Finding = FindingKind & Seen & { readonly id: string }

export const findingOf = <Id extends string>(
  kinds: Readonly<Record<Id, FindingKind>>,
  id: Id,
  seen: Seen,
): Finding => ({ id, ...kinds[id], ...seen })

const ORDER: Readonly<Record<Severity, number>> = { high: 0, medium: 1, low: 2, info: 3 }

/** Worst first, then by file and line, so that two runs say the same. */
export const byImportance = (one: Finding, other: Finding): number =>
  ORDER[one.severity] - ORDER[other.severity] ||
  one.id.localeCompare(other.id, 'en') ||
  one.places[0].file.localeCompare(other.places[0].file, 'en') ||
  one.places[0].line - other.places[0].line ||
  one.what.localeCompare(other.what, 'en')

export const isFault = ({ severity }: Finding): boolean => severity !== 'info'
