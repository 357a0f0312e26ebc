import { type Result } from '../../core/result.ts'
import { type Coherence } from './coherence.ts'

export type Outcome<Value> = Result<Value, 'unreachable'>

/** No record is larger; what is was not written by us, and is not read whole. */
export const LARGEST_RECORD = 64 * 1024

/** Bytes under names, each with a time to live. */
export type Records = {
  readonly put: (name: string, value: Buffer, ttlMs: number) => Promise<Outcome<undefined>>
  readonly get: (name: string) => Promise<Outcome<Buffer | undefined>>
  /** Puts only in the place of what is there, with a new time to live; gives back what was. */
  readonly swap: (
    name: string,
    value: Buffer,
    ttlMs: number,
  ) => Promise<Outcome<Buffer | undefined>>
  /** Replaces only what is there; without `ttlMs` it lives as long as before. */
  readonly replace: (name: string, value: Buffer, ttlMs?: number) => Promise<Outcome<boolean>>
  /** Reads and removes in one step: of many takers one gets it. */
  readonly take: (name: string) => Promise<Outcome<Buffer | undefined>>
  readonly remove: (names: readonly string[]) => Promise<Outcome<undefined>>
  /** Puts, and beyond so many of its family lets the oldest go. */
  readonly putInFamily: (
    family: { readonly name: string; readonly most: number },
    name: string,
    value: Buffer,
    ttlMs: number,
  ) => Promise<Outcome<undefined>>
  /** The names that begin and end so, in portions. A long way: for operators only. */
  readonly list: (start: string, end: string) => AsyncIterable<Outcome<readonly string[]>>
}

/** The right to do something alone, for a time, held under a word that only the holder knows. */
export type Leases = {
  readonly claim: (name: string, holder: string, ttlMs: number) => Promise<Outcome<boolean>>
  readonly extend: (name: string, holder: string, ttlMs: number) => Promise<Outcome<boolean>>
  readonly release: (name: string, holder: string) => Promise<Outcome<undefined>>
}

/** Small collections of bytes under one name. */
export type FieldSets = {
  /** Says how many fields there are now; lets the time to live of the whole begin anew. */
  readonly setField: (
    name: string,
    field: string,
    value: Buffer,
    ttlMs: number,
  ) => Promise<Outcome<number>>
  readonly fields: (name: string) => Promise<Outcome<ReadonlyMap<string, Buffer>>>
  readonly removeFields: (name: string, fields: readonly string[]) => Promise<Outcome<undefined>>
}

export type LogEntry = { readonly id: string; readonly text: string }

/** Texts in the order in which they were added. */
export type Logs = {
  /** Lets go of entries that are older than `keepMs`. */
  readonly append: (
    name: string,
    texts: readonly string[],
    keepMs: number,
  ) => Promise<Outcome<undefined>>
  /** Entries after the one of that id; all of them where it is undefined. */
  readonly entries: (
    name: string,
    after: string | undefined,
  ) => Promise<Outcome<readonly LogEntry[]>>
}

/**
 * All that sessions ask of the world. Every call has a deadline and is safe to repeat;
 * `unreachable` says nothing about whether it was done.
 */
export type RecordStore = Records &
  Leases &
  FieldSets &
  Logs & {
    /** Tells of changes by anybody, so that what was read may be kept for as long as it is true. */
    readonly coherence: Coherence
    /** What an operator should change about it, in words for him. */
    readonly advice: () => Promise<Outcome<readonly string[]>>
    /** Whether it answers now. */
    readonly ping: () => Promise<Outcome<undefined>>
    readonly close: () => Promise<void>
  }
