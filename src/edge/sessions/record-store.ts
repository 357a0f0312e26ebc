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
  /** Puts only where nothing is; says whether it did. */
  readonly claim: (name: string, ttlMs: number) => Promise<Outcome<boolean>>
  /** Replaces only what is there, and leaves its time to live; says whether it did. */
  readonly replace: (name: string, value: Buffer) => Promise<Outcome<boolean>>
  readonly remove: (names: readonly string[]) => Promise<Outcome<undefined>>
  /** Whether it answers now. */
  readonly ping: () => Promise<Outcome<undefined>>
  readonly close: () => Promise<void>
}

export type Outcome<Value> = Result<Value, 'unreachable'>
