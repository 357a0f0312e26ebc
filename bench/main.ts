import { parseArgs } from 'node:util'
import { ensureCommands } from '../demo/system-packages.ts'
import { benchPolicies, type PolicyComparison } from './policies.ts'
import { benchSessions, type SessionsReport } from './sessions.ts'
import { benchTokens, type Cost, type TokensReport } from './tokens.ts'
import { benchVerify, type Comparison } from './verify.ts'

const HELP = `Usage: npm run bench [-- [verify|sessions|tokens] --rounds N --seconds N --json]

Measures /verify with a warm session against a bare Node server that returns the same
headers, and deciding among 1,000 hosts against deciding for one; in turns, and prints
the median ratios. Machines are noisy: compare ratios of
one run, never figures of two.

sessions: how soon an ended session is refused on another replica, over --revocations N
(1000), what a warm and a cold request cost Redis, and what --sessions N (2000) cost.

tokens: fresh tokens against jose alone, remembered ones against a bare server, and what
refusing hostile ones costs relative to a good one.`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    revocations: { type: 'string', default: '1000' },
    sessions: { type: 'string', default: '2000' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

const table = (results: readonly Comparison[]): string =>
  [
    `${'scenario'.padEnd(38)}${'verify/s'.padStart(10)}${'bare/s'.padStart(10)}${'ratio'.padStart(8)}${'p50 ms'.padStart(9)}${'p99 ms'.padStart(9)}${'p99 ratio'.padStart(11)}`,
    ...results.map(
      ({ scenario, verify, bare, throughput, p99 }) =>
        `${scenario.padEnd(38)}${verify.requestsPerSecond.toFixed(0).padStart(10)}${bare.requestsPerSecond.toFixed(0).padStart(10)}${throughput.toFixed(2).padStart(8)}${verify.p50Ms.toFixed(2).padStart(9)}${verify.p99Ms.toFixed(2).padStart(9)}${p99.toFixed(2).padStart(11)}`,
    ),
  ].join('\n')

const policyTable = ({ hosts, rules, nanoseconds, oneHost, ratio }: PolicyComparison): string =>
  `deciding with ${hosts} hosts of ${rules} rules: ${nanoseconds.toFixed(0)} ns, with one host ${oneHost.toFixed(0)} ns, ratio ${ratio.toFixed(2)}`

const sessionsTable = ({ lags, commands, memory }: SessionsReport): string =>
  [
    `${'ended by'.padEnd(20)}${'count'.padStart(7)}${'p50 ms'.padStart(9)}${'p95 ms'.padStart(9)}${'p99 ms'.padStart(9)}${'max ms'.padStart(9)}`,
    ...lags.map(
      ({ way, count, p50Ms, p95Ms, p99Ms, maxMs }) =>
        `${way.padEnd(20)}${String(count).padStart(7)}${[p50Ms, p95Ms, p99Ms, maxMs].map((ms) => ms.toFixed(2).padStart(9)).join('')}`,
    ),
    `Redis commands: ${commands.warm300} for 300 warm requests, ${commands.cold} for a cold one`,
    `${memory.sessions} sessions: ${memory.redisBytesEach.toFixed(0)} bytes each in Redis, ${memory.replicaBytesEach.toFixed(0)} in a replica, look-up ratio ${memory.lookupRatio.toFixed(2)}`,
  ].join('\n')

const tokensTable = ({ verification, remembered, fresh, hostile }: TokensReport): string =>
  [
    `${'fresh tokens'.padEnd(14)}${'ours/s'.padStart(9)}${'jose/s'.padStart(9)}${'ratio'.padStart(8)}${'CPU us'.padStart(9)}${'jose us'.padStart(9)}${'ratio'.padStart(8)}`,
    ...verification.map(
      ({ algorithm, tokensPerSecond, cpuMicros, jose, throughput, cpu }) =>
        `${algorithm.padEnd(14)}${tokensPerSecond.toFixed(0).padStart(9)}${jose.tokensPerSecond.toFixed(0).padStart(9)}${throughput.toFixed(2).padStart(8)}${cpuMicros.toFixed(0).padStart(9)}${jose.cpuMicros.toFixed(0).padStart(9)}${cpu.toFixed(2).padStart(8)}`,
    ),
    '',
    table(remembered),
    '',
    `${'over the wire'.padEnd(26)}${'requests/s'.padStart(12)}${'CPU us'.padStart(9)}${'ratio'.padStart(8)}${'calls'.padStart(7)}`,
    ...[fresh, ...hostile].map(costRow),
  ].join('\n')

const costRow = ({ what, requestsPerSecond, cpuMicros, ratio, calls }: Cost): string =>
  `${what.padEnd(26)}${requestsPerSecond.toFixed(0).padStart(12)}${cpuMicros.toFixed(1).padStart(9)}${ratio.toFixed(2).padStart(8)}${String(calls).padStart(7)}`

const runTokens = async (): Promise<void> => {
  const options = { rounds: Number(values.rounds), seconds: Number(values.seconds) }
  const report = await benchTokens(options, (line) => console.error(line))
  const taken = { date: new Date().toISOString(), node: process.version, ...options }
  console.log(values.json ? JSON.stringify({ ...taken, ...report }, null, 2) : tokensTable(report))
}

const runSessions = async (): Promise<void> => {
  const options = { revocations: Number(values.revocations), sessions: Number(values.sessions) }
  const report = await benchSessions(options, (line) => console.error(line))
  const taken = { date: new Date().toISOString(), node: process.version, ...options }
  console.log(
    values.json ? JSON.stringify({ ...taken, ...report }, null, 2) : sessionsTable(report),
  )
}

if (values.help) {
  console.log(HELP)
} else {
  const setup = ensureCommands(['nginx', 'redis-server', 'wrk'])
  if (setup.kind === 'missing') {
    console.error(`Run first:\n${setup.commands.join('\n')}`)
    process.exitCode = 2
  } else if (positionals[0] === 'sessions') {
    await runSessions()
  } else if (positionals[0] === 'tokens') {
    await runTokens()
  } else {
    const options = { rounds: Number(values.rounds), seconds: Number(values.seconds) }
    const results = await benchVerify(options, (line) => console.error(line))
    const policies = await benchPolicies(options.rounds)
    const taken = { date: new Date().toISOString(), node: process.version, ...options }
    console.log(
      values.json
        ? JSON.stringify({ ...taken, results, policies }, null, 2)
        : `${table(results)}\n${policyTable(policies)}`,
    )
  }
}
