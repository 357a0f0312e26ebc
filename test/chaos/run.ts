import { type ChaosEvent, nextEvent } from './events.ts'
import { type Holder, type Line, type Violation, violationsOf } from './invariants.ts'
import { createRandom, type Random } from './random.ts'
import {
  type ChaosWorld,
  type Credential,
  loggedSession,
  SERVE_KNOWN_FOR_MS,
  type StoreKind,
  startChaosWorld,
} from './world.ts'

export type ChaosSettings = {
  readonly seconds: number
  readonly seed: number
  readonly store: StoreKind
  readonly say: (line: string) => void
}

export type ChaosReport = {
  readonly seed: number
  readonly store: StoreKind
  readonly events: number
  readonly requests: Readonly<Record<string, number>>
  readonly decisions: number
  readonly revoked: number
  readonly flushed: boolean
  readonly recovered: boolean
  readonly violations: readonly Violation[]
}

/**
 * The stated bound: a change is unknown for 1.5 s at most, and what was known serves for so long in
 * an outage. The rest is for a machine that is busy.
 */
export const BOUND_MS = 1500 + SERVE_KNOWN_FOR_MS + 1500

type Held = {
  -readonly [Key in keyof Holder]: Holder[Key]
} & { readonly credential: Credential; readonly person: string }

const PEOPLE = ['alice', 'bob', 'carol'] as const
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Lets things go wrong for a while, with clients at every replica, and reads what was decided. */
export const runChaos = async ({
  seconds,
  seed,
  store,
  say,
}: ChaosSettings): Promise<ChaosReport> => {
  const random = createRandom(seed)
  const world = await startChaosWorld(store)
  try {
    const held: Held[] = []
    for (const person of [...PEOPLE, ...PEOPLE]) held.push(await sessionOf(world, person))
    for (const name of ['robot-one', 'robot-two']) held.push(await bearerOf(world, name))
    await world.store.settled()
    const clients = startClients(world, held)
    const events = await makeTrouble({ world, random, held, seconds, say })
    const recovered = await isWhole(world, held)
    const lines = [...world.lines()]
    const last = await flushAtTheEnd(world, held, say)
    await pause(BOUND_MS)
    await clients.stop()
    const violations = violationsOf(
      lines.concat(world.lines().slice(lines.length)).filter(isBefore(last)),
      held,
      BOUND_MS,
    )
    return {
      seed,
      store,
      events,
      requests: clients.counts(),
      decisions: world.lines().length,
      revoked: held.filter(({ endedAt }) => endedAt !== undefined).length,
      flushed: last.isEmpty,
      recovered,
      violations,
    }
  } finally {
    await world.stop()
  }
}

const isBefore =
  ({ at }: { readonly at: number }) =>
  (line: Line): boolean =>
    line.effect === 'allow' || Date.parse(line.time) < at

const sessionOf = async (world: ChaosWorld, person: string): Promise<Held> => {
  const cookie = await world.signIn(person)
  return {
    name: `${person} ${loggedSession(cookie)}`,
    kind: 'session',
    session: loggedSession(cookie),
    subject: person,
    orderedAt: undefined,
    endedAt: undefined,
    person,
    credential: { kind: 'session', cookie },
  }
}

const bearerOf = async ({ identityProvider }: ChaosWorld, name: string): Promise<Held> => ({
  name,
  kind: 'bearer',
  session: undefined,
  subject: `ci/${name}`,
  orderedAt: undefined,
  endedAt: undefined,
  person: name,
  credential: {
    kind: 'bearer',
    token: await identityProvider.issueToken({
      aud: 'vestibule',
      sub: name,
      exp: Math.floor(Date.now() / 1000) + 3600,
    }),
  },
})

/** Every credential at every replica, over and over. */
const startClients = (world: ChaosWorld, held: readonly Held[]) => {
  const counts = new Map<string, number>()
  const running = { isOver: false }
  const client = async (replica: number, { credential }: Held): Promise<void> => {
    while (!running.isOver) {
      const answer = await world.verify(replica, credential)
      const key = answer === 'no answer' ? answer : `${answer.status} ${answer.reason}`
      counts.set(key, (counts.get(key) ?? 0) + 1)
      await pause(20)
    }
  }
  const all = [0, 1, 2].flatMap((replica) => held.map((each) => client(replica, each)))
  return {
    counts: () => Object.fromEntries(counts),
    stop: async () => {
      running.isOver = true
      await Promise.all(all)
    },
  }
}

type Trouble = {
  readonly world: ChaosWorld
  readonly random: Random
  readonly held: readonly Held[]
  readonly seconds: number
  readonly say: (line: string) => void
}

/** One thing after another, and in the middle of some of them somebody's access ends. */
const makeTrouble = async ({ world, random, held, seconds, say }: Trouble): Promise<number> => {
  const startedAt = Date.now()
  const told = (what: string): void =>
    say(`${((Date.now() - startedAt) / 1000).toFixed(1).padStart(6)} s  ${what}`)
  let events = 0
  while (Date.now() - startedAt < seconds * 1000) {
    const event: ChaosEvent = nextEvent(world, random)
    told(`${event.name}: ${event.detail}`)
    const ending = random.next() < 0.5 ? endSomebody(world, random, held, told) : Promise.resolve()
    await Promise.all([event.happen(), ending])
    events += 1
    await pause(random.between(100, 800))
  }
  return events
}

/** Ends a session or a subject, tries until it is acknowledged, and writes down when. */
const endSomebody = async (
  world: ChaosWorld,
  random: Random,
  held: readonly Held[],
  told: (what: string) => void,
): Promise<void> => {
  const alive = held.filter(({ orderedAt }) => orderedAt === undefined)
  // Some have to live to the end, to show that faults cost nobody anything.
  if (alive.length <= 3) return
  const chosen = random.pick(alive)
  const cookie = random.next() < 0.5 ? cookieOf(chosen) : undefined
  const ended =
    cookie === undefined ? alive.filter(({ subject }) => subject === chosen.subject) : [chosen]
  for (const each of ended) each.orderedAt = Date.now()
  await untilAcknowledged(() =>
    cookie === undefined ? world.revoke(0, chosen.subject) : world.signOut(cookie),
  )
  for (const each of ended) each.endedAt = Date.now()
  const how = cookie === undefined ? 'revoked' : 'signed out'
  told(`  ${how}: ${ended.map(({ name }) => name).join(', ')}`)
}

const cookieOf = ({ credential }: Held): string | undefined =>
  credential.kind === 'session' ? credential.cookie : undefined

const untilAcknowledged = async (order: () => Promise<number>): Promise<void> => {
  for (let tries = 0; tries < 600; tries += 1) {
    const status = await order().catch(() => 0)
    if (status === 302 || status === 200) return
    await pause(50)
  }
  throw new Error('an order to end something was never acknowledged')
}

/** Whether everybody who was not ended is served by every replica, without a hand. */
const isWhole = async (world: ChaosWorld, held: readonly Held[]): Promise<boolean> => {
  const alive = held.filter(({ orderedAt }) => orderedAt === undefined)
  const deadline = Date.now() + 20_000
  while (Date.now() < deadline) {
    const answers = await Promise.all(
      [0, 1, 2].flatMap((replica) =>
        alive.map(({ credential }) => world.verify(replica, credential)),
      ),
    )
    if (answers.every((answer) => answer !== 'no answer' && answer.status === 200)) return true
    await pause(100)
  }
  return false
}

/** Last of all, everything is deleted: sessions are gone on all replicas, and nobody else gets in. */
const flushAtTheEnd = async (
  world: ChaosWorld,
  held: readonly Held[],
  say: (line: string) => void,
): Promise<{ readonly at: number; readonly isEmpty: boolean }> => {
  const { Redis } = await import('ioredis')
  const at = Date.now()
  say('redis_flushed')
  const port = await world.store.primaryPort()
  const client = new Redis(port, '127.0.0.1')
  await client.flushall()
  client.disconnect()
  const sessions = held.filter(({ kind }) => kind === 'session')
  const deadline = Date.now() + BOUND_MS
  for (;;) {
    const answers = await Promise.all(
      [0, 1, 2].flatMap((replica) =>
        sessions.map(({ credential }) => world.verify(replica, credential)),
      ),
    )
    if (answers.every((answer) => answer !== 'no answer' && answer.status === 401)) {
      for (const each of sessions) each.orderedAt ??= at
      return { at, isEmpty: true }
    }
    if (Date.now() > deadline) return { at, isEmpty: false }
    await pause(50)
  }
}
