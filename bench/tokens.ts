import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { ask } from '../demo/http-client.ts'
import { startVestibule, type Vestibule } from '../test/support/vestibule.ts'
import { startBare } from './bare.ts'
import { type Comparison, compare } from './compare.ts'
import { type Load, type Measured, measure } from './load.ts'
import { median } from './statistics.ts'
import { goodToken, hostileTokens, publicJwk, type TokenKey, tokenKey } from './token-texts.ts'
import { benchVerification, type Verification } from './token-verification.ts'

export type TokensOptions = {
  readonly rounds: number
  readonly seconds: number
  /** Remembered tokens with this in the names of their scenarios, and no others. */
  readonly only?: string
}

export type Cost = {
  readonly what: string
  readonly requestsPerSecond: number
  /** CPU of the service, in microseconds for each request. */
  readonly cpuMicros: number
  /** The same, relative to a good token that is remembered. */
  readonly ratio: number
  /** Calls to the issuer while it was measured. */
  readonly calls: number
}

export type TokensReport = {
  readonly verification: readonly Verification[]
  readonly remembered: readonly Comparison[]
  readonly fresh: Cost
  readonly hostile: readonly Cost[]
}

const ADMIN = 'an-admin-token-for-the-benchmark'
/**
 * More distinct tokens than are remembered, so that each is looked at anew. One second shows that it
 * runs, and no more.
 */
const distinctIn = (seconds: number): number => (seconds < 2 ? 2000 : 12_000)
/** Larger ones, as many as are worth their memory. */
const DISTINCT_LARGE = 5000
/** More than one process can verify in a second. */
const FRESH_PER_SECOND = 12_000
const CONNECTIONS = 32

/** The service runs in this process, which does nothing else meanwhile. */
const OWN_USAGE = {
  cpuSeconds: () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1e6
  },
}

type World = {
  readonly vestibule: Vestibule
  readonly issuer: Issuer
  readonly keys: { readonly rs: TokenKey; readonly es: TokenKey }
  readonly load: (seconds: number) => Load
  /** Writes a script for wrk that sends these tokens in turn. */
  readonly script: (tokens: readonly string[]) => string
  readonly stop: () => Promise<void>
}

/** What tokens cost: to prove, to know again, and to refuse. */
export const benchTokens = async (
  options: TokensOptions,
  say: (line: string) => void,
): Promise<TokensReport> => {
  say('proving fresh tokens, in turns with jose alone')
  const verification = await benchVerification(options)
  const world = await start()
  try {
    const remembered = await benchRemembered(world, options, say)
    const hostile: Cost[] = []
    const yardstick = await costOf(world, 'good, remembered', [await warm(world)], options)
    say('fresh tokens over the wire')
    const fresh = await benchFresh(world, options, yardstick)
    for (const [what, make] of Object.entries(hostileTokens(world.keys.rs, world.issuer.url))) {
      say(`hostile: ${what}`)
      const distinct = distinctIn(options.seconds)
      const length = what === '7 kB' ? Math.min(DISTINCT_LARGE, distinct) : distinct
      const tokens = Array.from({ length }, make)
      hostile.push(relative(await costOf(world, what, tokens, options), yardstick))
    }
    say('hostile: 100 kB')
    hostile.push(relative(await costOfLarge(world, options), yardstick))
    return {
      verification,
      remembered,
      fresh,
      hostile: [relative(yardstick, yardstick), ...hostile],
    }
  } finally {
    await world.stop()
  }
}

const benchRemembered = async (
  world: World,
  options: TokensOptions,
  say: (line: string) => void,
): Promise<readonly Comparison[]> => {
  const tokens = { 'JWT, remembered': await warm(world), 'own token, remembered': await own(world) }
  const results: Comparison[] = []
  for (const [what, token] of Object.entries(tokens)) {
    const load = world.load(options.seconds)
    const headers = { ...load.headers, Authorization: `Bearer ${token}` }
    const bare = await startBare(await answerOf({ ...load, headers }))
    try {
      for (const reconnect of [true, false]) {
        const scenario = `${what}, ${reconnect ? 'connection per request' : 'kept connections'}`
        if (!scenario.includes(options.only ?? '')) continue
        say(`${scenario}: ${options.rounds} rounds of ${options.seconds} s each for both`)
        const ours = { ...load, headers, reconnect }
        const verify = { load: ours, usage: OWN_USAGE }
        const yardstick = { load: { ...ours, url: bare.url }, usage: bare.usage }
        results.push(await compare({ scenario, verify, bare: yardstick, rounds: options.rounds }))
      }
    } finally {
      bare.stop()
    }
  }
  return results
}

const benchFresh = async (
  world: World,
  { seconds }: TokensOptions,
  yardstick: Cost,
): Promise<Cost> => {
  const { keys, issuer } = world
  const tokens = Array.from({ length: FRESH_PER_SECOND * seconds }, (_each, index) =>
    goodToken(keys.es, issuer.url, `fresh-${index}`),
  )
  const cost = await costOf(world, 'fresh ES256', tokens, { seconds, rounds: 1 })
  return relative(cost, yardstick)
}

const relative = (cost: Cost, to: Cost): Cost => ({ ...cost, ratio: cost.cpuMicros / to.cpuMicros })

/** The middle one of the rounds; wrk runs in a process of its own, and nothing else runs in this. */
const costOf = async (
  world: World,
  what: string,
  tokens: readonly string[],
  { rounds, seconds }: TokensOptions,
): Promise<Cost> => {
  const load = { ...world.load(seconds), script: world.script(tokens) }
  return await costOfSending(world, what, rounds, async () => await measure(load))
}

type Sent = Pick<Measured, 'requests' | 'requestsPerSecond'>

const costOfSending = async (
  { issuer }: World,
  what: string,
  rounds: number,
  send: () => Promise<Sent>,
): Promise<Cost> => {
  const callsBefore = issuer.calls()
  const measured: { readonly cpu: number; readonly sent: Sent }[] = []
  for (let round = 0; round < rounds; round += 1) {
    const before = process.cpuUsage()
    const sent = await send()
    const { user, system } = process.cpuUsage(before)
    if (sent.requests === 0) throw new Error(`${what}: nothing was answered`)
    measured.push({ cpu: (user + system) / sent.requests, sent })
  }
  return {
    what,
    requestsPerSecond: median(measured.map(({ sent }) => sent.requestsPerSecond)),
    cpuMicros: median(measured.map(({ cpu }) => cpu)),
    ratio: 1,
    calls: issuer.calls() - callsBefore,
  }
}

/** Each over a connection of its own, which the service closes: that is in the cost. */
const costOfLarge = async (world: World, { rounds, seconds }: TokensOptions): Promise<Cost> =>
  await costOfSending(world, '100 kB', rounds, async () => {
    const script = join(import.meta.dirname, 'large-requests.ts')
    const args = [script, String(world.vestibule.verifyPort), String(seconds)]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    const requests = Number(await text(child.stdout))
    return { requests, requestsPerSecond: requests / seconds }
  })

/** A good token, once the service knows it. */
const warm = async (world: World): Promise<string> => {
  const token = goodToken(world.keys.rs, world.issuer.url, 'deploy')
  await untilAllowed(world, token)
  return token
}

const own = async (world: World): Promise<string> => {
  const response = await fetch(`http://127.0.0.1:${world.vestibule.opsPort}/admin/tokens`, {
    method: 'POST',
    headers: { authorization: `Bearer ${ADMIN}` },
    body: JSON.stringify({
      owner: 'bench@test.example',
      purpose: 'benchmark',
      hosts: ['app.test'],
      groups: ['sre', 'ci'],
      expires: '1d',
    }),
  })
  const { token } = (await response.json()) as { readonly token: string }
  await untilAllowed(world, token)
  return token
}

const untilAllowed = async (world: World, token: string): Promise<void> => {
  const { url, headers } = world.load(1)
  for (let tries = 0; tries < 50; tries += 1) {
    const reply = await ask(url, { headers: { ...headers, authorization: `Bearer ${token}` } })
    if (reply.status === 200) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error('a good token is refused')
}

const answerOf = async ({ url, headers }: Load): Promise<readonly string[]> => {
  const reply = await ask(url, { headers })
  return Object.entries(reply.headers).flatMap(([name, value]) =>
    ['connection', 'keep-alive', 'date'].includes(name) ? [] : [name, String(value)],
  )
}

type Issuer = { readonly url: string; readonly calls: () => number; readonly stop: () => void }

const startIssuer = async (keys: readonly TokenKey[]): Promise<Issuer> => {
  let calls = 0
  let url = ''
  const server = createServer((request, response) => {
    calls += 1
    const found =
      request.url === '/jwks'
        ? { keys: keys.map(publicJwk) }
        : { issuer: url, jwks_uri: `${url}/jwks` }
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(found))
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url,
    calls: () => calls,
    stop: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

const start = async (): Promise<World> => {
  const keys = { rs: tokenKey('RS256', 'rs'), es: tokenKey('ES256', 'es') }
  const issuer = await startIssuer([keys.rs, keys.es])
  const vestibule = await startVestibule({
    policies: {
      'app.yaml':
        'hosts: [app.test]\npolicy: [ { allow: { and: [ { groups: { has: sre } } ] } } ]\n',
    },
    config: {
      decisionLog: { to: '/dev/null' },
      tokenIssuers: [{ name: 'ci', issuer: issuer.url, audiences: ['vestibule'] }],
    },
    environment: { VESTIBULE_ADMIN_TOKEN: ADMIN },
  })
  const folder = mkdtempSync(join(tmpdir(), 'vestibule-bench-'))
  return {
    vestibule,
    issuer,
    keys,
    load: (seconds) => ({
      url: `http://127.0.0.1:${vestibule.verifyPort}/verify?host=app.test`,
      headers: {
        'X-Original-URL': 'https://app.test/api/dashboards/home',
        'X-Original-Method': 'GET',
        'X-Auth-Request-Redirect': '/api/dashboards/home',
        'X-Real-IP': '127.0.0.1',
        'X-Request-ID': '0123456789abcdef0123456789abcdef',
        'User-Agent': 'curl/8.5.0',
        Accept: '*/*',
      },
      reconnect: false,
      seconds,
      connections: CONNECTIONS,
    }),
    script: (tokens) => {
      writeFileSync(join(folder, 'tokens'), `${tokens.join('\n')}\n`)
      writeFileSync(join(folder, 'send.lua'), SEND.replace('FILE', join(folder, 'tokens')))
      return join(folder, 'send.lua')
    },
    stop: async () => {
      await vestibule.stop()
      issuer.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

const SEND = `local tokens = {}
for line in io.lines("FILE") do tokens[#tokens + 1] = line end
local at = 0
request = function()
  at = at % #tokens + 1
  wrk.headers["Authorization"] = "Bearer " .. tokens[at]
  return wrk.format()
end
`
