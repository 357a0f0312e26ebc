import { type Logger, pino } from 'pino'

/** What the service says of itself, on stderr; stdout belongs to decisions. A worker says which. */
export const createServiceLog = (worker?: number): Logger =>
  pino(
    {
      base: worker === undefined ? null : { worker },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    pino.destination({ dest: 2, sync: true }),
  )
