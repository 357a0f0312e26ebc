import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { createBrowser } from '../demo/browser.ts'
import { ask } from '../demo/http-client.ts'
import { startWorld, type World } from '../demo/world.ts'
import { type Load, type Measured, measure } from './load.ts'
import { median } from './statistics.ts'

export type VerifyOptions = { readonly rounds: number; readonly seconds: number }

export type Comparison = {
  readonly scenario: string
  readonly verify: Measured
  readonly bare: Measured
  /** Median of the ratios of each round, verify to bare. */
  readonly throughput: number
  readonly p99: number
}

const SCENARIOS = [
  { scenario: 'warm session, connection per request', reconnect: true },
  { scenario: 'warm session, kept connections', reconnect: false },
] as const

/** /verify with a warm session against a bare server that returns the same headers, in turns. */
export const benchVerify = async (
  { rounds, seconds }: VerifyOptions,
  say: (line: string) => void,
): Promise<readonly Comparison[]> => {
  const world = await startWorld({
    ports: { nginx: 0, identityProvider: 0 },
    overrides: { decisionLog: { to: '/dev/null' } },
  })
  try {
    const { url, headers, answer } = await warmRequest(world)
    const bare = await startBare(answer)
    try {
      const results: Comparison[] = []
      for (const { scenario, reconnect } of SCENARIOS) {
        say(`${scenario}: ${rounds} rounds of ${seconds} s each for both`)
        const load = { headers, reconnect, seconds, connections: 32 }
        results.push(await compare(scenario, { ...load, url }, { ...load, url: bare.url }, rounds))
      }
      return results
    } finally {
      bare.stop()
    }
  } finally {
    await world.stop()
  }
}

export const compare = async (
  scenario: string,
  load: Load,
  bareLoad: Load,
  rounds: number,
): Promise<Comparison> => {
  const pairs: { readonly verify: Measured; readonly bare: Measured }[] = []
  await measure({ ...load, seconds: 1 })
  for (let round = 0; round < rounds; round += 1) {
    pairs.push({ bare: await measure(bareLoad), verify: await measure(load) })
  }
  const failed = pairs.find(({ verify, bare }) => verify.errors > 0 || bare.errors > 0)
  if (failed !== undefined) throw new Error(`${scenario}: errors under load`)
  return {
    scenario,
    verify: middle(pairs.map(({ verify }) => verify)),
    bare: middle(pairs.map(({ bare }) => bare)),
    throughput: median(
      pairs.map(({ verify, bare }) => verify.requestsPerSecond / bare.requestsPerSecond),
    ),
    p99: median(pairs.map(({ verify, bare }) => verify.p99Ms / bare.p99Ms)),
  }
}

const middle = (all: readonly Measured[]): Measured => ({
  requestsPerSecond: median(all.map((each) => each.requestsPerSecond)),
  requests: median(all.map((each) => each.requests)),
  p50Ms: median(all.map((each) => each.p50Ms)),
  p99Ms: median(all.map((each) => each.p99Ms)),
  errors: 0,
})

/** Signs somebody in, and says what nginx would ask for her; `answer` is what Vestibule says. */
const warmRequest = async (
  world: World,
): Promise<{
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly answer: readonly string[]
}> => {
  const page = world.url('grafana', '/')
  const browser = createBrowser()
  const signInPage = await browser.open(page)
  await browser.open(signInPage.url, { form: { person: 'alice' } })
  const cookie = [...browser.cookiesFor(page)].map(([name, value]) => `${name}=${value}`).join('; ')
  const { host, hostname } = new URL(page)
  const url = `http://127.0.0.1:${world.vestibule.ports.verify}/verify?host=${hostname}&ns=monitoring&ing=grafana&svc=grafana&lp=/`
  const headers = {
    'X-Original-URL': `http://${host}/api/dashboards/home`,
    'X-Original-Method': 'GET',
    'X-Auth-Request-Redirect': '/api/dashboards/home',
    'X-Real-IP': '127.0.0.1',
    'X-Sent-From': 'nginx-ingress-controller',
    'X-Request-ID': '0123456789abcdef0123456789abcdef',
    'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36',
    Accept: 'application/json, text/plain, */*',
    Cookie: cookie,
  }
  const reply = await ask(url, { headers })
  if (reply.status !== 200) throw new Error(`/verify answers ${reply.status}`)
  const answer = Object.entries(reply.headers).flatMap(([name, value]) =>
    ['connection', 'keep-alive', 'date'].includes(name) ? [] : [name, String(value)],
  )
  return { url, headers, answer }
}

export const startBare = async (
  headers: readonly string[],
): Promise<{ readonly url: string; readonly stop: () => void }> => {
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, 'bare-server.ts'), JSON.stringify(headers)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const port = await new Promise<string>((resolve) => {
    createInterface(child.stdout).once('line', resolve)
  })
  return {
    url: `http://127.0.0.1:${port}/`,
    stop: () => {
      child.kill()
    },
  }
}
