import { ok } from '../../core/result.ts'
import { createRevocationSet, type Revocable, type Revocation } from '../../core/revocation.ts'
import { type Revocations, type Standing } from '../../flow/session-ports.ts'
import { type LogEntry, type Outcome, type RecordStore } from './record-store.ts'
import { parseRevocation, revocationText } from './revocation-entry.ts'

export type RevocationsOptions = {
  readonly records: Pick<RecordStore, 'append' | 'entries' | 'coherence'>
  readonly nowMs: () => number
  readonly monotonicMs: () => number
  /** While the store is unreachable, what was known so recently still decides. */
  readonly serveKnownForMs: number
  /** No session and no token lives longer. */
  readonly longestLifeMs: number
  /** Called for each revocation that became known here, with the time since it was ordered. */
  readonly onLearnt: (revocation: Revocation, lagSeconds: number) => void
}

const LOG = 'vestibule:revocations'
const FORGET_EVERY = 1000

/**
 * The revocations of all replicas, in the memory of each: a log in the store, whose new entries are
 * read when the store says that there are some. What was revoked stays so if the store loses it.
 */
export const createRevocations = (options: RevocationsOptions): Revocations => {
  const { records, nowMs, monotonicMs } = options
  const { coherence } = records
  const set = createRevocationSet()
  /** The last entry that was read, and the one before it, after which to read on. */
  let lastId: string | undefined
  let beforeLastId: string | undefined
  /** The era in which the log was last read, watched and whole. */
  let era: number | undefined
  let knownUntil = Number.NEGATIVE_INFINITY
  let changes = 0
  let changesRead = -1
  let additions = 0

  const learn = (revocation: Revocation): void => {
    if (revocation.keepUntilMs <= nowMs() || !set.add(revocation)) return
    options.onLearnt(revocation, Math.max(0, nowMs() - revocation.orderedAtMs) / 1000)
    additions += 1
    if (additions % FORGET_EVERY === 0) set.forget(nowMs())
  }
  const take = (entries: readonly LogEntry[]): readonly Revocation[] => {
    const stored = entries.flatMap(({ text }) => parseRevocation(text) ?? [])
    for (const revocation of stored) learn(revocation)
    lastId = entries.at(-1)?.id
    beforeLastId = entries.at(-2)?.id ?? beforeLastId
    return stored
  }
  /** In a new era the log may be another one, whose ids begin anew; or an older copy of it. */
  const readWhole = async (): Promise<Outcome<undefined>> => {
    const found = await records.entries(LOG, undefined)
    if (!found.ok) return found
    beforeLastId = undefined
    const lost = missingFrom(take(found.value), set.all(), nowMs())
    if (lost.length > 0) await records.append(LOG, lost.map(revocationText), options.longestLifeMs)
    return ok(undefined)
  }
  /** What was read last has to be there still: else somebody emptied the log. */
  const readOn = async (): Promise<Outcome<undefined>> => {
    const found = await records.entries(LOG, beforeLastId)
    if (!found.ok) return found
    if (found.value[0]?.id !== lastId) return await readWhole()
    if (lastId !== undefined) take(found.value)
    return ok(undefined)
  }
  const sync = async (): Promise<Outcome<undefined>> => {
    const begun = { era: coherence.era(), at: monotonicMs(), changes }
    const isWatched = coherence.isWatched(LOG)
    const done = await (era === begun.era ? readOn() : readWhole())
    if (!done.ok) return done
    era = isWatched && coherence.isWatched(LOG) ? begun.era : undefined
    knownUntil = begun.at
    changesRead = begun.changes
    return done
  }
  const refresh = createFreshRun(sync)
  const isCurrent = (): boolean =>
    changesRead === changes && era === coherence.era() && coherence.isProven()
  /** Whether the set may decide: it is what the store has, or the outage is young. */
  const isKnown = async (): Promise<boolean> => {
    const lastedBefore = era === undefined ? knownUntil : coherence.lastedUntil(era)
    if ((await refresh()).ok) return true
    return monotonicMs() - Math.max(knownUntil, lastedBefore) <= options.serveKnownForMs
  }
  const standing = (what: Revocable): Standing => (set.revokes(what) ? 'revoked' : 'in_force')
  coherence.onChanged((changed) => {
    if (changed !== 'all' && !changed.includes(LOG)) return
    if (changed === 'all') era = undefined
    changes += 1
    void refresh()
  })
  return {
    add: async (revocation) => {
      const added = await records.append(LOG, [revocationText(revocation)], options.longestLifeMs)
      // Told or not, it holds here: a store that fails must not open what was just closed.
      learn(revocation)
      return added
    },
    standingOf: (what) =>
      isCurrent()
        ? standing(what)
        : isKnown().then((known) => (known ? standing(what) : 'unreachable')),
    notBefore: async (subject) => {
      const read = await refresh()
      return read.ok ? ok(set.notBefore(subject)) : read
    },
    load: refresh,
    size: set.size,
  }
}

/** What is known here, still counts, and the store does not have. */
const missingFrom = (
  stored: readonly Revocation[],
  known: Iterable<Revocation>,
  nowMs: number,
): readonly Revocation[] => {
  const held = createRevocationSet()
  for (const revocation of stored) held.add(revocation)
  return [...known].filter((revocation) => revocation.keepUntilMs > nowMs && held.add(revocation))
}

/**
 * One run at a time; whoever asks during a run gets the result of the next one, which begins after
 * he asked: what was done before he asked is in it.
 */
const createFreshRun = <Value>(run: () => Promise<Value>): (() => Promise<Value>) => {
  let running: Promise<Value> | undefined
  let next: Promise<Value> | undefined
  const start = (): Promise<Value> => {
    const started = run().finally(() => {
      if (running === started) running = undefined
    })
    running = started
    return started
  }
  return () => {
    if (running === undefined) return start()
    next ??= running.then(() => {
      next = undefined
      return start()
    })
    return next
  }
}
