import { type Comparison, compare } from './compare.ts'
import { askForAll } from './footprint.ts'
import { type Populated, type Population, startPopulated } from './populated.ts'

export type GrowthOptions = {
  readonly rounds: number
  readonly seconds: number
  readonly sessions: number
}

const HOSTS = 1000
const RULES = 20
const FEW_SESSIONS = 1000

/** Whether a request costs more where there is more of what it is not about. */
export const benchGrowth = async (
  options: GrowthOptions,
  say: (line: string) => void,
): Promise<readonly Comparison[]> => {
  const one = { hosts: 1, rules: RULES, sessions: 1 }
  return [
    await contest(`${HOSTS} hosts, to one`, { ...one, hosts: HOSTS }, one, options, say),
    await contest(
      `${options.sessions} sessions, to ${FEW_SESSIONS}`,
      { ...one, sessions: options.sessions },
      { ...one, sessions: FEW_SESSIONS },
      options,
      say,
    ),
  ]
}

/** Two of Vestibule in turns: the one with little of it is the yardstick. */
const contest = async (
  scenario: string,
  much: Population,
  little: Population,
  { rounds, seconds }: GrowthOptions,
  say: (line: string) => void,
): Promise<Comparison> => {
  say(`${scenario}: preparing`)
  const large = await startPopulated(much)
  try {
    const small = await startPopulated(little)
    try {
      await askForAll(large, much.sessions, say)
      await askForAll(small, little.sessions, say)
      say(`${scenario}: ${rounds} rounds of ${seconds} s for each`)
      const server = ({ url, headers, script, usage }: Populated) => ({
        load: { url, headers, script, reconnect: false, seconds, connections: 32 },
        usage,
      })
      return await compare({ scenario, verify: server(large), bare: server(small), rounds })
    } finally {
      await small.stop()
    }
  } finally {
    await large.stop()
  }
}
