import { setTimeout as delay } from 'node:timers/promises'
import { createLocalJWKSet, type JWTVerifyGetKey } from 'jose'
import { type Eventual, thenAt } from '../../core/eventual.ts'
import { fail, ok, type Result } from '../../core/result.ts'
import { type KeySource } from './key-sources.ts'
import { type ChooseKey, createVerificationKeys } from './verification-keys.ts'

export type KeySetOptions = {
  readonly load: KeySource
  readonly pace?: Pace
  readonly nowMs: () => number
  /** Called when loading failed. */
  readonly onFailure: (detail: string) => void
  /** Called when there are other keys than before. */
  readonly onChange?: (keys: number, skipped: number) => void
  /** Called whenever the keys were confirmed. */
  readonly onLoaded?: () => void
}

export type Pace = {
  /** Keys are loaded anew so often, in the background; a removed key dies within it. */
  readonly refreshMs: number
  /** An unknown `kid` is free to send: it causes one load in this time, whether good or not. */
  readonly coolDownMs: number
  /** While nothing is known yet, it is tried so often. */
  readonly coldRetryMs: number
  /** A request waits no longer than this for keys; loading goes on without it. */
  readonly longestWaitMs: number
}

export const REMOTE: Pace = {
  refreshMs: 5 * 60_000,
  coolDownMs: 30_000,
  coldRetryMs: 5000,
  longestWaitMs: 1000,
}
export const LOCAL: Pace = {
  refreshMs: 10_000,
  coolDownMs: 1000,
  coldRetryMs: 1000,
  longestWaitMs: 1000,
}

/** While the issuer is unreachable, known keys serve for so long. */
const STALE_MS = 24 * 3_600_000

export type Keys = {
  readonly choose: ChooseKey
  /** The same keys for the library, which looks at signatures in other threads. */
  readonly find: JWTVerifyGetKey
  /** Another number whenever the keys are others. */
  readonly generation: number
}

/** The keys of one issuer. */
export type KeySet = {
  /** The keys known now; loads them first if there are none. */
  readonly current: () => Eventual<Result<Keys, 'unreachable'>>
  /**
   * Other keys than those of a generation, since one was not found among them; undefined where
   * there are none, or it was tried a moment ago.
   */
  readonly changed: (since: number) => Eventual<Result<Keys | undefined, 'unreachable'>>
  readonly generation: () => number
  /** Loads now, and again and again. */
  readonly start: () => void
  readonly stop: () => void
}

type Known = Keys & { readonly text: string; readonly loadedAt: number }

export const createKeySet = (options: KeySetOptions): KeySet => {
  const { load, nowMs, pace = REMOTE } = options
  let known: Known | undefined
  let running: Promise<void> | undefined
  let failed = false
  let lastTriedAt = Number.NEGATIVE_INFINITY
  let lastAskedAt = Number.NEGATIVE_INFINITY
  let timer: NodeJS.Timeout | undefined
  let isStarted = false

  const tryToLoad = async (): Promise<void> => {
    lastTriedAt = nowMs()
    try {
      const { keys, skipped } = await load()
      const text = JSON.stringify(keys)
      const isNew = known?.text !== text
      known =
        known === undefined || isNew
          ? {
              choose: createVerificationKeys(keys),
              find: createLocalJWKSet({ keys: [...keys] }),
              generation: (known?.generation ?? 0) + 1,
              text,
              loadedAt: nowMs(),
            }
          : { ...known, loadedAt: nowMs() }
      failed = false
      if (isNew) options.onChange?.(keys.length, skipped)
      options.onLoaded?.()
    } catch (error) {
      failed = true
      options.onFailure(detailOf(error))
    }
  }
  /** One load at a time, shared by all who wait. */
  const loadOnce = (): Promise<void> => {
    running ??= tryToLoad().finally(() => {
      running = undefined
    })
    return running
  }
  const usable = (): Known | undefined =>
    known !== undefined && nowMs() - known.loadedAt <= STALE_MS ? known : undefined
  const hasCooledDown = (since: number, ms: number): boolean =>
    running !== undefined || nowMs() - since >= ms

  const loaded = async (): Promise<Result<Known, 'unreachable'>> => {
    if (hasCooledDown(lastTriedAt, pace.coldRetryMs)) await within(loadOnce(), pace.longestWaitMs)
    const found = usable()
    return found === undefined ? fail('unreachable') : ok(found)
  }
  const othersThan = (since: number): Result<Known | undefined, 'unreachable'> => {
    if (failed) return fail('unreachable')
    const found = usable()
    return ok(found === undefined || found.generation === since ? undefined : found)
  }

  const tick = async (): Promise<void> => {
    await loadOnce()
    if (!isStarted) return
    timer = setTimeout(() => void tick(), nextDelay())
    timer.unref()
  }
  const nextDelay = (): number => {
    if (known === undefined) return pace.coldRetryMs
    // Replicas that started together need not ask together for ever.
    return failed ? pace.coolDownMs : pace.refreshMs * (0.8 + 0.2 * Math.random())
  }
  return {
    current: () => {
      const found = usable()
      if (found === undefined) return loaded()
      const isOld = nowMs() - found.loadedAt > 2 * pace.refreshMs
      if (isOld && hasCooledDown(lastTriedAt, pace.coolDownMs)) void loadOnce()
      return ok(found)
    },
    changed: (since) => {
      const found = usable()
      if (found !== undefined && found.generation !== since) return ok(found)
      if (!hasCooledDown(lastAskedAt, pace.coolDownMs)) return othersThan(since)
      if (running === undefined) lastAskedAt = nowMs()
      return thenAt(within(loadOnce(), pace.longestWaitMs), (isInTime) =>
        isInTime ? othersThan(since) : fail('unreachable'),
      )
    },
    generation: () => known?.generation ?? 0,
    start: () => {
      isStarted = true
      void tick()
    },
    stop: () => {
      isStarted = false
      clearTimeout(timer)
    },
  }
}

/** Whether it ended in time. */
const within = async (work: Promise<void>, ms: number): Promise<boolean> => {
  const stopped = new AbortController()
  const late = delay(ms, false, { signal: stopped.signal }).catch(() => false)
  try {
    return await Promise.race([work.then(() => true), late])
  } finally {
    stopped.abort()
  }
}

/** `fetch failed` says nothing; its cause does. */
const detailOf = (error: unknown): string => {
  if (!(error instanceof Error)) return 'unknown'
  const text =
    error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message
  return text.slice(0, 200)
}
