import { randomBytes } from 'node:crypto'
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { createBrowser } from '../../demo/browser.ts'
import { startVestibule, type Vestibule, type VestibulePorts } from '../../demo/vestibule.ts'
import { DOMAIN, startWorld, type World, type WorldSettings } from '../../demo/world.ts'

const ANY_PORTS = { nginx: 0, identityProvider: 0, verify: 0, public: 0, ops: 0 }
export const SESSION_COOKIE = 'vestibule'

export type DecisionLine = Readonly<Record<string, unknown>> & {
  readonly requestId: string
  readonly effect: string
  readonly reason: string
  readonly status: number
  readonly host?: string
  readonly path?: string
}

export type Site = World & {
  /** Every line of the decision log so far, as it was written. */
  readonly lines: readonly string[]
  /** What the service said of itself so far. */
  readonly notices: readonly string[]
  /** The folder of the policies, which is watched. */
  readonly policies: string
  /** The folder of the Ingresses; `controller.reload` applies changes. */
  readonly ingresses: string
  /** The decision on a request, by its request id; waits until it has been written. */
  readonly decisionOn: (requestId: string) => Promise<DecisionLine>
  /** One more process of the service, with the same configuration; on the same ports by default. */
  readonly startAnother: (ports?: VestibulePorts) => Promise<Vestibule>
}

export type SiteSettings = Pick<WorldSettings, 'store' | 'overrides'> & {
  /** Files that stand beside those of the demonstration. */
  readonly ingresses?: Readonly<Record<string, string>>
  readonly policies?: Readonly<Record<string, string>>
  /** More keys of the section `session`, for a store that is shared. */
  readonly session?: Readonly<Record<string, unknown>>
}

const DEMO = resolve(import.meta.dirname, '../../demo')

/** A copy of the files of the demonstration, with some more. */
const copyOf = (
  folder: string,
  name: string,
  extra: Readonly<Record<string, string>> = {},
): string => {
  const target = join(folder, name)
  cpSync(join(DEMO, name), target, { recursive: true })
  for (const [file, content] of Object.entries(extra)) writeFileSync(join(target, file), content)
  return target
}

/** The section `session`: all processes of a site share the store and the key ring. */
const sessionSection = (
  folder: string,
  { store, session }: SiteSettings,
): Readonly<Record<string, unknown>> => {
  if (store === undefined) return {}
  const keysFile = join(folder, 'session-keys')
  writeFileSync(keysFile, `${randomBytes(32).toString('base64url')}\n`)
  return { session: { store, keysFile, ...session } }
}

/** The whole demonstration on free ports: real nginx, the real process of Vestibule, a real IdP. */
export const startSite = async (settings: SiteSettings = {}): Promise<Site> => {
  const folder = mkdtempSync(join(tmpdir(), 'vestibule-e2e-'))
  const remove = (): void => rmSync(folder, { recursive: true, force: true })
  const lines: string[] = []
  const notices: string[] = []
  const common = {
    policies: copyOf(folder, 'policies', settings.policies),
    overrides: { ...sessionSection(folder, settings), ...settings.overrides },
    onDecision: (line: string) => lines.push(line),
    onNotice: (line: string) => notices.push(line),
  }
  const ingresses = copyOf(folder, 'ingresses', settings.ingresses)
  const world = await startWorld({
    ...common,
    ports: ANY_PORTS,
    ingresses,
    ...(settings.store === undefined ? {} : { store: settings.store }),
  }).catch((error: unknown) => {
    remove()
    throw error
  })
  const others: Vestibule[] = []
  const lineOf = (requestId: string): string | undefined =>
    lines.find((line) => line.includes(`"${requestId}"`))
  return {
    ...world,
    lines,
    notices,
    policies: common.policies,
    ingresses,
    decisionOn: async (requestId) => {
      await until(() => lineOf(requestId) !== undefined, `the decision on ${requestId}`)
      return JSON.parse(lineOf(requestId) ?? '') as DecisionLine
    },
    startAnother: async (ports = world.ports) => {
      const other = await startVestibule({
        ...common,
        publicUrl: world.url('auth', ''),
        cookieDomain: DOMAIN,
        issuer: world.identityProvider.issuer,
        ports,
        store: world.store,
      })
      others.push(other)
      return other
    },
    stop: async () => {
      await Promise.all(others.map((other) => other.stop()))
      await world.stop()
      remove()
    },
  }
}

/** Polls until the condition holds; fails with its name when it takes too long. */
export const until = async (
  condition: () => boolean | Promise<boolean>,
  what: string,
  deadlineMs = 15_000,
): Promise<void> => {
  const deadline = Date.now() + deadlineMs
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`waited ${deadlineMs} ms in vain for ${what}`)
    await delay(10)
  }
}

/** Signs a person in with one click, without a real browser; the value of the session cookie. */
export const signIn = async (
  { url }: Pick<World, 'url'>,
  person: string,
  target = url('wiki'),
): Promise<string> => {
  const browser = createBrowser()
  const page = await browser.open(target)
  await browser.open(page.url, { form: { person } })
  const cookie = browser.cookiesFor(target).get(SESSION_COOKIE)
  if (cookie === undefined) throw new Error(`${person} was not signed in`)
  return cookie
}

/** Headers of somebody who has this session. */
export const withSession = (cookie: string): { readonly cookie: string } => ({
  cookie: `${SESSION_COOKIE}=${cookie}`,
})
