import { type Redis as Client } from 'ioredis'

/** Redis has a clock of its own: time passes by shortening what is left of every record. */
export const passRedisTime = async (masters: readonly Client[], ms: number): Promise<void> => {
  for (const client of masters) {
    for (const key of await client.keys('test:*')) {
      const left = (await client.pttl(key)) - ms
      if (left <= 0) await client.del(key)
      else await client.pexpire(key, left)
    }
  }
}

/** Polls until it holds; a bound, not a sleep. */
export const until = async (
  what: string,
  holds: () => boolean | Promise<boolean>,
  withinMs = 20_000,
): Promise<void> => {
  const deadline = performance.now() + withinMs
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`waited ${withinMs} ms in vain: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** All that Vestibule asks of Redis, and nothing more; what operators may give to its user. */
const DATA_COMMANDS =
  '+ping +info +scan +set +get +getrange +getdel +del +unlink +pexpire +eval +hset +hlen +hgetall +hdel +zadd +zcard +zremrangebyscore +zpopmin +xadd +xrange +client|setname'
const TRACKING_COMMANDS = '+client|id +client|tracking +client|trackinginfo +subscribe'

export const aclUser = (password: string, tracks: 'may track' | 'may not track'): string =>
  [
    `user vestibule on >${password} ~vestibule:* ~test:* &__redis__:invalidate -@all`,
    DATA_COMMANDS,
    ...(tracks === 'may track' ? [TRACKING_COMMANDS] : []),
  ].join(' ')

/** Anybody else is turned away. */
export const NO_DEFAULT_USER = 'user default off'

/** Asked twice a second whatever is requested, to prove that changes are heard of. */
const HEARTBEAT = new Set(['client|trackinginfo', 'client|tracking', 'client|id', 'ping', 'info'])

/** How often Redis ran each command so far, without the heartbeat of replicas. */
export const commandCounts = async (client: Client): Promise<ReadonlyMap<string, number>> => {
  const stats = await client.info('commandstats')
  return new Map(
    [...stats.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)].flatMap(
      ([, name = '', calls]): readonly (readonly [string, number])[] =>
        HEARTBEAT.has(name) ? [] : [[name, Number(calls)]],
    ),
  )
}
