import { type Logger, pino } from 'pino'

/** What the service says of itself, on stderr; stdout belongs to decisions. */
export const createServiceLog = (): Logger =>
  pino(
    {
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    pino.destination({ dest: 2, sync: true }),
  )
