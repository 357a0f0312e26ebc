import { afterEach, expect, test } from '@jest/globals'
import { Redis } from 'ioredis'
import { type Cleanup, createCleanup } from '../../demo/cleanup.ts'
import { startRedis } from '../../demo/redis.ts'
import { startRedisPair } from '../../demo/redis-sentinel.ts'
import { parseStoreAddress } from '../../src/core/store-address.ts'
import { createRedisClient } from '../../src/edge/sessions/redis-client.ts'
import { until } from '../support/redis.ts'

let cleanup: Cleanup = createCleanup()

afterEach(async () => {
  await cleanup.run()
  cleanup = createCleanup()
})

const connectTo = (url: string) => {
  const address = parseStoreAddress(url)
  if (address === undefined || address.kind === 'memory') throw new Error(`${url} is no Redis`)
  const client = createRedisClient({
    address,
    password: undefined,
    sentinelPassword: undefined,
    tls: undefined,
    connectTimeoutMs: 1000,
    onLost: () => undefined,
  })
  cleanup.add(() => Promise.resolve(client.close()))
  const { commands } = client
  if (!(commands instanceof Redis)) throw new Error('a connection to one server was asked for')
  return { client, redis: commands }
}

test('comes back where a Sentinel tells of a failover while a new connection is being made', async () => {
  const pair = await startRedisPair()
  cleanup.add(pair.stop)
  const { redis } = connectTo(pair.url)
  await until('a connection', () => redis.status === 'ready')
  // What the library does itself when it is told.
  redis.once('connecting', () => redis.disconnect(true))
  redis.disconnect(true)
  await until('the library to give up', () => redis.status === 'end')
  await until('another connection', () => redis.status === 'ready')
  expect(await redis.ping()).toBe('PONG')
})

test('stays closed once it is closed', async () => {
  const pair = await startRedisPair()
  cleanup.add(pair.stop)
  const { client, redis } = connectTo(pair.url)
  await until('a connection', () => redis.status === 'ready')
  let attempts = 0
  redis.on('connecting', () => {
    attempts += 1
  })
  client.close()
  await until('the end', () => redis.status === 'end')
  await expect(redis.ping()).rejects.toThrow('Connection is closed')
  expect(attempts).toBe(0)
})

test('closes the connection to a server that hangs once, however many wait for it', async () => {
  const server = await startRedis()
  cleanup.add(server.stop)
  const { client, redis } = connectTo(server.url)
  await until('a connection', () => redis.status === 'ready')
  const { stream } = redis
  const before = stream.listenerCount('close')
  for (let late = 0; late < 200; late += 1) client.renew('single')
  expect(stream.listenerCount('close') - before).toBeLessThan(3)
  await until('another connection', () => redis.status === 'ready' && redis.stream !== stream)
  client.renew('single')
  await until('a third one', () => redis.status !== 'ready')
  await until('that it is there', () => redis.status === 'ready')
})
