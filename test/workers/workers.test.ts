import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { ask } from '../../demo/http-client.ts'
import { type IdentityProvider } from '../../demo/identity-provider.ts'
import { type Redis, startRedis } from '../../demo/redis.ts'
import { newKey, until } from '../attacks/support-replicas.ts'
import { providerSettings, signIn, startProvider } from '../support/sign-in.ts'
import { askVerify, verifyRequest } from '../support/verify-request.ts'
import {
  ADMIN_TOKEN,
  isRunning,
  type ServedByWorkers,
  startWithWorkers,
  withoutWorker,
} from './support-workers.ts'

jest.setTimeout(30_000)

let redis: Redis
let idp: IdentityProvider
let served: ServedByWorkers

const launch = async (more: Readonly<Record<string, unknown>> = {}): Promise<ServedByWorkers> => {
  const { config, environment } = providerSettings(idp)
  return await startWithWorkers({
    config: { ...config, session: { store: redis.url, storeTimeout: '500ms' }, ...more },
    environment: {
      ...environment,
      // Stands for a bug: an error that nobody catches, at a moment of the test's choosing.
      NODE_OPTIONS: `--import=data:text/javascript,process.on('SIGUSR2',()=>{throw(Error('boom'))})`,
    },
    keys: newKey(),
  })
}

beforeAll(async () => {
  redis = await startRedis()
  idp = await startProvider()
  served = await launch()
})
afterAll(async () => {
  await served.stop()
  await idp.stop()
  await redis.stop()
})

const statusFor = async (cookie: string): Promise<number> =>
  (await askVerify(served.verifyPort, { cookie })).status

/** What each worker answers, when it is the only one. */
const statusOfEach = async (cookie: string): Promise<readonly number[]> => {
  const pids = served.pids()
  const answers: number[] = []
  for (const pid of pids) answers.push(await withoutWorker(pid, () => statusFor(cookie)))
  return answers
}

type Outcome = number | 'refused' | 'reset'

const outcomeFor = async (cookie: string): Promise<Outcome> => {
  try {
    return await statusFor(cookie)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ECONNREFUSED' ? 'refused' : 'reset'
  }
}

const signedIn = async (): Promise<string> => (await signIn(served, 'alice')).sessionCookie

describe('vestibule serve with two workers', () => {
  test('takes port 0 once for all, and says where it listens', () => {
    expect(served.verifyPort).toBeGreaterThan(0)
    expect(served.pids()).toHaveLength(2)
    const ready = served.notices().filter(({ msg }) => msg === 'worker is ready')
    expect(new Set(ready.map(({ worker }) => worker))).toEqual(new Set([1, 2]))
  })

  test('a session that was begun at one worker is known to all, and refused by all once it ends', async () => {
    const cookie = await signedIn()
    expect(await statusOfEach(cookie)).toEqual([200, 200])
    const ended = await ask(`http://127.0.0.1:${served.opsPort}/admin/sessions?all=true`, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
    })
    expect(ended.status).toBe(200)
    expect(await statusOfEach(cookie)).toEqual([401, 401])
  })

  test('assertions of all verify with the one key that was made up at start', async () => {
    const keys = await withoutEach(() =>
      ask(`http://127.0.0.1:${served.publicPort}/.well-known/jwks.json`),
    )
    expect(keys[0]?.body).toContain('"kid"')
    expect(keys[1]?.body).toBe(keys[0]?.body)
  })

  test('one scrape counts each request of every worker once, and so does the decision log', async () => {
    const name = 'vestibule_decisions_total'
    const [before, lines] = [await served.metric(name), served.decisions().length]
    const asked = Array.from({ length: 200 }, () => statusFor('__Secure-vestibule=none'))
    expect(new Set(await Promise.all(asked))).toEqual(new Set([401]))
    expect((await served.metric(name)) - before).toBe(200)
    await until(() => Promise.resolve(served.decisions().length === lines + 200))
    expect(served.decisions().map((line) => typeof JSON.parse(line))).not.toContain('string')
    expect(await served.metric('vestibule_policy_info')).toBe(1)
  })

  test('all take over changed policies', async () => {
    await served.writePolicy(
      'other.yaml',
      'hosts: [other.test]\npolicy: { allow: { or: [ { user: a } ] } }\n',
    )
    const reloaded = (): number =>
      served.notices().filter(({ msg }) => msg === 'policies reloaded').length
    await until(() => Promise.resolve(reloaded() === 2))
    const scraped = await served.scrape()
    expect(scraped('vestibule_policy_info')).toBe(1)
    expect(scraped('vestibule_workers_policy_versions')).toBe(1)
  })

  test('a worker that hangs delays a scrape, but does not stop it, and its counts stay', async () => {
    const [pid = 0] = served.pids()
    const before = await served.metric('vestibule_decisions_total')
    await withoutWorker(pid, async () => {
      const scraped = await served.scrape()
      expect(scraped('vestibule_workers_silent')).toBe(1)
      expect(scraped('vestibule_decisions_total')).toBe(before)
      expect(await served.isReady()).toBe(false)
    })
    await until(served.isReady)
  })

  test('a worker that is killed under load is replaced; nobody is refused or wrongly answered', async () => {
    const cookie = await signedIn()
    const before = await served.metric('vestibule_decisions_total')
    const outcomes: Outcome[] = []
    const running = { isOver: false }
    const askOn = async (): Promise<void> => {
      while (!running.isOver) outcomes.push(await outcomeFor(cookie))
    }
    const clients = Array.from({ length: 8 }, askOn)
    await until(() => Promise.resolve(outcomes.length > 100))
    const [pid = 0] = served.pids()
    process.kill(pid, 'SIGKILL')
    const replaced = (): boolean =>
      served.notices().filter(({ msg }) => msg === 'worker is ready').length === 3
    await until(() => Promise.resolve(replaced()))
    running.isOver = true
    await Promise.all(clients)
    const resets = outcomes.filter((each) => each === 'reset').length
    // Only what the killed one was at: at most one request of each client.
    expect(resets).toBeLessThanOrEqual(8)
    expect(new Set(outcomes.filter((each) => each !== 'reset'))).toEqual(new Set([200]))
    expect(await served.metric('vestibule_worker_ends_total')).toBe(1)
    expect(await served.metric('vestibule_decisions_total')).toBeGreaterThanOrEqual(before)
    expect(await served.isReady()).toBe(true)
  })

  test('a worker with an error that nobody caught says so, takes its leave, and is replaced', async () => {
    const name = 'vestibule_decisions_total'
    const before = await served.metric(name)
    const asked = Array.from({ length: 50 }, () => statusFor('__Secure-vestibule=none'))
    await Promise.all(asked)
    const [pid = 0] = served.pids()
    process.kill(pid, 'SIGUSR2')
    await until(async () => !served.pids().includes(pid) && (await served.isReady()))
    const fatal = served.notices().find(({ msg }) => msg === 'uncaught exception')
    expect(fatal).toMatchObject({
      worker: expect.any(Number),
      error: expect.stringContaining('boom'),
    })
    expect(served.notices()).toContainEqual(
      expect.objectContaining({ msg: 'worker ended', pid, how: 'ended with exit code 2' }),
    )
    expect(await served.metric('vestibule_worker_ends_total')).toBe(2)
    // Its last word came before it went: nothing is lost, though nobody scraped meanwhile.
    expect((await served.metric(name)) - before).toBe(50)
  })

  test.each([1, 2])('an address that is taken ends %d of them at start', async (workers) => {
    const local = '127.0.0.1:0'
    const listen = { verify: local, public: local, ops: `127.0.0.1:${served.opsPort}` }
    await expect(launch({ workers, listen })).rejects.toThrow(
      new RegExp(`ended with exit code 2(?:.|\n)*:${served.opsPort} \\(listen\\.ops\\)`),
    )
  })

  test('on SIGTERM all finish what they are at, and every process ends', async () => {
    const pids = served.pids()
    const begun = await Promise.all(Array.from({ length: 12 }, beginRequest))
    const draining = (): number => served.notices().filter(({ msg }) => msg === 'draining').length
    const before = draining()
    served.child.signal('SIGTERM')
    await until(() => Promise.resolve(draining() === before + 3))
    const answers = await Promise.all(begun.map((finish) => finish()))
    expect(new Set(answers)).toEqual(new Set(['HTTP/1.1 401 Unauthorized']))
    expect(await served.child.ended).toBe('ended with exit code 0')
    expect(pids.filter(isRunning)).toEqual([])
  })

  test('workers that keep ending end it all, with exit code 2 and the reason', async () => {
    const other = await launch()
    const killed = new Set<number>()
    while (!other.child.hasEnded()) {
      for (const pid of other.pids()) {
        if (killed.has(pid)) continue
        killed.add(pid)
        process.kill(pid, 'SIGKILL')
      }
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    expect(await other.child.ended).toBe('ended with exit code 2')
    expect(other.notices().map(({ msg, why }) => `${msg}: ${String(why)}`)).toContainEqual(
      expect.stringMatching(
        /^workers end as soon as they are replaced: more than 5 workers ended within 60 s; the last, worker \d, was ended by SIGKILL$/,
      ),
    )
    await other.stop()
  })
})

const withoutEach = async <Answer>(act: () => Promise<Answer>): Promise<readonly Answer[]> => {
  const answers: Answer[] = []
  for (const pid of served.pids()) answers.push(await withoutWorker(pid, act))
  return answers
}

/** A request whose second half is sent later; some worker has taken its connection by then. */
const beginRequest = async (): Promise<() => Promise<string>> => {
  const whole = verifyRequest({ cookie: '__Secure-vestibule=none' })
  const kept = whole.replace('Connection: close\r\n', '')
  const socket = connect(served.verifyPort, '127.0.0.1')
  const read = (): Promise<string> =>
    new Promise((resolve, reject) => {
      socket.once('data', (chunk: Buffer) => resolve(chunk.toString().split('\r\n')[0] ?? ''))
      socket.once('error', reject)
      socket.once('close', () => resolve('closed'))
    })
  const first = read()
  socket.write(`${kept}${whole.slice(0, 40)}`)
  await first
  return async () => {
    const answer = read()
    socket.write(whole.slice(40))
    const line = await answer
    socket.destroy()
    return line
  }
}
