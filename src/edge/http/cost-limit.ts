/** Bounds how often something that costs is done for whoever asks. */
export type CostLimit = {
  /** False where there has been too much of it just now. */
  readonly take: () => boolean
  /** What was done was worth it: it does not count. */
  readonly giveBack: () => void
}

export type CostLimitOptions = {
  readonly perSecond: number
  /** So many at once after a quiet time. */
  readonly burst: number
  readonly monotonicMs: () => number
}

/** A bucket that fills up by itself. */
export const createCostLimit = ({ perSecond, burst, monotonicMs }: CostLimitOptions): CostLimit => {
  let left = burst
  let filledAt = monotonicMs()
  return {
    take: () => {
      const now = monotonicMs()
      left = Math.min(burst, left + ((now - filledAt) / 1000) * perSecond)
      filledAt = now
      if (left < 1) return false
      left -= 1
      return true
    },
    giveBack: () => {
      left = Math.min(burst, left + 1)
    },
  }
}
