import { expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { Counter, Histogram, Registry } from 'prom-client'
import { createDecisionSeconds, DECISION_BUCKETS } from '../../src/edge/observe/decision-seconds.ts'
import { createTally } from '../../src/edge/observe/tally.ts'

const effect = fc.constantFrom('allow', 'deny', 'challenge', 'unavailable')
const seconds = fc.oneof(fc.constantFrom(...DECISION_BUCKETS, 0, 60), fc.double({ min: 0, max: 7 }))

/** What is summed up over several processes. */
const told = async (registry: Registry) =>
  (await registry.getMetricsAsJSON()).map(({ name, type, aggregator, values }) => [
    [name, type, aggregator],
    values.map(({ labels, value }) => [labels, value]),
  ])

test('the time of decisions is told as a histogram of prom-client would tell it', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(effect, seconds), { maxLength: 30 }), async (all) => {
      const [ours, theirs] = [new Registry(), new Registry()]
      const observe = createDecisionSeconds(ours)
      const histogram = new Histogram({
        name: 'vestibule_decision_seconds',
        help: 'Time from reading the request to writing the answer.',
        labelNames: ['effect'],
        buckets: [...DECISION_BUCKETS],
        registers: [theirs],
      })
      for (const [which, time] of all) {
        observe(which, time)
        histogram.observe({ effect: which }, time)
      }
      expect(await ours.metrics()).toBe(await theirs.metrics())
      expect(await told(ours)).toEqual(await told(theirs))
    }),
    { seed: 5, numRuns: 100 },
  )
})

test('a tally hands each event to its counter once', async () => {
  const counter = new Counter({ name: 'a', help: 'b', labelNames: ['way'], registers: [] })
  const tally = createTally()
  for (const way of ['x', 'y', 'x']) tally.add(way, () => ({ way }))
  tally.settle(counter)
  tally.settle(counter)
  tally.add('x', () => ({ way: 'x' }))
  tally.settle(counter)
  const { values } = await counter.get()
  expect(values.map(({ labels, value }) => [labels.way, value])).toEqual([
    ['x', 3],
    ['y', 1],
  ])
})
