import { Redis as Client } from 'ioredis'
import { startRedis } from '../demo/redis.ts'
import { epochSeconds, type SessionId } from '../src/core/ids.ts'
import { type KeyRing, randomKeyRing } from '../src/edge/sessions/key-ring.ts'
import { namesOf, sessionKeyOf, subjectDigest } from '../src/edge/sessions/names.ts'
import { type RecordStore } from '../src/edge/sessions/record-store.ts'
import { revoke } from '../src/flow/revoke.ts'
import { type Sessions } from '../src/service/sessions.ts'
import { aPerson } from '../test/support/policies.ts'
import { connected, proven, redisRecords, sessionsOver } from '../test/support/sessions.ts'
import { percentile } from './statistics.ts'

export type SessionsOptions = { readonly revocations: number; readonly sessions: number }

export type LagReport = {
  readonly way: string
  readonly count: number
  readonly p50Ms: number
  readonly p95Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}

export type SessionsReport = {
  readonly lags: readonly LagReport[]
  /** Redis commands, those of the proofs of the cache left out. */
  readonly commands: { readonly warm300: number; readonly cold: number }
  readonly memory: {
    readonly sessions: number
    readonly redisBytesEach: number
    readonly replicaBytesEach: number
    /** Looking up one of so many, to looking up one of a thousand. */
    readonly lookupRatio: number
  }
}

type Replica = { readonly records: RecordStore; readonly sessions: Sessions }

const { issuer } = aPerson()
const TOKENS = {
  idToken: 'x'.repeat(900),
  accessToken: 'y'.repeat(43),
  accessExpiresAt: undefined,
  refreshToken: 'z'.repeat(43),
}

const startReplica = async (url: string, ring: KeyRing): Promise<Replica> => {
  const records = await proven(await connected(redisRecords(url)))
  const sessions = sessionsOver({
    records,
    ring,
    limits: { idleSeconds: 28_800, absoluteSeconds: 86_400 },
    nowMs: () => Date.now(),
    monotonicMs: () => performance.now(),
  })
  return { records, sessions }
}

const signIn = async ({ sessions }: Replica, subject: string): Promise<SessionId> => {
  const now = epochSeconds(Date.now() / 1000)
  const created = await sessions.store.create(
    { principal: aPerson({ subject }), createdAt: now, checkedAt: now, issuedAt: now },
    TOKENS,
    { startedAt: now, browser: 'Firefox on Linux' },
  )
  if (!created.ok) throw new Error(`no session: ${created.failure}`)
  return created.value
}

const isThere = async ({ sessions }: Replica, id: SessionId): Promise<boolean> => {
  const found = await sessions.store.find(id)
  return !found.ok || found.value !== undefined
}

/** How sessions end, how soon every replica knows, and what they cost. */
export const benchSessions = async (
  { revocations, sessions }: SessionsOptions,
  say: (line: string) => void,
): Promise<SessionsReport> => {
  const redis = await startRedis()
  const client = new Client(redis.url)
  const ring = randomKeyRing()
  const replicas = [
    await startReplica(redis.url, ring),
    await startReplica(redis.url, ring),
  ] as const
  try {
    say(`${revocations} revocations, felt on the other of two replicas`)
    const lags = await measureLags(replicas, client, revocations)
    say('commands of warm and cold requests')
    const commands = await countCommands(replicas[0], client)
    say(`${sessions} live sessions`)
    const memory = await measureMemory(replicas[0], client, sessions)
    return { lags, commands, memory }
  } finally {
    await Promise.all(replicas.map(({ records }) => records.close()))
    client.disconnect()
    await redis.stop()
  }
}

const WAYS = ['sign-out', 'DEL by hand', 'subject revoked'] as const

const measureLags = async (
  [one, other]: readonly [Replica, Replica],
  client: Client,
  count: number,
): Promise<readonly LagReport[]> => {
  const lags = new Map<string, number[]>(WAYS.map((way) => [way, []]))
  for (let index = 0; index < count; index += 1) {
    const way = WAYS[index % WAYS.length] ?? 'sign-out'
    const subject = `person-${index}`
    const id = await signIn(one, subject)
    for (const replica of [one, other]) {
      if (!(await isThere(replica, id))) throw new Error('a session was not there')
    }
    const endedAt = await end(way, one, client, { id, subject })
    while (await isThere(other, id)) await new Promise((resolve) => setImmediate(resolve))
    lags.get(way)?.push(performance.now() - endedAt)
  }
  return [...lags].map(([way, all]) => ({
    way,
    count: all.length,
    p50Ms: percentile(all, 0.5),
    p95Ms: percentile(all, 0.95),
    p99Ms: percentile(all, 0.99),
    maxMs: percentile(all, 1),
  }))
}

/** Ends it in that way; the moment at which that was acknowledged. */
const end = async (
  way: (typeof WAYS)[number],
  { sessions }: Replica,
  client: Client,
  { id, subject }: { readonly id: SessionId; readonly subject: string },
): Promise<number> => {
  if (way === 'DEL by hand') await client.del(...namesOf(sessionKeyOf(id)))
  else if (way === 'sign-out') await sessions.store.end(sessionKeyOf(id))
  else {
    const ports = {
      sessions: sessions.store,
      revocations: sessions.revocations,
      directory: sessions.directory,
      serviceTokens: sessions.serviceTokens,
      names: { people: issuer, tokenIssuers: [], digest: subjectDigest },
      nowMs: () => Date.now(),
      lifeMs: 86_400_000,
    }
    await revoke(ports, { kind: 'subject', subject })
  }
  return performance.now()
}

/** What proves the cache, and what counts. */
const NOT_COUNTED = /^cmdstat_(?:info|client|ping|config|select)/

const commandsSoFar = async (client: Client): Promise<number> =>
  (await client.info('commandstats'))
    .split('\r\n')
    .filter((line) => line.startsWith('cmdstat_') && !NOT_COUNTED.test(line))
    .reduce((sum, line) => sum + Number(/calls=([0-9]+)/.exec(line)?.[1] ?? 0), 0)

const countCommands = async (
  replica: Replica,
  client: Client,
): Promise<SessionsReport['commands']> => {
  const ids = [await signIn(replica, 'warm'), await signIn(replica, 'cold')] as const
  await isThere(replica, ids[0])
  const before = await commandsSoFar(client)
  for (let request = 0; request < 300; request += 1) await isThere(replica, ids[0])
  const warm = await commandsSoFar(client)
  await isThere(replica, ids[1])
  return { warm300: warm - before, cold: (await commandsSoFar(client)) - warm }
}

const redisBytes = async (client: Client): Promise<number> =>
  Number(/used_memory:([0-9]+)/.exec(await client.info('memory'))?.[1] ?? 0)

const THOUSAND = 1000

const measureMemory = async (
  replica: Replica,
  client: Client,
  count: number,
): Promise<SessionsReport['memory']> => {
  const ids: SessionId[] = []
  const addUntil = async (target: number): Promise<void> => {
    while (ids.length < target) {
      const some = Math.min(100, target - ids.length)
      const made = await Promise.all(
        Array.from({ length: some }, (_each, index) =>
          signIn(replica, `somebody-${ids.length + index}`),
        ),
      )
      ids.push(...made)
    }
  }
  await addUntil(Math.min(THOUSAND, count))
  for (const id of ids) await isThere(replica, id)
  const few = await lookupMs(replica, ids)
  const before = { redis: await redisBytes(client), replica: process.memoryUsage().rss }
  await addUntil(count)
  const redisAfter = await redisBytes(client)
  for (const id of ids) await isThere(replica, id)
  const added = Math.max(1, count - THOUSAND)
  return {
    sessions: count,
    redisBytesEach: (redisAfter - before.redis) / added,
    replicaBytesEach: (process.memoryUsage().rss - before.replica) / added,
    // The last ones are those that the cache still holds.
    lookupRatio: (await lookupMs(replica, ids.slice(-THOUSAND))) / few,
  }
}

const lookupMs = async (replica: Replica, ids: readonly SessionId[]): Promise<number> => {
  const rounds: number[] = []
  for (let round = 0; round < 30; round += 1) {
    const startedAt = performance.now()
    for (const id of ids) await isThere(replica, id)
    rounds.push((performance.now() - startedAt) / ids.length)
  }
  return percentile(rounds, 0.5)
}
