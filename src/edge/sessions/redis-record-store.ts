import { fail, ok } from '../../core/result.ts'
import { createLanes, type LaneOutcome } from './lanes.ts'
import { LARGEST_RECORD, type LogEntry, type Outcome, type RecordStore } from './record-store.ts'
import {
  createRedisClient,
  type RedisClient,
  type RedisClientOptions,
  type RedisNode,
} from './redis-client.ts'
import { createRedisCoherence } from './redis-coherence.ts'
import {
  type ReadReply,
  readBytes,
  readCount,
  readDone,
  readEntries,
  readFields,
  readInfo,
  readMaybeBytes,
  readOk,
  readOne,
  readPong,
  readScan,
  readText,
  readTexts,
  readWhether,
} from './replies.ts'

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
  const lanes = createLanes({ ...options, onLate: client.renew })
  const askServer: AskServer = async (server, command, read) => {
    const answered = await lanes(server, command)
    if (!answered.ok) return answered
    const reply = read(answered.value)
    if (reply !== undefined) return ok(reply.said)
    // The answer to something else: nothing on this connection can be relied on.
    client.renew(server)
    return fail('unreachable')
  }
  const ask: AskServer = (name, command, read) => askServer(client.nodeOf(name), command, read)
  return {
    put: (name, value, ttlMs) =>
      ask(name, () => commands.set(name, value, 'PX', whole(ttlMs)), readOk),
    get: async (name) => {
      // Reads one byte more than a record may have, and never a gigabyte.
      const found = await ask(
        name,
        () => commands.getrangeBuffer(name, 0, LARGEST_RECORD),
        readBytes,
      )
      if (!found.ok) return found
      if (found.value.length > LARGEST_RECORD) return fail('unreachable')
      return ok(found.value.length === 0 ? undefined : found.value)
    },
    swap: (name, value, ttlMs) =>
      ask(
        name,
        () => commands.setBuffer(name, value, 'PX', whole(ttlMs), 'XX', 'GET'),
        readMaybeBytes,
      ),
    replace: (name, value, ttlMs) =>
      ask(
        name,
        () =>
          ttlMs === undefined
            ? commands.set(name, value, 'KEEPTTL', 'XX')
            : commands.set(name, value, 'PX', whole(ttlMs), 'XX'),
        readWhether,
      ),
    take: (name) => ask(name, () => commands.getdelBuffer(name), readMaybeBytes),
    remove: (names) => ask(names[0] ?? '', () => commands.unlink(...names), readDone),
    putInFamily: (family, name, value, ttlMs) =>
      putInFamily(commands, ask, { family, name, value, ttlMs: whole(ttlMs) }),
    list: (start, end) => listNames(client.nodes(), `${start}*${end}`, askServer),
    claim: (name, holder, ttlMs) =>
      ask(name, () => commands.set(name, holder, 'PX', whole(ttlMs), 'NX'), readWhether),
    extend: (name, holder, ttlMs) =>
      ask(name, () => commands.eval(EXTEND, 1, name, holder, whole(ttlMs)), readOne),
    release: (name, holder) => ask(name, () => commands.eval(RELEASE, 1, name, holder), readDone),
    setField: async (name, field, value, ttlMs) => {
      const [, , count] = await Promise.all([
        ask(name, () => commands.hset(name, field, value), readDone),
        ask(name, () => commands.pexpire(name, whole(ttlMs)), readDone),
        ask(name, () => commands.hlen(name), readCount),
      ])
      return count
    },
    fields: (name) => ask(name, () => commands.hgetallBuffer(name), readFields),
    removeFields: (name, fields) => ask(name, () => commands.hdel(name, ...fields), readDone),
    append: async (name, texts, keepMs) => {
      const oldest = String(Math.max(0, Date.now() - whole(keepMs)))
      for (const text of texts) {
        const added = await ask(
          name,
          () => commands.xadd(name, 'MINID', '~', oldest, '*', 'entry', text),
          readText,
        )
        if (!added.ok) return added
      }
      return ok(undefined)
    },
    entries: (name, after) => readLog(commands, ask, name, after),
    coherence,
    advice: async () => {
      const [node] = client.nodes()
      if (node === undefined) return NOBODY
      const info = await askServer(node.name, () => node.redis.info('memory'), readInfo)
      return info.ok ? ok(adviceOn(info.value)) : info
    },
    ping: async () => {
      const nodes = client.nodes()
      const answers = await Promise.all(
        nodes.map((node) => askServer(node.name, () => node.redis.ping(), readPong)),
      )
      return answers.find((each) => !each.ok) ?? (nodes.length === 0 ? NOBODY : ok(undefined))
    },
    close: async () => {
      coherence.close()
      client.close()
      await Promise.resolve()
    },
  }
}

const NOBODY = fail('unreachable' as const)

/** Sessions that a full Redis lets go are people who are signed out. */
const adviceOn = (memory: ReadonlyMap<string, string>): readonly string[] => {
  const policy = memory.get('maxmemory_policy') ?? 'noeviction'
  return memory.get('maxmemory') === '0' || policy === 'noeviction'
    ? []
    : [
        `the session store has maxmemory-policy ${policy}: when it is full, it signs people out and forgets revocations. Set noeviction`,
      ]
}

/** Asks a server, or the one that holds a record, and reads what it replies. */
type AskServer = <Value>(
  server: string,
  command: () => Promise<unknown>,
  read: ReadReply<Value>,
) => Promise<Outcome<Value>>

/** Redis takes whole milliseconds, and at least one. */
const whole = (ms: number): number => Math.max(1, Math.ceil(ms))

type InFamily = {
  readonly family: { readonly name: string; readonly most: number }
  readonly name: string
  readonly value: Buffer
  readonly ttlMs: number
}

const putInFamily = async (
  commands: RedisClient['commands'],
  ask: AskServer,
  { family, name, value, ttlMs }: InFamily,
): Promise<Outcome<undefined>> => {
  const put = await ask(name, () => commands.set(name, value, 'PX', ttlMs), readOk)
  if (!put.ok) return put
  const now = Date.now()
  const of = family.name
  const [, , , count] = await Promise.all([
    ask(of, () => commands.zadd(of, now, name), readDone),
    ask(of, () => commands.zremrangebyscore(of, '-inf', now - ttlMs), readDone),
    ask(of, () => commands.pexpire(of, ttlMs), readDone),
    ask(of, () => commands.zcard(of), readCount),
  ])
  if (!count.ok) return count
  if (count.value <= family.most) return ok(undefined)
  const oldest = await ask(of, () => commands.zpopmin(of, count.value - family.most), readTexts)
  if (!oldest.ok) return oldest
  // Names and scores in turn.
  const names = oldest.value.filter((_each, index) => index % 2 === 0)
  await Promise.all(names.map((each) => ask(each, () => commands.unlink(each), readDone)))
  return ok(undefined)
}

const readLog = async (
  commands: RedisClient['commands'],
  ask: AskServer,
  name: string,
  after: string | undefined,
): Promise<Outcome<readonly LogEntry[]>> => {
  const all: LogEntry[] = []
  for (let from = after; ; ) {
    const start = from === undefined ? '-' : `(${from}`
    const some = await ask(
      name,
      () => commands.xrange(name, start, '+', 'COUNT', LOG_PORTION),
      readEntries,
    )
    if (!some.ok) return some
    all.push(...some.value)
    from = some.value.at(-1)?.id
    if (some.value.length < LOG_PORTION) return ok(all)
  }
}

const listNames = async function* (
  nodes: readonly RedisNode[],
  pattern: string,
  ask: AskServer,
): AsyncGenerator<Outcome<readonly string[]>> {
  for (const { redis, name } of nodes) {
    let cursor = '0'
    do {
      const at = cursor
      const some = await ask(name, () => redis.scan(at, 'MATCH', pattern, 'COUNT', 1000), readScan)
      if (!some.ok) {
        yield some
        return
      }
      ;({ cursor } = some.value)
      yield ok(some.value.names)
    } while (cursor !== '0')
  }
}
