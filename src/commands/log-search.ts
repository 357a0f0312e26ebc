import { setTimeout as delay } from 'node:timers/promises'
import { type RecordedDecision } from '../core/recorded-decision.ts'
import { readDecisionLine } from '../edge/observe/decision-lines.ts'
import { followLines } from '../edge/observe/decision-tail.ts'

type Found = ReadonlyMap<string, readonly RecordedDecision[]>

export type LogSearch = {
  /** What was found once all wanted ids were, or after so long; rejects if a log cannot be read. */
  readonly until: (waitMs: number, wanted: readonly string[]) => Promise<Found>
  readonly stop: () => Promise<void>
}

const POLL_MS = 20

/** After the last one, a second line with one of the ids would follow soon. */
const SETTLE_MS = 100

/** Reads logs from now on, while they are written, and keeps the decisions on these request ids. */
export const startLogSearch = async (
  logs: readonly string[],
  ids: ReadonlySet<string>,
): Promise<LogSearch> => {
  const found = new Map<string, RecordedDecision[]>()
  const ended = new AbortController()
  let failure: unknown
  const add = (written: string): void => {
    const line = readDecisionLine(written)
    const id = line?.request.requestId
    if (line === undefined || id === undefined || !ids.has(id)) return
    found.set(id, [...(found.get(id) ?? []), line])
  }
  const read = async (lines: AsyncIterable<readonly string[]>): Promise<void> => {
    try {
      for await (const batch of lines) batch.forEach(add)
    } catch (error) {
      failure = error
    }
  }
  const followed = await Promise.all(logs.map((file) => followLines(file, ended.signal)))
  const reading = followed.map(read)
  const stop = async (): Promise<void> => {
    ended.abort()
    await Promise.all(reading)
  }
  return {
    until: async (waitMs, wanted) => {
      const deadline = performance.now() + waitMs
      const isWaiting = (): boolean =>
        failure === undefined &&
        !wanted.every((id) => found.has(id)) &&
        performance.now() < deadline
      while (isWaiting()) await delay(POLL_MS)
      await delay(SETTLE_MS)
      await stop()
      if (failure !== undefined) throw failure instanceof Error ? failure : new Error('no log')
      return found
    },
    stop,
  }
}
