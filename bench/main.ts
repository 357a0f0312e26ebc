import { parseArgs } from 'node:util'
import { ensureCommands } from '../demo/system-packages.ts'
import { readPeers } from './peers.ts'
import { RUNS } from './runs.ts'

const HELP = `Usage: npm run bench [-- WHAT] [--rounds N] [--seconds N] [--json]

${[...RUNS].map(([name, { about }]) => `${name.padEnd(12)}${about}`).join('\n')}

Without WHAT: verify. Each figure stands beside that of a yardstick, measured in turns in the same
run; ratios are medians over the rounds. Machines are noisy: compare ratios of one run, never
figures of two.

  --rounds N          (5)
  --seconds N         (3) of each measurement
  --sessions N        (2000; growth 40000: all that a process keeps; footprint 50000)
  --only TEXT         verify, tokens, growth: the scenarios whose names have that in them
  --hosts N           (1000) verify: among how many is decided
  --revocations N     (1000) of the benchmark of sessions
  --peer NAME=URL     verify: asks another server the same; may be given several times
  --peer-header 'NAME: Header: value'
                      a header for that peer alone, such as its cookie
  --record            gate: takes the ratios of this run for what is to be held
  --json              as JSON

Exit code 1: gate, and a ratio fell below the recorded one. 2: could not run.`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    revocations: { type: 'string', default: '1000' },
    hosts: { type: 'string', default: '1000' },
    sessions: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
    peer: { type: 'string', multiple: true, default: [] },
    'peer-header': { type: 'string', multiple: true, default: [] },
    only: { type: 'string' },
    record: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

const main = async (): Promise<void> => {
  const [what = 'verify'] = positionals
  const found = RUNS.get(what)
  if (values.help || found === undefined) {
    console.log(HELP)
    process.exitCode = values.help ? 0 : 2
    return
  }
  const setup = ensureCommands(['nginx', 'redis-server', 'wrk'])
  if (setup.kind === 'missing') {
    console.error(`Run first:\n${setup.commands.join('\n')}`)
    process.exitCode = 2
    return
  }
  const options = {
    rounds: Number(values.rounds),
    seconds: Number(values.seconds),
    sessions: values.sessions === undefined ? undefined : Number(values.sessions),
    revocations: Number(values.revocations),
    hosts: Number(values.hosts),
    peers: readPeers(values.peer, values['peer-header']),
    record: values.record,
    ...(values.only === undefined ? {} : { only: values.only }),
  }
  const { report, table, exitCode = 0 } = await found.run(options, (line) => console.error(line))
  const taken = { date: new Date().toISOString(), node: process.version, ...options }
  console.log(values.json ? JSON.stringify({ ...taken, ...report }, null, 2) : table)
  process.exitCode = exitCode
}

await main()
