import { type SessionsReport } from './sessions.ts'

export const sessionsTable = ({ lags, commands, memory }: SessionsReport): string =>
  [
    `${'ended by'.padEnd(20)}${'count'.padStart(7)}${'p50 ms'.padStart(9)}${'p95 ms'.padStart(9)}${'p99 ms'.padStart(9)}${'max ms'.padStart(9)}`,
    ...lags.map(
      ({ way, count, p50Ms, p95Ms, p99Ms, maxMs }) =>
        `${way.padEnd(20)}${String(count).padStart(7)}${[p50Ms, p95Ms, p99Ms, maxMs].map((ms) => ms.toFixed(2).padStart(9)).join('')}`,
    ),
    `Redis commands: ${commands.warm300} for 300 warm requests, ${commands.cold} for a cold one`,
    `${memory.sessions} sessions: ${memory.redisBytesEach.toFixed(0)} bytes each in Redis, ${memory.replicaBytesEach.toFixed(0)} in a replica, look-up ratio ${memory.lookupRatio.toFixed(2)}`,
  ].join('\n')
