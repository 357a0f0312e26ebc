import { fail, ok } from '../../core/result.ts'
import { type Outcome } from './record-store.ts'

export type LanesOptions = {
  /** Deadline of each command, in milliseconds. */
  readonly timeoutMs: number
  readonly monotonicMs: () => number
  /** Called when a command to that server got no answer in time. */
  readonly onLate: (server: string) => void
  /** Called after each command, for metrics; `refused`: it was not sent. */
  readonly observe: (outcome: LaneOutcome, seconds: number) => void
}

export type LaneOutcome = 'ok' | 'unreachable' | 'refused'

/** Runs a command to the server of that name: an answer in time, or `unreachable`. */
export type Lanes = <Value>(
  server: string,
  command: () => Promise<Value>,
) => Promise<Outcome<Value>>

type Lane = { waiting: number; hangs: boolean; triedAt: number }

/** More commands without an answer than a healthy server ever has. */
const MOST_WAITING = 2000
/** While a server hangs, one command in this time tries whether it still does. */
const TRY_EVERY_MS = 100

/**
 * Keeps a server that hangs from piling up requests: once a command got no answer in time, the
 * others are refused at once, but for one now and then, until an answer comes. What a server holds
 * up does not hold up the others.
 */
export const createLanes = (options: LanesOptions): Lanes => {
  const { timeoutMs, monotonicMs, observe, onLate } = options
  const lanes = new Map<string, Lane>()
  const laneOf = (server: string): Lane => {
    const known = lanes.get(server)
    if (known !== undefined) return known
    const lane = { waiting: 0, hangs: false, triedAt: 0 }
    lanes.set(server, lane)
    return lane
  }
  return async (server, command) => {
    const lane = laneOf(server)
    const startedAt = monotonicMs()
    const refused = lane.hangs
      ? startedAt - lane.triedAt < TRY_EVERY_MS
      : lane.waiting >= MOST_WAITING
    if (refused) {
      observe('refused', 0)
      return fail('unreachable')
    }
    lane.triedAt = startedAt
    lane.waiting += 1
    const sent = command().finally(() => {
      lane.waiting -= 1
    })
    const outcome = await inTime(sent, timeoutMs)
    if (outcome === 'late') {
      lane.hangs = true
      onLate(server)
    } else if (outcome.ok) lane.hangs = false
    const result = outcome === 'late' ? fail('unreachable' as const) : outcome
    observe(result.ok ? 'ok' : 'unreachable', (monotonicMs() - startedAt) / 1000)
    return result
  }
}

/** Whatever the library throws (no connection, an error reply) means: it was not answered. */
const inTime = async <Value>(
  sent: Promise<Value>,
  timeoutMs: number,
): Promise<Outcome<Value> | 'late'> => {
  let timer: NodeJS.Timeout | undefined
  const answered = sent.then(
    (value): Outcome<Value> => ok(value),
    (): Outcome<Value> => fail('unreachable'),
  )
  const late = new Promise<'late'>((resolve) => {
    // An answer that has arrived counts, also where this process was too busy to read it.
    timer = setTimeout(() => setImmediate(() => resolve('late')), timeoutMs)
  })
  try {
    return await Promise.race([answered, late])
  } finally {
    clearTimeout(timer)
  }
}
