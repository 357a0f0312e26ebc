import { Histogram, type Registry } from 'prom-client'
import { type Effect } from '../../core/decision.ts'

export const DECISION_BUCKETS: readonly number[] = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.25, 1, 5,
]

type Tally = { readonly counts: number[]; sum: number; count: number }

const emptyTally = (): Tally => ({ counts: DECISION_BUCKETS.map(() => 0), sum: 0, count: 0 })

const NAME = 'vestibule_decision_seconds'
const HELP = 'Time from reading the request to writing the answer.'

/**
 * How long decisions take: a histogram of prom-client in all but the counting, which happens here,
 * since observing by labels costs more than many a decision.
 *
 * @returns takes the seconds of one decision
 */
export const createDecisionSeconds = (
  registry: Registry,
): ((effect: Effect, seconds: number) => void) => {
  const tallies = new Map<Effect, Tally>()
  const histogram = new Histogram({
    name: NAME,
    help: HELP,
    buckets: [...DECISION_BUCKETS],
    registers: [],
  })
  // What both the text and the JSON of a registry are made from.
  const getForPromString = async () =>
    await Promise.resolve({
      name: NAME,
      help: HELP,
      type: 'histogram',
      values: [...tallies].flatMap(([effect, tally]) => valuesOf(effect, tally)),
      aggregator: 'sum',
    })
  registry.registerMetric(Object.assign(histogram, { getForPromString }))
  return (effect, seconds) => {
    let tally = tallies.get(effect)
    if (tally === undefined) {
      tally = emptyTally()
      tallies.set(effect, tally)
    }
    tally.sum += seconds
    tally.count += 1
    let bucket = 0
    while (seconds > (DECISION_BUCKETS[bucket] ?? Number.POSITIVE_INFINITY)) bucket += 1
    if (bucket < DECISION_BUCKETS.length) tally.counts[bucket] = (tally.counts[bucket] ?? 0) + 1
  }
}

type Value = {
  readonly metricName: string
  readonly labels: Readonly<Record<string, string | number>>
  readonly sharedLabels: Readonly<Record<string, never>>
  readonly value: number
}

/** Each bucket counts what is in the smaller ones too. */
const valuesOf = (effect: Effect, { counts, sum, count }: Tally): readonly Value[] => {
  const valueOf = (suffix: string, value: number, labels: Value['labels'] = {}): Value => ({
    metricName: `${NAME}_${suffix}`,
    labels: { ...labels, effect },
    sharedLabels: {},
    value,
  })
  let below = 0
  const buckets = DECISION_BUCKETS.map((le, index) => {
    below += counts[index] ?? 0
    return valueOf('bucket', below, { le })
  })
  return [
    ...buckets,
    valueOf('bucket', count, { le: '+Inf' }),
    valueOf('sum', sum),
    valueOf('count', count),
  ]
}
