import { createServiceLog } from '../edge/observe/service-log.ts'
import { type Service, startService } from '../service.ts'
import { type Command, type ExitCode } from './command.ts'
import { parseConfigOptions, readNamedConfig } from './config-option.ts'
import { allWarnings, prepare } from './service-input.ts'
import { sayFaults } from './terminal.ts'

export const serve: Command = {
  name: 'serve',
  summary: 'run the service',
  help: `Usage: vestibule serve [--config FILE] [--json]

Runs the three listeners until SIGTERM or SIGINT, then lets running requests finish.
Decisions go to standard output, one JSON line each; notices to standard error.

  --config FILE   configuration; VESTIBULE_CONFIG names it otherwise
  --json          faults of the configuration as JSON

Exit code 2: the configuration or a policy is faulty, or an address is taken.`,
  run: async (args, environment) => {
    const options = parseConfigOptions(args, environment)
    const config = await readNamedConfig(options, environment)
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
    const service = await startService({ config: config.value, ...prepared.value, log })
    // Listening for signals comes first: whoever reads that it is ready may send one.
    const stopped = untilStopped(service, log)
    log.info(
      { ...service.addresses, policyVersion: prepared.value.policies.version },
      'vestibule is ready',
    )
    return await stopped
  },
}

type Log = ReturnType<typeof createServiceLog>

/** Ends on a signal, or on an error that nobody caught: after one, nothing can be relied on. */
const untilStopped = (service: Service, log: Log): Promise<ExitCode> =>
  new Promise((resolve) => {
    let isStopping = false
    const stop = async (why: string, code: ExitCode): Promise<void> => {
      if (isStopping) return
      isStopping = true
      log.info({ why }, 'draining')
      await service.drain()
      log.info('stopped')
      resolve(code)
    }
    process.on('SIGTERM', () => void stop('SIGTERM', 0))
    process.on('SIGINT', () => void stop('SIGINT', 0))
    process.on('uncaughtException', (error) => {
      log.fatal({ error: error.stack }, 'uncaught exception')
      void stop('uncaught exception', 2)
    })
    process.on('unhandledRejection', (error) => {
      log.error(
        { error: error instanceof Error ? error.stack : String(error) },
        'unhandled rejection',
      )
    })
  })
