import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { Redis as Client } from 'ioredis'
import { type Redis, startRedis } from '../../demo/redis.ts'
import { type RecordStore } from '../../src/edge/sessions/record-store.ts'
import { describeRecordStore } from '../contracts/record-store.ts'
import { passRedisTime } from '../support/redis.ts'
import { connected, memoryRecords, redisRecords } from '../support/sessions.ts'

describeRecordStore('the memory record store', () => {
  let now = 0
  return Promise.resolve({
    store: memoryRecords(() => now),
    passTime: (ms) => {
      now += ms
      return Promise.resolve()
    },
    stop: () => Promise.resolve(),
  })
})

test('the memory record store stays within its bound, and lets the least recently used go', async () => {
  const store = memoryRecords(() => 0, 10_000)
  await store.put('used', Buffer.alloc(1000), 60_000)
  for (let count = 0; count < 100; count += 1) {
    await store.put(`flood-${count}`, Buffer.alloc(1000), 60_000)
    await store.get('used')
  }
  expect((await store.get('used')).ok).toBe(true)
  expect(await store.get('used')).toMatchObject({ value: expect.any(Buffer) })
  expect(await store.get('flood-0')).toEqual({ ok: true, value: undefined })
})

describeRecordStore('the Redis record store', async () => {
  const redis = await startRedis()
  const client = new Client(redis.url)
  const store = await connected(redisRecords(redis.url))
  return {
    store,
    passTime: (ms) => passRedisTime([client], ms),
    stop: async () => {
      await store.close()
      client.disconnect()
      await redis.stop()
    },
  }
})

describe('the Redis record store in an outage', () => {
  let redis: Redis
  let store: RecordStore
  const lost: string[] = []

  beforeAll(async () => {
    redis = await startRedis()
    store = await connected(redisRecords(redis.url, { onLost: (detail) => lost.push(detail) }))
  })
  afterAll(async () => {
    await store.close()
    await redis.stop()
  })

  test('answers unreachable while Redis hangs, does not queue, and recovers by itself', async () => {
    redis.child.signal('SIGSTOP')
    const startedAt = performance.now()
    const answers = await Promise.all(Array.from({ length: 200 }, () => store.get('test:x')))
    const tookMs = performance.now() - startedAt
    redis.child.signal('SIGCONT')
    expect(answers.every((answer) => !answer.ok)).toBe(true)
    // Bounded by one deadline, not by two hundred; generous, since machines are slow.
    expect(tookMs).toBeLessThan(3000)
    expect((await (await connected(store)).get('test:x')).ok).toBe(true)
  })

  test('answers unreachable at once where nobody listens', async () => {
    const dead = redisRecords('redis://127.0.0.1:1')
    expect(await dead.get('test:x')).toEqual({ ok: false, failure: 'unreachable' })
    expect(await dead.put('test:x', Buffer.from('x'), 1000)).toEqual({
      ok: false,
      failure: 'unreachable',
    })
    await dead.close()
  })
})
