import { Redis } from 'ioredis'
import { fail, ok } from '../../core/result.ts'
import { type Outcome, type RecordStore } from './record-store.ts'

export type RedisOptions = {
  readonly url: string
  /** Deadline of each command, in milliseconds. */
  readonly timeoutMs: number
  /** Called after each command, for metrics. */
  readonly observe: (outcome: 'ok' | 'unreachable', seconds: number) => void
  /** Called when the connection is lost or cannot be made; at most once until it is back. */
  readonly onLost: (detail: string) => void
}

/**
 * Keeps records in one Redis. A command fails at its deadline or at once when there is no
 * connection, and is never queued or resent: ioredis' defaults take ten seconds to fail, and
 * never do when Redis hangs. Connecting is retried for ever, in the background.
 */
export const createRedisRecordStore = (options: RedisOptions): RecordStore => {
  const redis = new Redis(options.url, {
    commandTimeout: options.timeoutMs,
    connectTimeout: Math.max(options.timeoutMs, 1000),
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    retryStrategy: (attempt) => Math.min(50 * 2 ** attempt, 2000),
  })
  reportLosses(redis, options.onLost)
  const ask = async <Value>(command: () => Promise<Value>): Promise<Outcome<Value>> => {
    const startedAt = performance.now()
    const outcome = await attempt(command)
    options.observe(outcome.ok ? 'ok' : 'unreachable', (performance.now() - startedAt) / 1000)
    return outcome
  }
  const found = async (
    command: () => Promise<Buffer | null>,
  ): Promise<Outcome<Buffer | undefined>> => {
    const outcome = await ask(command)
    return outcome.ok ? ok(outcome.value ?? undefined) : outcome
  }
  const done = async (command: () => Promise<unknown>): Promise<Outcome<undefined>> => {
    const outcome = await ask(command)
    return outcome.ok ? ok(undefined) : outcome
  }
  const isDone = async (command: () => Promise<unknown>): Promise<Outcome<boolean>> => {
    const outcome = await ask(command)
    return outcome.ok ? ok(outcome.value === 'OK') : outcome
  }
  return {
    put: (name, value, ttlMs) => done(() => redis.set(name, value, 'PX', Math.ceil(ttlMs))),
    get: (name, ttlMs) =>
      found(() =>
        ttlMs === undefined
          ? redis.getBuffer(name)
          : redis.getexBuffer(name, 'PX', Math.ceil(ttlMs)),
      ),
    take: (name) => found(() => redis.getdelBuffer(name)),
    claim: (name, ttlMs) => isDone(() => redis.set(name, '1', 'PX', Math.ceil(ttlMs), 'NX')),
    replace: (name, value) => isDone(() => redis.set(name, value, 'KEEPTTL', 'XX')),
    remove: (names) => done(() => redis.unlink(...names)),
    ping: () => done(() => redis.ping()),
    close: async () => {
      redis.disconnect()
      await Promise.resolve()
    },
  }
}

/** Whatever ioredis throws (deadline, no connection, an error reply) means: it was not answered. */
const attempt = async <Value>(command: () => Promise<Value>): Promise<Outcome<Value>> => {
  try {
    return ok(await command())
  } catch {
    return fail('unreachable')
  }
}

const reportLosses = (redis: Redis, onLost: RedisOptions['onLost']): void => {
  let isLost = false
  const lost = (detail: string): void => {
    if (!isLost) onLost(detail)
    isLost = true
  }
  redis.on('error', (error: Error) => lost(error.message))
  redis.on('close', () => lost('connection closed'))
  redis.on('ready', () => {
    isLost = false
  })
}
