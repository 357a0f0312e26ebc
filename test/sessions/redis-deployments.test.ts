import { Redis as Client } from 'ioredis'
import { startRedis } from '../../demo/redis.ts'
import { startRedisCluster } from '../../demo/redis-cluster.ts'
import { startRedisPair } from '../../demo/redis-sentinel.ts'
import { createAuthority, startTlsRedis } from '../../demo/redis-tls.ts'
import { describeRecordStore } from '../contracts/record-store.ts'
import { aclUser, NO_DEFAULT_USER, passRedisTime } from '../support/redis.ts'
import { connected, redisRecords } from '../support/sessions.ts'

const PASSWORD = 'a p@ss/word: of 100%'
const ADMIN = 'user admin on >for-the-test allcommands allkeys allchannels'

describeRecordStore('the Redis record store over TLS, for a user with few rights', async () => {
  const authority = createAuthority()
  const mine = authority.issue('DNS:vestibule')
  const redis = await startTlsRedis(authority, authority.issue('IP:127.0.0.1'), [
    aclUser(PASSWORD.replaceAll(' ', '_'), 'may track'),
    ADMIN,
    NO_DEFAULT_USER,
  ])
  const tls = { ca: authority.ca, certificate: mine.certificate, key: mine.key }
  const url = redis.url.replace('//', '//vestibule@')
  const password = PASSWORD.replaceAll(' ', '_')
  const store = await connected(redisRecords(url, { tls, password }))
  const admin = new Client(redis.port, '127.0.0.1', {
    username: 'admin',
    password: 'for-the-test',
    tls: { ca: tls.ca, cert: tls.certificate, key: tls.key },
  })
  return {
    store,
    passTime: (ms) => passRedisTime([admin], ms),
    stop: async () => {
      await store.close()
      admin.disconnect()
      await redis.stop()
      authority.remove()
    },
  }
})

describeRecordStore('the Redis record store behind Sentinels', async () => {
  const pair = await startRedisPair()
  const store = await connected(redisRecords(pair.url))
  const client = new Client(await pair.primaryPort(), '127.0.0.1')
  return {
    store,
    passTime: (ms) => passRedisTime([client], ms),
    stop: async () => {
      await store.close()
      client.disconnect()
      await pair.stop()
    },
  }
})

describeRecordStore('the Redis record store over a Cluster', async () => {
  const cluster = await startRedisCluster()
  const store = await connected(redisRecords(cluster.url))
  return {
    store,
    passTime: async (ms) =>
      await passRedisTime(
        cluster.nodes.map(({ client }) => client),
        ms,
      ),
    stop: async () => {
      await store.close()
      await cluster.stop()
    },
  }
})

describeRecordStore('the Redis record store in another database', async () => {
  const redis = await startRedis()
  const store = await connected(redisRecords(`${redis.url}/3`))
  const client = new Client(`${redis.url}/3`)
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
