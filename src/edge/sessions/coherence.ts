/** Names of records that somebody changed, or `all` where nobody can say which. */
export type Changed = readonly string[] | 'all'

/**
 * The word of a store on whether what was read from it is still so.
 *
 * A value read while proven, in an era that still lasts, and not named as changed since it was
 * asked for, is what the store holds now.
 */
export type Coherence = {
  /** Whether changes are known to arrive. While not, nothing that was read before may be used. */
  readonly isProven: () => boolean
  /** Whether a value under that name, read now, will be watched. */
  readonly isWatched: (name: string) => boolean
  /** Another number after each moment in which a change may have been missed. */
  readonly era: () => number
  /** The latest moment, in monotonic milliseconds, up to which that era is known to have lasted. */
  readonly lastedUntil: (era: number) => number
  readonly onChanged: (listener: (changed: Changed) => void) => void
}

/** Of a store in the same process: nothing is ever missed. */
export const createLocalCoherence = (
  monotonicMs: () => number,
): Coherence & { readonly changed: (names: Changed) => void } => {
  const listeners: ((changed: Changed) => void)[] = []
  return {
    isProven: () => true,
    isWatched: () => true,
    era: () => 0,
    lastedUntil: monotonicMs,
    onChanged: (listener) => {
      listeners.push(listener)
    },
    changed: (names) => {
      for (const listener of listeners) listener(names)
    },
  }
}
