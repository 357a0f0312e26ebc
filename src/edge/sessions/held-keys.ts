import { type KeyRing, type RingKey } from './key-ring.ts'

/** A key ring that changes while the service runs. */
export type HeldKeys = {
  /** The ring as it counts now. */
  readonly current: () => KeyRing
  readonly replace: (ring: KeyRing) => void
}

/** By then, every replica has the new file: Kubernetes takes about a minute to bring it. */
const SETTLED_MS = 120_000

/**
 * A key that came while the service ran opens records at once, and seals them only some time later:
 * another replica may not have it yet, and would take such a record for none.
 */
export const holdKeys = (initial: KeyRing, monotonicMs: () => number): HeldKeys => {
  let ring = initial
  const since = new Map<string, number>(initial.map(({ id }) => [id, Number.NEGATIVE_INFINITY]))
  const isSettled = ({ id }: RingKey): boolean =>
    monotonicMs() - (since.get(id) ?? Number.POSITIVE_INFINITY) >= SETTLED_MS
  return {
    current: () => {
      const [first, ...rest] = ring
      if (isSettled(first)) return ring
      const sealing = rest.find(isSettled)
      if (sealing === undefined) return ring
      return [sealing, ...ring.filter((key) => key !== sealing)]
    },
    replace: (next) => {
      for (const { id } of next) if (!since.has(id)) since.set(id, monotonicMs())
      ring = next
    },
  }
}
