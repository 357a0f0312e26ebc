import { afterEach, describe, expect, jest, test } from '@jest/globals'
import slotOf from 'cluster-key-slot'
import { Redis as Client } from 'ioredis'
import { type Cleanup, createCleanup } from '../../demo/cleanup.ts'
import { startRedis } from '../../demo/redis.ts'
import { startRedisCluster } from '../../demo/redis-cluster.ts'
import { endAllOf } from '../../src/core/revocation.ts'
import { namesOf, sessionKeyOf, sessionName, subjectDigest } from '../../src/edge/sessions/names.ts'
import { allFound, createSessionsOf, type Replica, startReplicas } from '../support/hammer.ts'
import { aPerson, NOW } from '../support/policies.ts'
import { until } from '../support/redis.ts'

jest.setTimeout(60_000)

let cleanup: Cleanup = createCleanup()

afterEach(async () => {
  await cleanup.run()
  cleanup = createCleanup()
})

const connect = async (url: string, count: number): Promise<readonly Replica[]> => {
  const replicas = await startReplicas(url, count)
  for (const { records } of replicas) cleanup.add(records.close)
  return replicas
}

test('while a slot moves, the end of a session is felt wherever it is', async () => {
  const cluster = await startRedisCluster({ withEmptyMaster: true })
  cleanup.add(cluster.stop)
  const [replica] = await connect(cluster.url, 1)
  const heir = cluster.nodes[3]
  if (replica === undefined || heir === undefined) throw new Error('nothing to try it with')
  const [id] = await createSessionsOf(replica, 1)
  if (id === undefined) throw new Error('no session')
  const key = sessionKeyOf(id)
  const slot = slotOf(sessionName(key))
  const from = cluster.nodes[[5460, 10_922, 16_383].findIndex((last) => slot <= last)]
  if (from === undefined) throw new Error('nobody has the slot')
  /** On a busy machine nobody may answer for a while; but nobody may say that it is gone. */
  const isFound = async (): Promise<boolean> => {
    const found = await replica.sessions.store.find(id)
    if (found.ok) expect(found.value).toBeDefined()
    return found.ok
  }
  expect(await allFound([replica], [id])).toBe(true)
  await heir.client.cluster('SETSLOT', slot, 'IMPORTING', from.id)
  await from.client.cluster('SETSLOT', slot, 'MIGRATING', heir.id)
  const moved = [...namesOf(key)]
  await from.client.migrate('127.0.0.1', heir.server.port, '', 0, 5000, 'KEYS', ...moved)
  // Read from the new one when nobody watches it yet, and no more until somebody does.
  await until('the move to be noticed', async () => {
    await isFound()
    return !replica.records.coherence.isProven()
  })
  await until('the session to be found where it is now', isFound)
  await until('the new server to be watched', () => replica.records.coherence.isProven())
  await heir.client.asking()
  await heir.client.del(sessionName(key))
  await until('the end to be felt', async () => {
    const found = await replica.sessions.store.find(id)
    return found.ok && found.value === undefined
  })
})

describe('what was revoked stays known', () => {
  const subject = subjectDigest(aPerson().issuer, aPerson().subject)
  const revocation = endAllOf(
    { kind: 'subject', name: subject },
    { nowMs: NOW * 1000, lifeMs: 1e7 },
  )
  const token = {
    sessionKey: undefined,
    subjects: [subject],
    providerSessions: [],
    began: { kind: 'token', issuedMs: NOW * 1000 - 1000, aheadMs: 0 },
  } as const

  test.each([
    ['empties the store', (client: Client) => client.flushall()],
    ['removes the log', (client: Client) => client.del('vestibule:revocations')],
  ])('to a replica that starts after somebody %s', async (_what, harm) => {
    const redis = await startRedis()
    cleanup.add(redis.stop)
    const client = new Client(redis.url)
    cleanup.add(() => Promise.resolve(client.disconnect()))
    const [one, other] = await connect(redis.url, 2)
    await one?.sessions.revocations.add(revocation)
    await until(
      'the other one to know',
      async () => (await other?.sessions.revocations.standingOf(token)) === 'revoked',
    )
    await harm(client)
    await until('the log to be back', async () => (await client.xlen('vestibule:revocations')) > 0)
    const [late] = await connect(redis.url, 1)
    expect(await late?.sessions.revocations.standingOf(token)).toBe('revoked')
  })
})
