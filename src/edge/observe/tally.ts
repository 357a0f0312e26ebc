import { type Counter } from 'prom-client'

export type Labels = Readonly<Record<string, string>>

/**
 * Counts what happens for every request, until somebody asks for the sum: finding the place of a
 * set of labels in a counter costs more than a decision.
 */
export type Tally = {
  /** @param key says the same as the labels, which are made only for a key that is new */
  readonly add: (key: string, labels: () => Labels) => void
  /** Hands everything over to the counter. */
  readonly settle: (counter: Pick<Counter, 'inc'>) => void
}

type Entry = { readonly labels: Labels; count: number }

export const createTally = (): Tally => {
  const entries = new Map<string, Entry>()
  return {
    add: (key, labels) => {
      const entry = entries.get(key)
      if (entry === undefined) entries.set(key, { labels: labels(), count: 1 })
      else entry.count += 1
    },
    settle: (counter) => {
      for (const entry of entries.values()) {
        if (entry.count > 0) counter.inc(entry.labels, entry.count)
        entry.count = 0
      }
    },
  }
}
