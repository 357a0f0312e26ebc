import { fail, ok, type Result } from '../../core/result.ts'

export type ReplayMemory = {
  readonly claim: (name: string, ttlMs: number) => Promise<Result<boolean, 'unreachable'>>
}

/**
 * Names that were used, in this process: complete for one replica. Where no more of them fit, none
 * is forgotten before its time; the question cannot be answered then.
 */
export const createReplayMemory = (nowMs: () => number, most = 500_000): ReplayMemory => {
  const endsAt = new Map<string, number>()
  /** All live equally long, so those that end first were put first. */
  const forgetEnded = (now: number): void => {
    for (const [name, end] of endsAt) {
      if (end > now) return
      endsAt.delete(name)
    }
  }
  return {
    claim: (name, ttlMs) => {
      const now = nowMs()
      forgetEnded(now)
      if (endsAt.has(name)) return Promise.resolve(ok(false))
      if (endsAt.size >= most) return Promise.resolve(fail('unreachable'))
      endsAt.set(name, now + ttlMs)
      return Promise.resolve(ok(true))
    },
  }
}
