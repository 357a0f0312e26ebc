export type Cleanup = {
  readonly add: (stop: () => Promise<void>) => void
  readonly run: () => Promise<void>
}

/** Stops in reverse order, each thing once, and goes on when one of them fails. */
export const createCleanup = (): Cleanup => {
  const stops: (() => Promise<void>)[] = []
  return {
    add: (stop) => {
      stops.push(stop)
    },
    run: async () => {
      const failures: unknown[] = []
      for (let stop = stops.pop(); stop !== undefined; stop = stops.pop()) {
        await stop().catch((error: unknown) => failures.push(error))
      }
      if (failures.length > 0) throw new AggregateError(failures, 'not everything could be stopped')
    },
  }
}
