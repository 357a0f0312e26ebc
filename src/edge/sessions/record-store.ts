import { type Result } from '../../core/result.ts'

/**
 * Bytes under names, each with a time to live: all that a session store asks of the world. Every
 * call has a deadline and is safe to repeat; `unreachable` says nothing about whether it was done.
 */
export type RecordStore = {
  readonly put: (name: string, value: Buffer, ttlMs: number) => Promise<Outcome<undefined>>
  /** Reads, and with `ttlMs` lets the time to live begin anew. */
  readonly get: (name: string, ttlMs?: number) => Promise<Outcome<Buffer | undefined>>
  /** Reads and removes in one step: of many takers one gets it. */
  readonly take: (name: string) => Promise<Outcome<Buffer | undefined>>
  readonly remove: (names: readonly string[]) => Promise<Outcome<undefined>>
  /** Whether it answers now. */
  readonly ping: () => Promise<Outcome<undefined>>
  readonly close: () => Promise<void>
}

export type Outcome<Value> = Result<Value, 'unreachable'>
