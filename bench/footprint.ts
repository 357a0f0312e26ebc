import { measure } from './load.ts'
import { type Populated, startPopulated } from './populated.ts'
import { residentBytes } from './process-usage.ts'
import { median } from './statistics.ts'

export type FootprintOptions = { readonly rounds: number; readonly sessions: number }

export type Footprint = {
  readonly startMs: number
  readonly idleMegabytes: number
  readonly sessions: number
  /** After each of the sessions was asked for once, and all are kept in the process. */
  readonly filledMegabytes: number
}

const SMALL = { hosts: 1, rules: 1 }
const QUIET_MS = 2000

/** How long a start takes, and how much memory the process holds: idle, and with sessions. */
export const benchFootprint = async (
  { rounds, sessions }: FootprintOptions,
  say: (line: string) => void,
): Promise<Footprint> => {
  const starts: { readonly startMs: number; readonly idle: number }[] = []
  for (let round = 0; round < rounds; round += 1) {
    say(`start ${round + 1} of ${rounds}`)
    const started = await startPopulated({ ...SMALL, sessions: 1 })
    await quiet()
    starts.push({ startMs: started.startMs, idle: residentBytes(started.pid) })
    await started.stop()
  }
  say(`filling Redis with ${sessions} sessions`)
  const filled = await startPopulated({ ...SMALL, sessions })
  try {
    await askForAll(filled, sessions, say)
    await quiet()
    return {
      startMs: median(starts.map(({ startMs }) => startMs)),
      idleMegabytes: median(starts.map(({ idle }) => idle)) / 1e6,
      sessions,
      filledMegabytes: residentBytes(filled.pid) / 1e6,
    }
  } finally {
    await filled.stop()
  }
}

const quiet = async (): Promise<void> => {
  await new Promise((resolve) => setTimeout(resolve, QUIET_MS))
}

/** Until each session has been read from Redis once. */
export const askForAll = async (
  { url, headers, script, opsPort }: Populated,
  sessions: number,
  say: (line: string) => void,
): Promise<void> => {
  for (let tries = 0; tries < 60; tries += 1) {
    const metrics = await (await fetch(`http://127.0.0.1:${opsPort}/metrics`)).text()
    const read = /^vestibule_session_reads_total\{result="miss"\} (\d+)/m.exec(metrics)
    if (Number(read?.[1] ?? 0) >= sessions) return
    say(`${read?.[1] ?? 0} of ${sessions} sessions were read`)
    const load = { url, headers, script, reconnect: false, seconds: 2, connections: 32 }
    const { errors } = await measure(load)
    if (errors > 0) throw new Error(`${errors} errors while sessions were read`)
  }
  throw new Error('the sessions are not kept')
}
