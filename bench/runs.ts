import { benchDisturbed, disturbedTable } from './disturbed.ts'
import { benchFootprint } from './footprint.ts'
import { benchGate, gateTable } from './gate.ts'
import { benchGrowth } from './growth.ts'
import { benchNginx } from './nginx.ts'
import { benchOverload, overloadTable } from './overload.ts'
import { benchPolicies } from './policies.ts'
import { benchSessions } from './sessions.ts'
import { sessionsTable } from './sessions-table.ts'
import { comparisonTable } from './table.ts'
import { benchTokens } from './tokens.ts'
import { tokensTable } from './tokens-table.ts'
import { benchVerify, type Peer } from './verify.ts'
import { benchWorkers, workersTable } from './workers.ts'

export type RunOptions = {
  readonly rounds: number
  readonly seconds: number
  readonly sessions: number | undefined
  readonly revocations: number
  readonly hosts: number
  readonly peers: readonly Peer[]
  readonly record: boolean
  readonly only?: string
}

export type Run = {
  readonly about: string
  readonly run: (
    options: RunOptions,
    say: (line: string) => void,
  ) => Promise<{
    readonly report: Readonly<Record<string, unknown>>
    readonly table: string
    readonly exitCode?: number
  }>
}

/** Everything that can be measured, by name. */
export const RUNS: ReadonlyMap<string, Run> = new Map(
  Object.entries({
    verify: {
      about:
        '/verify against a bare Node server: warm, refused, hostile, mixed; deciding among many hosts',
      run: async (options, say) => {
        const results = await benchVerify(options, say)
        const policies = await benchPolicies(options.rounds, options.hosts)
        const { hosts, rules, nanoseconds, oneHost, ratio } = policies
        const line = `deciding with ${hosts} hosts of ${rules} rules: ${nanoseconds.toFixed(0)} ns, with one host ${oneHost.toFixed(0)} ns, ratio ${ratio.toFixed(2)}`
        return { report: { results, policies }, table: `${comparisonTable(results)}\n${line}` }
      },
    },
    nginx: {
      about: 'whole requests through nginx, against an auth server that says yes to everybody',
      run: async (options, say) => {
        const results = await benchNginx(options, say)
        return { report: { results }, table: comparisonTable(results) }
      },
    },
    tokens: {
      about:
        'fresh tokens against jose alone, remembered ones, and what refusing hostile ones costs',
      run: async (options, say) => {
        const report = await benchTokens(options, say)
        return { report, table: tokensTable(report) }
      },
    },
    sessions: {
      about: 'how soon an ended session is refused elsewhere, what sessions cost Redis and memory',
      run: async ({ revocations, sessions = 2000 }, say) => {
        const report = await benchSessions({ revocations, sessions }, say)
        return { report, table: sessionsTable(report) }
      },
    },
    growth: {
      about: 'whether a request costs more with many hosts, many sessions, many tokens',
      run: async ({ sessions = 40_000, ...options }, say) => {
        const results = await benchGrowth({ ...options, sessions }, say)
        return { report: { results }, table: comparisonTable(results) }
      },
    },
    footprint: {
      about: 'start to ready, and memory: idle, and with sessions kept',
      run: async ({ rounds, sessions = 50_000 }, say) => {
        const footprint = await benchFootprint({ rounds, sessions }, say)
        const { startMs, idleMegabytes, filledMegabytes } = footprint
        const table = `start to ready ${startMs.toFixed(0)} ms; idle ${idleMegabytes.toFixed(0)} MB; with ${sessions} sessions ${filledMegabytes.toFixed(0)} MB`
        return { report: { footprint }, table }
      },
    },
    disturbed: {
      about: 'while policies are reloaded, sessions confirmed, Redis fails over',
      run: async (options, say) => {
        const disturbed = await benchDisturbed(options, say)
        return { report: { disturbed }, table: disturbedTable(disturbed) }
      },
    },
    overload: {
      about:
        'good sessions beside floods of bad tokens, bad cookies, and ten times too many requests',
      run: async (options, say) => {
        const overload = await benchOverload(options, say)
        return { report: { overload }, table: overloadTable(overload) }
      },
    },
    workers: {
      about: 'one process against one worker for each core',
      run: async (options, say) => {
        const report = await benchWorkers(options, say)
        return { report: { workers: report }, table: workersTable(report) }
      },
    },
    gate: {
      about: 'holds the ratios of verify and nginx against bench/recorded.json',
      run: async (options, say) => {
        const rows = await benchGate(options, say)
        const exitCode = rows.every(({ isHeld }) => isHeld) ? 0 : 1
        return { report: { rows }, table: gateTable(rows), exitCode }
      },
    },
  } satisfies Record<string, Run>),
)
