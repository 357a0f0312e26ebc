import { type Logger } from 'pino'
import { type ExitCode } from './command.ts'

export type Stop = { readonly why: string; readonly code: ExitCode }

/**
 * Ends for one of these reasons, on SIGTERM, or on an error that nobody caught: after one, nothing
 * can be relied on.
 */
export const untilStopped = (
  log: Logger,
  drain: () => Promise<void>,
  reasons: readonly Promise<Stop>[] = [],
): Promise<ExitCode> =>
  new Promise((resolve) => {
    let isStopping = false
    const stop = async ({ why, code }: Stop): Promise<void> => {
      if (isStopping) return
      isStopping = true
      log.info({ why }, 'draining')
      await drain()
      log.info('stopped')
      resolve(code)
    }
    for (const reason of reasons) void reason.then(stop)
    process.on('SIGTERM', () => void stop({ why: 'SIGTERM', code: 0 }))
    process.on('uncaughtException', (error) => {
      log.fatal({ error: error.stack }, 'uncaught exception')
      void stop({ why: 'uncaught exception', code: 2 })
    })
    process.on('unhandledRejection', (error) => {
      log.error(
        { error: error instanceof Error ? error.stack : String(error) },
        'unhandled rejection',
      )
    })
  })

/** A terminal sends it to every process of the group. */
export const interrupted = (): Promise<Stop> =>
  new Promise((resolve) => {
    process.on('SIGINT', () => resolve({ why: 'SIGINT', code: 0 }))
  })
