import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { Redis as Client } from 'ioredis'
import { type Redis } from '../../demo/redis.ts'
import { type Vestibule, type VestibuleSettings } from '../support/vestibule.ts'
import { startAgainst } from './support-callback.ts'

export const newKey = (): string => randomBytes(32).toString('base64url')

/** Polls until it holds; a bound, not a sleep. */
export const until = async (holds: () => Promise<boolean>, withinMs = 10_000): Promise<void> => {
  const deadline = Date.now() + withinMs
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`not within ${withinMs} ms`)
    await delay(10)
  }
}

export const isReady = async (vestibule: Vestibule): Promise<boolean> =>
  (await fetch(`http://127.0.0.1:${vestibule.opsPort}/readyz`)).ok

/** One replica of the service on that Redis, when it is ready. */
export const startReplica = async (
  idp: { readonly issuer: string },
  redis: Pick<Redis, 'url'>,
  keys: readonly string[],
  settings: Partial<VestibuleSettings> = {},
): Promise<Vestibule> => {
  const replica = await startAgainst(idp, {
    ...settings,
    config: {
      session: { store: redis.url, keysFile: './session-keys', storeTimeout: '500ms' },
      ...settings.config,
    },
    files: { 'session-keys': `${keys.join('\n')}\n` },
  })
  await until(() => isReady(replica))
  return replica
}

/** What is in that Redis, seen from beside the service. */
export const openStore = (redis: Pick<Redis, 'url'>): Client => new Client(redis.url)
