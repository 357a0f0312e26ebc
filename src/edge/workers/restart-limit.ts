export type RestartLimit = {
  /** Takes note that a worker ended; whether another may take its place. */
  readonly mayReplace: () => boolean
}

export type RestartLimitOptions = {
  readonly most: number
  readonly withinMs: number
  readonly monotonicMs: () => number
}

/** Tells a mishap from a crash loop: only so many workers may end within a span of time. */
export const createRestartLimit = (options: RestartLimitOptions): RestartLimit => {
  const { most, withinMs, monotonicMs } = options
  let ends: readonly number[] = []
  return {
    mayReplace: () => {
      const now = monotonicMs()
      ends = [...ends.filter((endedAt) => now - endedAt < withinMs), now]
      return ends.length <= most
    },
  }
}
