import { afterEach, describe, expect, jest, test } from '@jest/globals'
import slotOf from 'cluster-key-slot'
import { type Cleanup, createCleanup } from '../../demo/cleanup.ts'
import { type RedisCluster, startRedisCluster } from '../../demo/redis-cluster.ts'
import { type RedisPair, startRedisPair } from '../../demo/redis-sentinel.ts'
import { type SessionId } from '../../src/core/ids.ts'
import { sessionKeyOf, sessionName } from '../../src/edge/sessions/names.ts'
import {
  allFound,
  BOUND_MS,
  createSessionsOf,
  hammer,
  type Replica,
  startReplicas,
} from '../support/hammer.ts'
import { until } from '../support/redis.ts'

jest.setTimeout(90_000)

let cleanup: Cleanup = createCleanup()

afterEach(async () => {
  await cleanup.run()
  cleanup = createCleanup()
})

const startPair = async (): Promise<RedisPair> => {
  const pair = await startRedisPair()
  cleanup.add(pair.stop)
  return pair
}

const startCluster = async (
  settings: Parameters<typeof startRedisCluster>[0],
): Promise<RedisCluster> => {
  const cluster = await startRedisCluster(settings)
  cleanup.add(cluster.stop)
  return cluster
}

const connect = async (url: string): Promise<readonly [Replica, Replica]> => {
  const [one, other] = await startReplicas(url)
  if (one === undefined || other === undefined) throw new Error('two replicas were asked for')
  cleanup.add(one.records.close)
  cleanup.add(other.records.close)
  return [one, other]
}

/** Ends a session as somebody does who tries again; resolves with the moment of the yes. */
const endSurely = async ({ sessions }: Replica, id: SessionId): Promise<number> => {
  await until('a session to be ended', async () => (await sessions.store.end(sessionKeyOf(id))).ok)
  return performance.now()
}

type Trouble = {
  readonly url: string
  /** Resolves when all that was written is safe. */
  readonly settled: () => Promise<void>
  /** Makes the trouble; called with sessions that are asked for all the while. */
  readonly happen: (live: readonly SessionId[]) => Promise<void>
}

/** What has to hold whatever happens to Redis, with two replicas that are asked all the time. */
const expectSurvival = async ({ url, settled, happen }: Trouble): Promise<void> => {
  const replicas = await connect(url)
  const [one, other] = replicas
  const live = await createSessionsOf(one, 30)
  const [before, during, after] = [
    await createSessionsOf(one, 5),
    await createSessionsOf(other, 10),
    await createSessionsOf(one, 5),
  ]
  const ended = new Map<SessionId, number>()
  for (const id of before) ended.set(id, await endSurely(one, id))
  await settled()
  const load = hammer(replicas, [...live, ...before, ...during, ...after])
  try {
    const happened = happen(live)
    for (const id of during) ended.set(id, await endSurely(other, id))
    await happened
    await until('all sessions to be served again', () => allFound(replicas, live), 40_000)
    for (const id of after) ended.set(id, await endSurely(one, id))
    const last = performance.now()
    await until('the bound to pass', () => performance.now() - last > BOUND_MS + 500)
  } finally {
    await load.stop()
  }
  expect(load.counts(live)).toMatchObject({ gone: 0, found: expect.any(Number) })
  expect(load.counts([...ended.keys()]).gone).toBeGreaterThan(0)
  const tooLong = [...ended].map(([id, at]) => load.foundFor(id, at)).filter((ms) => ms > BOUND_MS)
  expect(tooLong).toEqual([])
  // All is as before: a session that ends is known to have ended by the other one, at once.
  const [last] = await createSessionsOf(one, 1)
  if (last === undefined) throw new Error('no session was made')
  expect(await allFound(replicas, [last])).toBe(true)
  await endSurely(other, last)
  await until('the end to be known', async () => !(await allFound([one], [last])), 2000)
}

describe('behind Sentinels, no session is lost and none comes back', () => {
  test('when the primary is killed', async () => {
    const pair = await startPair()
    await expectSurvival({
      ...pair,
      happen: async () => {
        const port = await pair.primaryPort()
        pair.servers.get(port)?.child.signal('SIGKILL')
        await until('another primary', async () => (await pair.primaryPort()) !== port)
      },
    })
  })

  test('when the primary hangs, is replaced, and wakes up as what it was', async () => {
    const pair = await startPair()
    await expectSurvival({
      ...pair,
      happen: async () => {
        const port = await pair.primaryPort()
        const { child } = pair.servers.get(port) ?? {}
        child?.signal('SIGSTOP')
        await until('another primary', async () => (await pair.primaryPort()) !== port)
        child?.signal('SIGCONT')
        await pair.settled()
      },
    })
  })

  test('when an operator has another one made the primary', async () => {
    const pair = await startPair()
    await expectSurvival({
      ...pair,
      happen: async () => {
        await pair.failOver()
        await pair.settled()
      },
    })
  })
})

/** Whether every node says the same of who has which slots: a move is over when all know of it. */
const agree = async ({ nodes }: RedisCluster): Promise<boolean> => {
  const views = await Promise.all(
    nodes.map(async ({ client }) => {
      const slots = await client.cluster('SLOTS')
      return slots
        .map(([first, last, owner]) => [first, last, owner?.[1]].join(' '))
        .toSorted()
        .join('\n')
    }),
  )
  return new Set(views).size === 1
}

const slotOfSession = (id: SessionId): number => slotOf(sessionName(sessionKeyOf(id)))

describe('in a Cluster, no session is lost and none comes back', () => {
  test('when slots move to a master that has none yet, and back', async () => {
    const cluster = await startCluster({ withEmptyMaster: true })
    await expectSurvival({
      ...cluster,
      settled: () => Promise.resolve(),
      happen: async (live) => {
        const fourth = cluster.nodes[3]
        const moves = live.slice(0, 10).map((id) => {
          const slot = slotOfSession(id)
          const from = cluster.nodes[[5460, 10922, 16383].findIndex((last) => slot <= last)]
          if (from === undefined || fourth === undefined) throw new Error('no such master')
          return { slot, from, to: fourth }
        })
        for (const { slot, from, to } of moves) await cluster.moveSlot(slot, from, to)
        await until('the nodes to agree', () => agree(cluster))
        for (const { slot, from, to } of moves) await cluster.moveSlot(slot, to, from)
        await until('the nodes to agree', () => agree(cluster))
      },
    })
  })

  test('when a master is killed, and its replica takes over', async () => {
    const cluster = await startCluster({ withReplicas: true })
    await expectSurvival({
      ...cluster,
      settled: async () => {
        await Promise.all(cluster.nodes.slice(0, 3).map(({ client }) => client.wait(1, 1000)))
      },
      happen: async () => {
        cluster.nodes[0]?.server.child.signal('SIGKILL')
        const heir = cluster.nodes[3]?.client
        await until('its replica to take over', async () =>
          ((await heir?.info('replication')) ?? '').includes('role:master'),
        )
      },
    })
  })
})
