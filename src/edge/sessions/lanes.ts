import { fail, ok } from '../../core/result.ts'
import { type Outcome } from './record-store.ts'

export type LanesOptions = {
  /** Deadline of each command, in milliseconds. */
  readonly timeoutMs: number
  readonly monotonicMs: () => number
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
export const createLanes = ({ timeoutMs, monotonicMs, observe }: LanesOptions): Lanes => {
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
    const outcome = await inTime(command, timeoutMs, lane)
    observe(outcome.ok ? 'ok' : 'unreachable', (monotonicMs() - startedAt) / 1000)
    return outcome
  }
}

/** Whatever the library throws (no connection, an error reply) means: it was not answered. */
const inTime = async <Value>(
  command: () => Promise<Value>,
  timeoutMs: number,
  lane: Lane,
): Promise<Outcome<Value>> => {
  let timer: NodeJS.Timeout | undefined
  lane.waiting += 1
  const answered = command().then(
    (value): Outcome<Value> => {
      lane.waiting -= 1
      lane.hangs = false
      return ok(value)
    },
    (): Outcome<Value> => {
      lane.waiting -= 1
      return fail('unreachable')
    },
  )
  const late = new Promise<Outcome<Value>>((resolve) => {
    timer = setTimeout(() => {
      lane.hangs = true
      resolve(fail('unreachable'))
    }, timeoutMs)
  })
  try {
    return await Promise.race([answered, late])
  } finally {
    clearTimeout(timer)
  }
}
