import { availableParallelism } from 'node:os'
import { type Config } from '../edge/config/config.ts'
import { MOST_WORKERS } from '../edge/config/schema.ts'
import { createServiceLog } from '../edge/observe/service-log.ts'
import { type ServiceInput } from '../service/parts.ts'
import { type Primary, type PrimaryInput, startPrimary } from '../service/primary.ts'
import { startService } from '../service.ts'
import { type Command, type ExitCode } from './command.ts'
import { parseConfigOptions, readConfigText, readNamedConfig } from './config-option.ts'
import { allWarnings, prepare } from './service-input.ts'
import { sayFaults } from './terminal.ts'
import { tidyHeap } from './tidy-heap.ts'
import { interrupted, type Stop, untilStopped } from './until-stopped.ts'

export const serve: Command = {
  name: 'serve',
  summary: 'run the service',
  help: `Usage: vestibule serve [--config FILE] [--json]

Runs the three listeners until SIGTERM or SIGINT, then lets running requests finish.
With workers: auto or a number above 1 in the configuration, so many processes answer requests.
Decisions go to standard output, one JSON line each; notices to standard error.

  --config FILE   configuration; VESTIBULE_CONFIG names it otherwise
  --json          faults of the configuration as JSON

Exit code 2: the configuration or a policy is faulty, an address is taken, or workers keep ending.`,
  run: async (args, environment) => {
    const options = parseConfigOptions(args, environment)
    const read = await readConfigText(options)
    const config = await readNamedConfig(options, environment, read)
    if (!config.ok) {
      sayFaults(config.failure, options.json)
      return 2
    }
    const prepared = await prepare(config.value)
    if (!prepared.ok) {
      sayFaults(prepared.failure, options.json)
      return 2
    }
    const log = createServiceLog()
    for (const text of allWarnings(config.value, prepared.value.policies)) log.warn(text)
    const input = { config: config.value, ...prepared.value, log }
    const count = workersOf(config.value)
    tidyHeap()
    if (count === 1) return await serveAlone(input)
    return await serveWithWorkers({
      ...input,
      count,
      configFile: options.file ?? '',
      configText: read ?? '',
    })
  },
}

/** One for each core, as far as the container may use them. */
const workersOf = ({ workers, session }: Config): number => {
  if (workers !== 'auto') return workers
  return session.store === 'memory' ? 1 : Math.min(availableParallelism(), MOST_WORKERS)
}

const serveAlone = async (input: ServiceInput): Promise<ExitCode> => {
  const { log, policies } = input
  const service = await startService(input)
  // Listening for signals comes first: whoever reads that it is ready may send one.
  const stopped = untilStopped(log, service.drain, [interrupted()])
  log.info({ ...service.addresses, policyVersion: policies.version }, 'vestibule is ready')
  return await stopped
}

const serveWithWorkers = async (
  input: PrimaryInput & Pick<ServiceInput, 'policies'>,
): Promise<ExitCode> => {
  const { log } = input
  const primary = await startPrimary(input)
  const stopped = untilStopped(log, primary.drain, [interrupted(), loopOf(primary, log)])
  void sayWhenReady(primary, input)
  return await stopped
}

const loopOf = async ({ failed }: Primary, log: ServiceInput['log']): Promise<Stop> => {
  log.fatal({ why: await failed }, 'workers end as soon as they are replaced')
  return { why: 'workers keep ending', code: 2 }
}

const sayWhenReady = async (
  { addresses, allReady }: Primary,
  { log, count, policies }: PrimaryInput & Pick<ServiceInput, 'policies'>,
): Promise<void> => {
  await allReady
  log.info({ ...addresses, workers: count, policyVersion: policies.version }, 'vestibule is ready')
}
