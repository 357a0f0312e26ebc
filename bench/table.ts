import { type Comparison, type Sample } from './compare.ts'

type Column = {
  readonly title: string
  readonly of: (row: Comparison) => number
  readonly digits: number
}

const COLUMNS: readonly Column[] = [
  { title: 'ours/s', of: ({ verify }) => verify.requestsPerSecond, digits: 0 },
  { title: 'bare/s', of: ({ bare }) => bare.requestsPerSecond, digits: 0 },
  { title: 'ratio', of: ({ throughput }) => throughput, digits: 2 },
  { title: 'CPU us', of: ({ verify }) => verify.cpuMicros, digits: 1 },
  { title: 'bare', of: ({ bare }) => bare.cpuMicros, digits: 1 },
  { title: 'ratio', of: ({ cpu }) => cpu, digits: 2 },
  { title: 'p50 ms', of: ({ verify }) => verify.p50Ms, digits: 2 },
  { title: 'p99 ms', of: ({ verify }) => verify.p99Ms, digits: 2 },
  { title: 'ratio', of: ({ p99 }) => p99, digits: 2 },
  { title: 'GC ms/s', of: ({ verify }) => verify.collectingMs, digits: 1 },
  { title: 'bare', of: ({ bare }) => bare.collectingMs, digits: 1 },
]

const SCENARIO_WIDTH = 38
const WIDTH = 9

const cell = (value: number, digits: number): string =>
  (Number.isNaN(value) ? '-' : value.toFixed(digits)).padStart(WIDTH)

/** A line for each scenario, and below it one for each peer. */
export const comparisonTable = (rows: readonly Comparison[]): string =>
  [
    'scenario'.padEnd(SCENARIO_WIDTH) + COLUMNS.map(({ title }) => title.padStart(WIDTH)).join(''),
    ...rows.flatMap((row) => [
      row.scenario.padEnd(SCENARIO_WIDTH) +
        COLUMNS.map(({ of, digits }) => cell(of(row), digits)).join(''),
      ...row.peers.map(({ name, measured, throughput }) => peerLine(name, measured, throughput)),
    ]),
  ].join('\n')

const peerLine = (
  name: string,
  { requestsPerSecond, p50Ms, p99Ms, errors }: Sample,
  ratio: number,
) =>
  `  ${name}: ${requestsPerSecond.toFixed(0)}/s, p50 ${p50Ms.toFixed(2)} ms, p99 ${p99Ms.toFixed(2)} ms${errors > 0 ? `, ${errors} errors` : ''}; we answer ${ratio.toFixed(2)} times as many`
