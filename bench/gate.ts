import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { type Comparison } from './compare.ts'
import { benchNginx } from './nginx.ts'
import { benchVerify } from './verify.ts'

export type GateOptions = {
  readonly rounds: number
  readonly seconds: number
  /** Takes what is measured for what is to be held from now on. */
  readonly record: boolean
}

export type GateRow = {
  readonly scenario: string
  readonly recorded: number | undefined
  readonly measured: number
  readonly isHeld: boolean
}

/** So far below the recorded ratio, a ratio may lie: machines are noisy, ratios less so. */
export const MARGIN = 0.12

const FILE = join(import.meta.dirname, 'recorded.json')

const Recorded = z.strictObject({
  date: z.string(),
  node: z.string(),
  /** Throughput as a ratio to the yardstick, by scenario. */
  ratios: z.record(z.string(), z.number()),
})

/** Holds the ratios of this run against the recorded ones. */
export const benchGate = async (
  options: GateOptions,
  say: (line: string) => void,
): Promise<readonly GateRow[]> => {
  const all = [...(await benchVerify(options, say)), ...(await benchNginx(options, say))]
  if (options.record) record(all)
  const { ratios } = Recorded.parse(JSON.parse(readFileSync(FILE, 'utf8')))
  return judge(ratios, all)
}

/** A scenario that is not recorded is held to nothing; one that was not measured has failed. */
export const judge = (
  ratios: Readonly<Record<string, number>>,
  measured: readonly Pick<Comparison, 'scenario' | 'throughput'>[],
): readonly GateRow[] => [
  ...measured.map(({ scenario, throughput }) => {
    const recorded = ratios[scenario]
    const isHeld = recorded === undefined || throughput >= recorded - MARGIN
    return { scenario, recorded, measured: throughput, isHeld }
  }),
  ...Object.entries(ratios)
    .filter(([name]) => !measured.some(({ scenario }) => scenario === name))
    .map(([scenario, recorded]) => ({ scenario, recorded, measured: Number.NaN, isHeld: false })),
]

const record = (all: readonly Comparison[]): void => {
  const ratios = Object.fromEntries(
    all.map(({ scenario, throughput }) => [scenario, Math.round(throughput * 100) / 100]),
  )
  const recorded = { date: new Date().toISOString().slice(0, 10), node: process.version, ratios }
  writeFileSync(FILE, `${JSON.stringify(recorded, null, 2)}\n`)
}

export const gateTable = (rows: readonly GateRow[]): string =>
  [
    `${'scenario'.padEnd(38)}${'recorded'.padStart(10)}${'measured'.padStart(10)}`,
    ...rows.map(
      ({ scenario, recorded, measured, isHeld }) =>
        `${scenario.padEnd(38)}${(recorded?.toFixed(2) ?? '-').padStart(10)}${measured.toFixed(2).padStart(10)}  ${isHeld ? 'held' : `below by more than ${MARGIN}`}`,
    ),
  ].join('\n')
