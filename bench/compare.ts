import { type Load, type Measured, measure } from './load.ts'
import { median } from './statistics.ts'

/** What a server has used so far; absent where it runs elsewhere. */
export type Usage = {
  readonly cpuSeconds: () => number
  readonly collectingMs?: () => Promise<number>
}

export type Server = { readonly load: Load; readonly usage?: Usage | undefined }

export type Sample = Measured & {
  /** CPU of the server's process for each request, in microseconds. */
  readonly cpuMicros: number
  /** Milliseconds of garbage collection in a second of load. */
  readonly collectingMs: number
}

export type PeerSample = {
  readonly name: string
  readonly measured: Sample
  /** Median of the ratios of each round, Vestibule to the peer. */
  readonly throughput: number
}

export type Comparison = {
  readonly scenario: string
  readonly verify: Sample
  readonly bare: Sample
  /** Medians of the ratios of each round, verify to bare; above 1 is better for throughput alone. */
  readonly throughput: number
  readonly cpu: number
  readonly p99: number
  readonly peers: readonly PeerSample[]
}

export type Contest = {
  readonly scenario: string
  readonly verify: Server
  readonly bare: Server
  readonly peers?: readonly (Server & { readonly name: string })[]
  readonly rounds: number
}

/** Until what is called often has been compiled; where little is measured, less will do. */
const WARM_UP_SECONDS = 4

type Round = { readonly verify: Sample; readonly bare: Sample; readonly peers: readonly Sample[] }

/** All of them in turns, for as many rounds: what else the machine does, it does to all of them. */
export const compare = async (contest: Contest): Promise<Comparison> => {
  const { scenario, verify, bare, peers = [], rounds } = contest
  const warmUp = Math.min(WARM_UP_SECONDS, 2 * verify.load.seconds - 1)
  for (const { load } of [bare, verify]) await measure({ ...load, seconds: warmUp })
  const all: Round[] = []
  for (let round = 0; round < rounds; round += 1) {
    // In another order each time: whoever comes second would always meet what the first left behind.
    const first = round % 2 === 0 ? bare : verify
    const one = await sample(first)
    const other = await sample(first === bare ? verify : bare)
    const measured: Sample[] = []
    for (const peer of peers) measured.push(await sample(peer))
    all.push({
      verify: first === verify ? one : other,
      bare: first === bare ? one : other,
      peers: measured,
    })
  }
  const failed = all.find((each) => each.verify.errors > 0 || each.bare.errors > 0)
  if (failed !== undefined) throw new Error(`${scenario}: errors under load`)
  return {
    scenario,
    verify: middle(all.map((each) => each.verify)),
    bare: middle(all.map((each) => each.bare)),
    throughput: median(
      all.map((each) => each.verify.requestsPerSecond / each.bare.requestsPerSecond),
    ),
    cpu: median(all.map((each) => each.verify.cpuMicros / each.bare.cpuMicros)),
    p99: median(all.map((each) => each.verify.p99Ms / each.bare.p99Ms)),
    peers: peers.map(({ name }, index) => ({
      name,
      measured: middle(all.flatMap((each) => each.peers[index] ?? [])),
      throughput: median(
        all.map(
          (each) =>
            each.verify.requestsPerSecond / (each.peers[index]?.requestsPerSecond ?? Number.NaN),
        ),
      ),
    })),
  }
}

/** One measurement, with what the server used during it. */
export const sample = async ({ load, usage }: Server): Promise<Sample> => {
  const before = await usedSoFar(usage)
  const measured = await measure(load)
  const after = await usedSoFar(usage)
  return {
    ...measured,
    cpuMicros: ((after.cpu - before.cpu) * 1e6) / measured.requests,
    collectingMs: (after.collecting - before.collecting) / load.seconds,
  }
}

/** Not a number where it is not known. */
const usedSoFar = async (
  usage: Usage | undefined,
): Promise<{ readonly cpu: number; readonly collecting: number }> => ({
  collecting: (await usage?.collectingMs?.()) ?? Number.NaN,
  cpu: usage?.cpuSeconds() ?? Number.NaN,
})

const middle = (all: readonly Sample[]): Sample => {
  const of = (name: keyof Sample): number => median(all.map((each) => each[name]))
  return {
    requestsPerSecond: of('requestsPerSecond'),
    requests: of('requests'),
    p50Ms: of('p50Ms'),
    p99Ms: of('p99Ms'),
    errors: 0,
    cpuMicros: of('cpuMicros'),
    collectingMs: of('collectingMs'),
  }
}
