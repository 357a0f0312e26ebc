import { type Random } from './random.ts'
import { type ChaosWorld } from './world.ts'

/** Something that goes wrong, and is over when it resolves. */
export type ChaosEvent = {
  readonly name: string
  readonly detail: string
  readonly happen: () => Promise<void>
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** The next thing to go wrong. Whatever is stopped is started again. */
export const nextEvent = (world: ChaosWorld, random: Random): ChaosEvent => {
  const { store, identityProvider } = world
  const lasting = Math.round(random.between(300, 2500))
  const events: ChaosEvent[] = [
    {
      name: 'redis_hangs',
      detail: `${lasting} ms`,
      happen: async () => {
        const primary = await store.primary()
        primary?.signal('SIGSTOP')
        await pause(lasting)
        primary?.signal('SIGCONT')
      },
    },
    {
      name: 'provider_down',
      detail: `${lasting} ms`,
      happen: async () => {
        identityProvider.setBehaviour({ status: 503 })
        await pause(lasting)
        identityProvider.setBehaviour({})
      },
    },
    {
      name: 'provider_slow',
      detail: `each answer ${lasting} ms late`,
      happen: async () => {
        identityProvider.setBehaviour({ delayMilliseconds: lasting })
        await pause(lasting * 2)
        identityProvider.setBehaviour({})
      },
    },
    {
      name: 'provider_loses_answers',
      detail: `${lasting} ms`,
      happen: async () => {
        identityProvider.setBehaviour({ losesAnswers: true, paths: ['/token'] })
        await pause(lasting)
        identityProvider.setBehaviour({})
      },
    },
  ]
  // The first replica is where people sign in and out.
  const victim = random.pick([1, 2])
  events.push({
    name: 'replica_killed',
    detail: `replica ${victim}`,
    happen: () => world.restart(victim),
  })
  const { failOver, kill } = store
  if (failOver !== undefined) {
    events.push({ name: 'redis_failed_over', detail: 'by the Sentinels', happen: failOver })
  }
  if (kill !== undefined) {
    events.push({ name: 'redis_killed', detail: 'the primary', happen: kill })
  }
  return random.pick(events)
}
