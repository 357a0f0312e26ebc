import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'

export type Load = {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  /** A connection for each request, as ingress-nginx makes them; kept connections otherwise. */
  readonly reconnect: boolean
  readonly seconds: number
  readonly connections: number
  /** A script of wrk that makes each request; the headers above are sent besides. */
  readonly script?: string
  /** Whether it may take only the CPU that other clients leave. */
  readonly isModest?: boolean
  /** What part of the answers is to be no 2xx; none if absent. */
  readonly refusedShare?: number
}

export type Measured = {
  readonly requestsPerSecond: number
  /** All that were answered. */
  readonly requests: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Answers of another kind than was asked for, and connections that failed. */
  readonly errors: number
}

/** Puts load on a server with wrk and reads what it measured. */
export const measure = async (load: Load): Promise<Measured> => {
  const headers = { ...load.headers, ...(load.reconnect ? { Connection: 'close' } : {}) }
  const wrk = spawn(
    'nice',
    [
      '-n',
      load.isModest === true ? '15' : '0',
      'wrk',
      '-t1',
      `-c${load.connections}`,
      `-d${load.seconds}s`,
      '--latency',
      ...(load.script === undefined ? [] : ['-s', load.script]),
      ...Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]),
      load.url,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const report = await text(wrk.stdout)
  const requests = numberIn(report, /(\d+) requests in/)
  const refused = numberIn(report, /Non-2xx or 3xx responses: (\d+)/)
  return {
    requestsPerSecond: numberIn(report, /Requests\/sec:\s+([\d.]+)/),
    requests,
    p50Ms: latencyIn(report, '50%'),
    p99Ms: latencyIn(report, '99%'),
    errors:
      unexpected(requests, refused, load.refusedShare) +
      [...report.matchAll(/(?:connect|read|write|timeout) (\d+)/g)].reduce(
        (sum, [, count]) => sum + Number(count),
        0,
      ),
  }
}

/** Where some are to be refused and some are not, chance says how many. */
const CHANCE = 0.03

/** How many answers were of another kind than was asked for. */
export const unexpected = (requests: number, refused: number, share = 0): number => {
  const away = Math.abs(refused - share * requests)
  return Number.isInteger(share) || away > CHANCE * requests ? Math.round(away) : 0
}

const numberIn = (report: string, pattern: RegExp): number => Number(pattern.exec(report)?.[1] ?? 0)

const UNITS: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000 }

const latencyIn = (report: string, percentile: string): number => {
  const [, value, unit = ''] = new RegExp(`${percentile}\\s+([\\d.]+)(us|ms|s)`).exec(report) ?? []
  return Number(value) * (UNITS[unit] ?? Number.NaN)
}
