import { type Comparison, compare } from './compare.ts'
import { measure } from './load.ts'
import { type Populated, type Population, startPopulated } from './populated.ts'

export type GrowthOptions = {
  readonly rounds: number
  readonly seconds: number
  readonly sessions: number
  /** Scenarios with this in their names, and no others. */
  readonly only?: string
}

type Say = (line: string) => void

type Side = {
  readonly population: Population
  /** Until all of it is known. */
  readonly prepare: (populated: Populated, say: Say) => Promise<void>
  readonly script: (populated: Populated) => string
}

const HOSTS = 1000
const RULES = 20
const FEW_SESSIONS = 1000
/** More than a process keeps, of which it is asked for few. */
const MANY_SESSIONS = 100_000
/** As many as a process remembers. */
const TOKENS = 10_000
const FEW_TOKENS = 100
const CONNECTIONS = 32

const ONE = { hosts: 1, rules: RULES, sessions: 1 }

const sessionsInTurn = (population: Population): Side => ({
  population,
  prepare: (populated, say) => showAll(populated, 'sessions', population.sessions, say),
  script: ({ scriptFor }) => scriptFor('sessions'),
})

const fewOf = (sessions: number): Side => ({
  ...sessionsInTurn({ ...ONE, sessions }),
  script: ({ scriptFor }) => scriptFor('sessions', { first: FEW_SESSIONS }),
})

const tokensInTurn = (tokens: number): Side => ({
  population: { ...ONE, tokens },
  prepare: (populated, say) => showAll(populated, 'tokens', tokens, say),
  script: ({ scriptFor }) => scriptFor('tokens'),
})

/** Whether a request costs more where there is more of what it is not about. */
export const benchGrowth = async (
  { sessions, only = '', ...options }: GrowthOptions,
  say: Say,
): Promise<readonly Comparison[]> => {
  const few = sessionsInTurn({ ...ONE, sessions: FEW_SESSIONS })
  const contests: readonly (readonly [string, Side, Side])[] = [
    [`${HOSTS} hosts, to one`, sessionsInTurn({ ...ONE, hosts: HOSTS }), sessionsInTurn(ONE)],
    [`${sessions} sessions, to ${FEW_SESSIONS}`, sessionsInTurn({ ...ONE, sessions }), few],
    [`${FEW_SESSIONS} of ${MANY_SESSIONS} sessions, to ${FEW_SESSIONS}`, fewOf(MANY_SESSIONS), few],
    [`${TOKENS} tokens, to ${FEW_TOKENS}`, tokensInTurn(TOKENS), tokensInTurn(FEW_TOKENS)],
  ]
  const results: Comparison[] = []
  for (const [scenario, much, little] of contests) {
    if (!scenario.includes(only)) continue
    say(`${scenario}: preparing`)
    results.push(await contest(scenario, [much, little], options, say))
  }
  return results
}

/** Two of Vestibule in turns: the one with little of it is the yardstick. */
const contest = async (
  scenario: string,
  [much, little]: readonly [Side, Side],
  { rounds, seconds }: Pick<GrowthOptions, 'rounds' | 'seconds'>,
  say: Say,
): Promise<Comparison> => {
  const large = await startPopulated(much.population)
  try {
    const small = await startPopulated(little.population)
    try {
      const server = async (populated: Populated, { prepare, script }: Side) => {
        await prepare(populated, say)
        const { url, headers, usage } = populated
        const load = { url, headers, script: script(populated), reconnect: false, seconds }
        return { load: { ...load, connections: CONNECTIONS }, usage }
      }
      const verify = await server(large, much)
      const bare = await server(small, little)
      say(`${scenario}: ${rounds} rounds of ${seconds} s for each`)
      return await compare({ scenario, verify, bare, rounds })
    } finally {
      await small.stop()
    }
  } finally {
    await large.stop()
  }
}

/** What is looked at for the first time, in the metrics. */
const FIRST_LOOKS = {
  sessions: /^vestibule_session_reads_total\{result="miss"\} (\d+)/m,
  tokens: /^vestibule_token_verifications_total\{outcome="miss"\} (\d+)/m,
}

/** Until each of them has been looked at once. */
const showAll = async (
  { url, headers, scriptFor, opsPort }: Populated,
  what: 'sessions' | 'tokens',
  count: number,
  say: Say,
): Promise<void> => {
  const load = { url, headers, reconnect: false, seconds: 2, connections: CONNECTIONS }
  for (let tries = 0; tries < 60; tries += 1) {
    const metrics = await (await fetch(`http://127.0.0.1:${opsPort}/metrics`)).text()
    const seen = Number(FIRST_LOOKS[what].exec(metrics)?.[1] ?? 0)
    if (seen >= count) return
    say(`${seen} of ${count} ${what} are known`)
    const { errors } = await measure({ ...load, script: scriptFor(what, { from: seen }) })
    if (errors > 0) throw new Error(`${errors} errors while ${what} were shown`)
  }
  throw new Error(`the ${what} are not kept`)
}
