export type RecentOptions = {
  readonly monotonicMs: () => number
  /** What nobody asked for in so long is forgotten, within twice that. */
  readonly periodMs: number
  /** What may be kept, in bytes, more or less. */
  readonly mostBytes: number
}

/** What was worked out of something, for as long as it is asked for again and again. */
export type Recent<Source extends object, Value extends object> = {
  readonly get: (source: Source) => Value | undefined
  readonly keep: (source: Source, value: Value, bytes: number) => void
}

type Kept<Value> = { readonly value: Value; readonly bytes: number }

/**
 * Two generations, of which the older is dropped as a whole: nothing has to be searched for what is
 * old. What was worked out of a source goes with it, however recent it is.
 */
export const createRecent = <Source extends object, Value extends object>({
  monotonicMs,
  periodMs,
  mostBytes,
}: RecentOptions): Recent<Source, Value> => {
  let young = new WeakMap<Source, Kept<Value>>()
  let old = new WeakMap<Source, Kept<Value>>()
  let youngBytes = 0
  let oldBytes = 0
  let turnedAt = monotonicMs()
  const turn = (): void => {
    old = young
    oldBytes = youngBytes
    young = new WeakMap()
    youngBytes = 0
    turnedAt = monotonicMs()
  }
  return {
    get: (source) => {
      if (monotonicMs() - turnedAt >= periodMs) turn()
      const recent = young.get(source)
      if (recent !== undefined) return recent.value
      const kept = old.get(source)
      if (kept === undefined) return undefined
      young.set(source, kept)
      youngBytes += kept.bytes
      old.delete(source)
      oldBytes -= kept.bytes
      return kept.value
    },
    keep: (source, value, bytes) => {
      if (youngBytes + oldBytes + bytes > mostBytes) turn()
      young.set(source, { value, bytes })
      youngBytes += bytes
    },
  }
}
