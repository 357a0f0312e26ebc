import { parseArgs } from 'node:util'
import { ensureCommands } from '../demo/system-packages.ts'
import { benchVerify, type Comparison } from './verify.ts'

const HELP = `Usage: npm run bench [-- --rounds N --seconds N --json]

Measures /verify with a warm session against a bare Node server that returns the same
headers, in turns, and prints the median ratio. Machines are noisy: compare ratios of
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
    const report = { date: new Date().toISOString(), node: process.version, ...options, results }
    console.log(values.json ? JSON.stringify(report, null, 2) : table(results))
  }
}
