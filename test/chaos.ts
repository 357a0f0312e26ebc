import { parseArgs } from 'node:util'
import { ensureCommands } from '../demo/system-packages.ts'
import { BOUND_MS, type ChaosSettings, runChaos } from './chaos/run.ts'

const HELP = `Usage: npm run chaos [-- --seconds N --seed N --store standalone|sentinel --json]

Three replicas with clocks that differ, a real Redis, a real OpenID provider, and clients at every
replica, while things go wrong: Redis hangs, is killed, fails over and is emptied, the provider is
down, slow or loses answers, replicas are killed. Then reads the decision logs: nobody may be let in
later than ${BOUND_MS} ms after his end was acknowledged, nobody who was not ended may be signed out,
and everything has to come back without a hand.

  --seconds N   how long things go wrong (default 120)
  --seed N      the same seed, the same events; a new one each time if absent
  --store S     standalone, or sentinel with a primary and a replica (default sentinel)

Exit codes: 0 all held, 1 something did not, 2 could not run.`

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '120' },
    seed: { type: 'string' },
    store: { type: 'string', default: 'sentinel' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

const settingsOf = (): Omit<ChaosSettings, 'say'> => {
  const { store } = values
  const seconds = Number(values.seconds)
  const seed = Number(values.seed ?? Date.now() % 1_000_000)
  if (store !== 'standalone' && store !== 'sentinel') throw new Error(`no store is called ${store}`)
  if (!(seconds > 0)) throw new Error('--seconds is a number above zero')
  if (!Number.isSafeInteger(seed)) throw new Error('--seed is a whole number')
  return { store, seconds, seed }
}

const main = async (): Promise<number> => {
  const settings = settingsOf()
  const { store, seconds, seed } = settings
  const setup = ensureCommands(['redis-server'])
  if (setup.kind === 'missing') throw new Error(`run first:\n${setup.commands.join('\n')}`)
  const say = (line: string): void => console.error(line)
  say(`seed ${seed}, ${store}, ${seconds} s`)
  const report = await runChaos({ ...settings, say })
  console.log(JSON.stringify(report, null, values.json ? 0 : 2))
  if (report.violations.length === 0 && report.recovered && report.flushed) {
    say('All held.')
    return 0
  }
  say(`Did not hold. Again: npm run chaos -- --seed ${seed} --store ${store} --seconds ${seconds}`)
  return 1
}

if (values.help) {
  console.log(HELP)
} else {
  try {
    process.exitCode = await main()
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 2
  }
}
