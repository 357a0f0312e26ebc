import { type Condition, type DraftRule, type Leftover } from './draft.ts'

/** Whom another service let in, on whatever host it was asked about. */
export type Gate = {
  /** All of them held. */
  readonly who: readonly Condition[]
  /** What it let through without asking. */
  readonly open: readonly DraftRule[]
  readonly leftovers: readonly Leftover[]
}
