import { fail, ok } from '../../core/result.ts'
import { createLanes, type LaneOutcome, type Lanes } from './lanes.ts'
import { LARGEST_RECORD, type LogEntry, type Outcome, type RecordStore } from './record-store.ts'
import { createRedisClient, type RedisClientOptions, type RedisNode } from './redis-client.ts'
import { createRedisCoherence } from './redis-coherence.ts'

export type RedisOptions = RedisClientOptions & {
  /** Deadline of each command, in milliseconds. */
  readonly timeoutMs: number
  readonly monotonicMs: () => number
  /** Called after each command, for metrics. */
  readonly observe: (outcome: LaneOutcome, seconds: number) => void
  /** Called when changes by others begin or cease to be heard of. */
  readonly onProven: (isProven: boolean, detail: string) => void
}

/** Only the holder of a lease may touch it. */
const EXTEND =
  "if redis.call('get',KEYS[1])==ARGV[1] then return redis.call('pexpire',KEYS[1],ARGV[2]) end return 0"
const RELEASE =
  "if redis.call('get',KEYS[1])==ARGV[1] then return redis.call('del',KEYS[1]) end return 0"
const LOG_PORTION = 1000

/** Keeps records in Redis: one server, one behind Sentinels, or a Cluster. */
export const createRedisRecordStore = (options: RedisOptions): RecordStore => {
  const client = createRedisClient(options)
  const { commands } = client
  const coherence = createRedisCoherence({ ...options, client })
  const lanes = createLanes(options)
  const ask = <Value>(name: string, command: () => Promise<Value>): Promise<Outcome<Value>> =>
    lanes(client.nodeOf(name), command)
  const done = async (
    name: string,
    command: () => Promise<unknown>,
  ): Promise<Outcome<undefined>> => {
    const outcome = await ask(name, command)
    return outcome.ok ? ok(undefined) : outcome
  }
  const found = async (
    name: string,
    command: () => Promise<Buffer | null>,
  ): Promise<Outcome<Buffer | undefined>> => {
    const outcome = await ask(name, command)
    return outcome.ok ? ok(outcome.value ?? undefined) : outcome
  }
  const says = async (
    name: string,
    yes: unknown,
    command: () => Promise<unknown>,
  ): Promise<Outcome<boolean>> => {
    const outcome = await ask(name, command)
    return outcome.ok ? ok(outcome.value === yes) : outcome
  }
  return {
    put: (name, value, ttlMs) => done(name, () => commands.set(name, value, 'PX', whole(ttlMs))),
    get: async (name) => {
      // Reads one byte more than a record may have, and never a gigabyte.
      const outcome = await ask(name, () => commands.getrangeBuffer(name, 0, LARGEST_RECORD))
      if (!outcome.ok) return outcome
      if (outcome.value.length > LARGEST_RECORD) return fail('unreachable')
      return ok(outcome.value.length === 0 ? undefined : outcome.value)
    },
    swap: (name, value, ttlMs) =>
      found(name, () => commands.setBuffer(name, value, 'PX', whole(ttlMs), 'XX', 'GET')),
    replace: (name, value, ttlMs) =>
      says(name, 'OK', () =>
        ttlMs === undefined
          ? commands.set(name, value, 'KEEPTTL', 'XX')
          : commands.set(name, value, 'PX', whole(ttlMs), 'XX'),
      ),
    take: (name) => found(name, () => commands.getdelBuffer(name)),
    remove: (names) => done(names[0] ?? '', () => commands.unlink(...names)),
    putInFamily: async (family, name, value, ttlMs) => {
      const put = await done(name, () => commands.set(name, value, 'PX', whole(ttlMs)))
      if (!put.ok) return put
      const now = Date.now()
      const counted = await ask(family.name, async () => {
        const [, , , count] = await Promise.all([
          commands.zadd(family.name, now, name),
          commands.zremrangebyscore(family.name, '-inf', now - ttlMs),
          commands.pexpire(family.name, whole(ttlMs)),
          commands.zcard(family.name),
        ])
        return count
      })
      if (!counted.ok) return counted
      if (counted.value <= family.most) return ok(undefined)
      const oldest = await ask(family.name, () =>
        commands.zpopmin(family.name, counted.value - family.most),
      )
      if (!oldest.ok) return oldest
      const names = oldest.value.filter((_each, index) => index % 2 === 0)
      await Promise.all(names.map((each) => done(each, () => commands.unlink(each))))
      return ok(undefined)
    },
    list: (start, end) => listNames(client.nodes(), `${start}*${end}`, lanes),
    claim: (name, holder, ttlMs) =>
      says(name, 'OK', () => commands.set(name, holder, 'PX', whole(ttlMs), 'NX')),
    extend: (name, holder, ttlMs) =>
      says(name, 1, () => commands.eval(EXTEND, 1, name, holder, whole(ttlMs))),
    release: (name, holder) => done(name, () => commands.eval(RELEASE, 1, name, holder)),
    setField: (name, field, value, ttlMs) =>
      ask(name, async () => {
        const [, , count] = await Promise.all([
          commands.hset(name, field, value),
          commands.pexpire(name, whole(ttlMs)),
          commands.hlen(name),
        ])
        return count
      }),
    fields: async (name) => {
      const outcome = await ask(name, () => commands.hgetallBuffer(name))
      return outcome.ok ? ok(new Map(Object.entries(outcome.value))) : outcome
    },
    removeFields: (name, fields) => done(name, () => commands.hdel(name, ...fields)),
    append: (name, texts, keepMs) =>
      done(name, async () => {
        const oldest = String(Math.max(0, Date.now() - whole(keepMs)))
        await Promise.all(
          texts.map((text) => commands.xadd(name, 'MINID', '~', oldest, '*', 'entry', text)),
        )
      }),
    entries: (name, after) =>
      ask(name, async () => {
        const all: LogEntry[] = []
        for (let from = after; ; ) {
          const start = from === undefined ? '-' : `(${from}`
          const some = await commands.xrange(name, start, '+', 'COUNT', LOG_PORTION)
          all.push(...some.map(([id, fields]) => ({ id, text: fields[1] ?? '' })))
          from = some.at(-1)?.[0]
          if (some.length < LOG_PORTION) return all
        }
      }),
    coherence,
    ping: () => pingAll(client.nodes(), lanes),
    close: async () => {
      coherence.close()
      client.close()
      await Promise.resolve()
    },
  }
}

/** Redis takes whole milliseconds, and at least one. */
const whole = (ms: number): number => Math.max(1, Math.ceil(ms))

const listNames = async function* (
  nodes: readonly RedisNode[],
  pattern: string,
  lanes: Lanes,
): AsyncGenerator<Outcome<readonly string[]>> {
  for (const { redis, name } of nodes) {
    let cursor = '0'
    do {
      const at = cursor
      const some = await lanes(name, () => redis.scan(at, 'MATCH', pattern, 'COUNT', 1000))
      if (!some.ok) {
        yield some
        return
      }
      cursor = some.value[0]
      yield ok(some.value[1])
    } while (cursor !== '0')
  }
}

const pingAll = async (nodes: readonly RedisNode[], lanes: Lanes): Promise<Outcome<undefined>> => {
  if (nodes.length === 0) return fail('unreachable')
  const answers = await Promise.all(nodes.map(({ redis, name }) => lanes(name, () => redis.ping())))
  return answers.every(({ ok: isUp }) => isUp) ? ok(undefined) : fail('unreachable')
}
