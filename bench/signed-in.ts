import { createBrowser } from '../demo/browser.ts'
import { startWorld, type World, type WorldSettings } from '../demo/world.ts'
import { type Usage } from './compare.ts'
import { cpuSeconds } from './process-usage.ts'

/** The whole demonstration, with somebody signed in at it. */
export type SignedIn = {
  readonly world: World
  /** What nginx would ask. */
  readonly url: string
  /** What it would ask of her, her session cookie included. */
  readonly headers: Readonly<Record<string, string>>
  /** The same of somebody whom no rule lets in. */
  readonly refusedHeaders: Readonly<Record<string, string>>
  readonly usage: Usage
  readonly stop: () => Promise<void>
}

export const signedInWorld = async (settings: WorldSettings = {}): Promise<SignedIn> => {
  const world = await startWorld({
    ...settings,
    ports: { nginx: 0, identityProvider: 0, verify: 0, public: 0, ops: 0 },
    overrides: { decisionLog: { to: '/dev/null' }, ...settings.overrides },
  })
  try {
    const { host, hostname } = new URL(world.url('grafana'))
    const { ports } = world
    const headers = subrequestHeaders(`http://${host}`)
    return {
      world,
      url: `http://127.0.0.1:${ports.verify}/verify?host=${hostname}&ns=monitoring&ing=grafana&svc=grafana&lp=/`,
      headers: { ...headers, Cookie: await signIn(world, 'alice') },
      refusedHeaders: { ...headers, Cookie: await signIn(world, 'carol') },
      usage: usageOf(world),
      stop: world.stop,
    }
  } catch (error) {
    await world.stop()
    throw error
  }
}

/** What the person's browser sends from then on. */
const signIn = async (world: World, person: string): Promise<string> => {
  const page = world.url('grafana')
  const browser = createBrowser()
  const signInPage = await browser.open(page)
  await browser.open(signInPage.url, { form: { person } })
  return [...browser.cookiesFor(page)].map((pair) => pair.join('=')).join('; ')
}

/** The same, of somebody who is not signed in. */
export const anonymousHeaders = ({ headers }: SignedIn): Readonly<Record<string, string>> => {
  const { Cookie: _cookie, ...others } = headers
  return others
}

const subrequestHeaders = (origin: string): Readonly<Record<string, string>> => ({
  'X-Original-URL': `${origin}/api/dashboards/home`,
  'X-Original-Method': 'GET',
  'X-Auth-Request-Redirect': '/api/dashboards/home',
  'X-Real-IP': '127.0.0.1',
  'X-Sent-From': 'nginx-ingress-controller',
  'X-Request-ID': '0123456789abcdef0123456789abcdef',
  'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36',
  Accept: 'application/json, text/plain, */*',
})

const usageOf = ({ vestibule, ports }: World): Usage => ({
  cpuSeconds: () => cpuSeconds(vestibule.child.pid),
  collectingMs: async () => {
    const metrics = await (await fetch(`http://127.0.0.1:${ports.ops}/metrics`)).text()
    const sums = metrics.matchAll(/^vestibule_nodejs_gc_duration_seconds_sum\{.*\} (.+)$/gm)
    return [...sums].reduce((sum, [, seconds]) => sum + Number(seconds) * 1000, 0)
  },
})
