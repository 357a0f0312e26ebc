import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startRedisPair } from '../demo/redis-sentinel.ts'
import { type WorldSettings } from '../demo/world.ts'
import { type Sample, sample } from './compare.ts'
import { type SignedIn, signedInWorld } from './signed-in.ts'

export type DisturbedOptions = { readonly seconds: number }

/** The same load without and with something that happens meanwhile. */
export type Disturbed = {
  readonly meanwhile: string
  readonly calm: Sample
  readonly disturbed: Sample
}

type Disturbance = {
  readonly meanwhile: string
  readonly settings: WorldSettings
  /** Begins it, and says how it ends. */
  readonly begin: () => () => Promise<void>
}

const RELOAD_EVERY_MS = 250

export const benchDisturbed = async (
  { seconds }: DisturbedOptions,
  say: (line: string) => void,
): Promise<readonly Disturbed[]> => {
  const policies = mkdtempSync(join(tmpdir(), 'vestibule-bench-'))
  cpSync(join(import.meta.dirname, '../demo/policies'), policies, { recursive: true })
  const redis = await startRedisPair()
  try {
    const results: Disturbed[] = []
    for (const disturbance of [
      reloading(policies),
      revalidating,
      { ...failingOver(redis.failOver), settings: { store: redis.url } },
    ]) {
      results.push(await run(disturbance, seconds, say))
    }
    return results
  } finally {
    await redis.stop()
    rmSync(policies, { recursive: true, force: true })
  }
}

const reloading = (policies: string): Disturbance => ({
  meanwhile: 'policies reloaded four times a second',
  settings: { policies },
  begin: () => {
    const file = join(policies, 'wiki.yaml')
    const text = readFileSync(file, 'utf8')
    let count = 0
    const timer = setInterval(() => {
      count += 1
      writeFileSync(file, `${text}# ${count}\n`)
    }, RELOAD_EVERY_MS)
    return async () => {
      clearInterval(timer)
      await Promise.resolve()
    }
  },
})

/** Nothing to begin: the session is asked about at the provider every second, behind answers. */
const revalidating: Disturbance = {
  meanwhile: 'sessions confirmed every second',
  settings: { overrides: { session: { store: 'memory', revalidateEvery: '1s' } } },
  begin: () => async () => {
    await Promise.resolve()
  },
}

const failingOver = (failOver: () => Promise<void>): Omit<Disturbance, 'settings'> => ({
  meanwhile: 'Redis fails over (Sentinel)',
  begin: () => {
    const over = failOver()
    return async () => await over
  },
})

const run = async (
  { meanwhile, settings, begin }: Disturbance,
  seconds: number,
  say: (line: string) => void,
): Promise<Disturbed> => {
  say(meanwhile)
  const who = await signedInWorld(settings)
  try {
    const server = serverOf(who, seconds)
    await sample(server)
    const calm = await sample(server)
    const end = begin()
    const disturbed = await sample(server)
    await end()
    return { meanwhile, calm, disturbed }
  } finally {
    await who.stop()
  }
}

const serverOf = ({ url, headers, usage }: SignedIn, seconds: number) => ({
  load: { url, headers, reconnect: true, seconds, connections: 32 },
  usage,
})

export const disturbedTable = (rows: readonly Disturbed[]): string =>
  [
    `${'meanwhile'.padEnd(40)}${'calm/s'.padStart(9)}${'then/s'.padStart(9)}${'ratio'.padStart(8)}${'p99 ms'.padStart(9)}${'then'.padStart(9)}${'errors'.padStart(8)}`,
    ...rows.map(
      ({ meanwhile, calm, disturbed }) =>
        `${meanwhile.padEnd(40)}${calm.requestsPerSecond.toFixed(0).padStart(9)}${disturbed.requestsPerSecond.toFixed(0).padStart(9)}${(disturbed.requestsPerSecond / calm.requestsPerSecond).toFixed(2).padStart(8)}${calm.p99Ms.toFixed(2).padStart(9)}${disturbed.p99Ms.toFixed(2).padStart(9)}${String(disturbed.errors).padStart(8)}`,
    ),
  ].join('\n')
