import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

/** The suites that generate their input; each runs briefly in `npm test`, and here for longer. */
const SUITES = [
  'never-open',
  'paths-properties',
  'redirect-targets-fuzz',
  'policy-files-fuzz',
  'configuration-fuzz',
  'tokens-fuzz',
  'signature-agreement',
]

/** Some properties also ask that enough of what is generated is let through; fewer say nothing. */
const FEWEST = 5000

const { values } = parseArgs({ options: { runs: { type: 'string', default: '20000' } } })
if (!(Number(values.runs) >= FEWEST)) {
  console.error(`--runs is a number from ${FEWEST}`)
  process.exit(2)
}
const jest = join(import.meta.dirname, '../node_modules/jest/bin/jest.js')

console.log(
  `at least ${values.runs} runs of each property in ${SUITES.join(', ')} (--runs N for another number)`,
)
const { status } = spawnSync(
  process.execPath,
  [
    '--experimental-vm-modules',
    '--disable-warning=ExperimentalWarning',
    jest,
    '--testTimeout=3600000',
    ...SUITES.map((suite) => `/${suite}`),
  ],
  { stdio: 'inherit', env: { ...process.env, VESTIBULE_FUZZ_RUNS: values.runs } },
)
process.exitCode = status ?? 2
