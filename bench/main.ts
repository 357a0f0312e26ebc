import { parseArgs } from 'node:util'
import { ensureCommands } from '../demo/system-packages.ts'
import { benchPolicies, type PolicyComparison } from './policies.ts'
import { benchVerify, type Comparison } from './verify.ts'

const HELP = `Usage: npm run bench [-- --rounds N --seconds N --json]

Measures /verify with a warm session against a bare Node server that returns the same
headers, and deciding among 1,000 hosts against deciding for one; in turns, and prints
the median ratios. Machines are noisy: compare ratios of
one run, never figures of two.`

const { values } = parseArgs({
  options: {
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

if (values.help) {
  console.log(HELP)
} else {
  const setup = ensureCommands(['nginx', 'wrk'])
  if (setup.kind === 'missing') {
    console.error(`Run first:\n${setup.commands.join('\n')}`)
    process.exitCode = 2
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
