import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ask } from '../demo/http-client.ts'
import { startBare } from './bare.ts'
import { type Comparison, compare, type Server } from './compare.ts'
import { type Load, measure } from './load.ts'
import { hostileInput, mixedTraffic, scriptOf } from './mixed-traffic.ts'
import { anonymousHeaders, type SignedIn, signedInWorld } from './signed-in.ts'

export type VerifyOptions = {
  readonly rounds: number
  readonly seconds: number
  readonly peers?: readonly Peer[]
  /** Scenarios with this in their names, and no others. */
  readonly only?: string
}

/** Another server to ask the same of, with the headers that it needs. */
export type Peer = {
  readonly name: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
}

type Headers = Readonly<Record<string, string>>

type Scenario = {
  readonly scenario: string
  readonly headers: (who: SignedIn) => Headers
  readonly reconnect: boolean
  /** Of the bare server, and of the headers alone. */
  readonly status: number
  readonly script?: (who: SignedIn) => string
  /** What part of the requests Vestibule is to refuse, where the script sends different ones. */
  readonly refusedShare?: number
  /** At this share of what the bare server can do. */
  readonly paced?: number
  /** Whether peers are asked too. */
  readonly isForPeers?: boolean
}

const warm = ({ headers }: SignedIn): Headers => headers

/** Sessions that nobody has, a new one each time. */
const UNKNOWN_SESSIONS = `request = function()
  local id = {}
  local letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
  for i = 1, 42 do local at = math.random(64); id[i] = letters:sub(at, at) end
  wrk.headers["Cookie"] = "vestibule=" .. table.concat(id) .. "A"
  return wrk.format()
end
`

/** The bare server answers every one of them as it would a warm session: that is the yardstick. */
const MIXED = { headers: warm, reconnect: true, status: 200 } as const

const SCENARIOS: readonly Scenario[] = [
  {
    scenario: 'warm session, connection per request',
    headers: warm,
    reconnect: true,
    status: 200,
    isForPeers: true,
  },
  {
    scenario: 'warm session, kept connections',
    headers: warm,
    reconnect: false,
    status: 200,
    isForPeers: true,
  },
  {
    scenario: 'the same at half load',
    headers: warm,
    reconnect: true,
    status: 200,
    paced: 0.5,
  },
  {
    scenario: 'denied by the rules',
    headers: ({ refusedHeaders }) => refusedHeaders,
    reconnect: true,
    status: 403,
  },
  { scenario: 'not signed in', headers: anonymousHeaders, reconnect: true, status: 401 },
  {
    scenario: 'sessions that nobody has',
    headers: anonymousHeaders,
    reconnect: true,
    status: 401,
    script: () => UNKNOWN_SESSIONS,
  },
  {
    scenario: 'somebody who claims to be root',
    headers: ({ headers }) => ({ ...headers, 'Impersonate-User': 'root' }),
    reconnect: true,
    status: 403,
  },
  {
    scenario: 'hostile input',
    ...MIXED,
    script: (who) => scriptOf(hostileInput(who)),
    refusedShare: 0.75,
  },
  {
    scenario: 'mixed traffic, connection per request',
    ...MIXED,
    script: (who) => scriptOf(mixedTraffic(who)),
    refusedShare: 0.2,
  },
]

const CONNECTIONS = 32

/** /verify against a bare server that gives the same answer, in turns. */
export const benchVerify = async (
  options: VerifyOptions,
  say: (line: string) => void,
): Promise<readonly Comparison[]> => {
  const who = await signedInWorld()
  const scripts = mkdtempSync(join(tmpdir(), 'vestibule-bench-'))
  try {
    const results: Comparison[] = []
    const wanted = SCENARIOS.filter(({ scenario }) => scenario.includes(options.only ?? ''))
    for (const scenario of wanted) {
      say(`${scenario.scenario}: ${options.rounds} rounds of ${options.seconds} s for each`)
      results.push(await run(scenario, who, options, join(scripts, 'requests.lua')))
    }
    return results
  } finally {
    rmSync(scripts, { recursive: true, force: true })
    await who.stop()
  }
}

const run = async (
  scenario: Scenario,
  who: SignedIn,
  { rounds, seconds, peers = [] }: VerifyOptions,
  scriptFile: string,
): Promise<Comparison> => {
  const headers = scenario.headers(who)
  const bare = await startBare(await answerTo(who.url, headers, scenario.status), scenario.status)
  try {
    const load: Load = {
      url: who.url,
      headers,
      reconnect: scenario.reconnect,
      seconds,
      connections: CONNECTIONS,
      refusedShare: scenario.status === 200 ? 0 : 1,
    }
    const script = await scriptFor(scenario, who, { ...load, url: bare.url })
    if (script !== undefined) writeFileSync(scriptFile, script)
    const scripted: Load = script === undefined ? load : { ...load, script: scriptFile }
    const { refusedShare = load.refusedShare ?? 0 } = scenario
    const verify: Server = { load: { ...scripted, refusedShare }, usage: who.usage }
    return await compare({
      scenario: scenario.scenario,
      verify,
      bare: { load: { ...scripted, url: bare.url }, usage: bare.usage },
      peers:
        scenario.isForPeers === true
          ? peers.map(({ name, url, headers: sent }) => ({
              name,
              load: { ...load, url, headers: { ...headers, ...sent } },
            }))
          : [],
      rounds,
    })
  } finally {
    bare.stop()
  }
}

/** What is to be sent other than the same request again and again. */
const scriptFor = async (
  { script, paced }: Scenario,
  who: SignedIn,
  bare: Load,
): Promise<string | undefined> => {
  if (paced === undefined) return script?.(who)
  const full = await measure({ ...bare, seconds: 2 })
  const delay = (CONNECTIONS / (full.requestsPerSecond * paced)) * 1000 - full.p50Ms / 4
  return `delay = function() return math.floor(${delay.toFixed(2)} + math.random()) end\n`
}

const answerTo = async (
  url: string,
  headers: Headers,
  status: number,
): Promise<readonly string[]> => {
  const reply = await ask(url, { headers })
  if (reply.status !== status) throw new Error(`/verify answers ${reply.status}, not ${status}`)
  return Object.entries(reply.headers).flatMap(([name, value]) =>
    ['connection', 'keep-alive', 'date'].includes(name) ? [] : [name, String(value)],
  )
}
