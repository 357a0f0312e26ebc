import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createBrowser } from '../../demo/browser.ts'
import { type Child } from '../../demo/child.ts'
import { createCleanup } from '../../demo/cleanup.ts'
import { freePorts } from '../../demo/free-port.ts'
import { ask } from '../../demo/http-client.ts'
import { type IdentityProvider, startIdentityProvider } from '../../demo/identity-provider.ts'
import { startRedis } from '../../demo/redis.ts'
import { startRedisPair } from '../../demo/redis-sentinel.ts'
import { startVestibule, type Vestibule } from '../../demo/vestibule.ts'
import { headerOf } from '../support/raw-http.ts'
import { askVerify } from '../support/verify-request.ts'
import { type Line } from './invariants.ts'

export type StoreKind = 'standalone' | 'sentinel'

/** What can be done to the store. */
export type Store = {
  readonly url: string
  /** The server that is written to now. */
  readonly primary: () => Promise<Child | undefined>
  readonly primaryPort: () => Promise<number>
  /** Another server takes over; undefined where there is none. */
  readonly failOver: (() => Promise<void>) | undefined
  /** Kills the server that is written to, and waits until another one is; undefined likewise. */
  readonly kill: (() => Promise<void>) | undefined
  readonly settled: () => Promise<void>
}

export type Answer = { readonly status: number; readonly reason: string } | 'no answer'

export type ChaosWorld = {
  readonly store: Store
  readonly identityProvider: IdentityProvider
  readonly replicas: readonly Vestibule[]
  /** Every line of all decision logs so far. */
  readonly lines: () => readonly Line[]
  readonly signIn: (person: string) => Promise<string>
  readonly signOut: (session: string) => Promise<number>
  /** Ends all that a subject has, at the replica of that number. */
  readonly revoke: (replica: number, subject: string) => Promise<number>
  readonly verify: (replica: number, credential: Credential) => Promise<Answer>
  readonly restart: (replica: number) => Promise<void>
  readonly stop: () => Promise<void>
}

export type Credential =
  | { readonly kind: 'session'; readonly cookie: string }
  | { readonly kind: 'bearer'; readonly token: string }

const DOMAIN = 'vestibule.localhost'
const HOST = `app.${DOMAIN}`
const ADMIN_TOKEN = 'chaos-admin-token-for-loopback-only'
export const SERVE_KNOWN_FOR_MS = 2000

/** Clocks of replicas differ by less than what revocations allow for. */
const SKEWS_MS = [0, 20_000, -20_000]

const startStore = async (kind: StoreKind, add: (stop: () => Promise<void>) => void) => {
  if (kind === 'standalone') {
    const redis = await startRedis()
    add(redis.stop)
    const store: Store = {
      url: redis.url,
      primary: () => Promise.resolve(redis.child),
      primaryPort: () => Promise.resolve(redis.port),
      failOver: undefined,
      kill: undefined,
      settled: () => Promise.resolve(),
    }
    return store
  }
  const pair = await startRedisPair()
  add(pair.stop)
  const store: Store = {
    url: pair.url,
    primaryPort: pair.primaryPort,
    primary: async () => pair.servers.get(await pair.primaryPort())?.child,
    failOver: async () => {
      await pair.failOver()
      await pair.settled()
    },
    kill: async () => {
      const port = await pair.primaryPort()
      pair.servers.get(port)?.child.signal('SIGKILL')
      await pair.servers.get(port)?.child.ended
      for (let tries = 0; tries < 400 && (await pair.primaryPort()) === port; tries += 1) {
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
      await pair.restart(port)
      await pair.settled()
    },
    settled: pair.settled,
  }
  return store
}

/** The replica wrote down what its own clock said. */
const atTrueTime = (line: Line, skewMs: number): Line => ({
  ...line,
  time: new Date(Date.parse(line.time) - skewMs).toISOString(),
})

export const startChaosWorld = async (kind: StoreKind): Promise<ChaosWorld> => {
  const cleanup = createCleanup()
  const folder = mkdtempSync(join(tmpdir(), 'vestibule-chaos-'))
  cleanup.add(() => Promise.resolve(rmSync(folder, { recursive: true, force: true })))
  const files = {
    policies: join(folder, 'policies'),
    keys: join(folder, 'keys'),
    token: join(folder, 'token'),
  }
  const lines: Line[] = []
  try {
    const store = await startStore(kind, cleanup.add)
    const ports = await freePorts(SKEWS_MS.length * 3)
    const portsOf = (index: number) => ({
      verify: ports[index * 3] ?? 0,
      public: ports[index * 3 + 1] ?? 0,
      ops: ports[index * 3 + 2] ?? 0,
    })
    const origin = `http://auth.${DOMAIN}:${portsOf(0).public}`
    const identityProvider = await startIdentityProvider({
      clients: [{ redirectUris: [`${origin}/oauth2/callback`] }],
    })
    cleanup.add(identityProvider.stop)
    writeFileSync(files.keys, `${randomBytes(32).toString('base64url')}\n`)
    writeFileSync(files.token, ADMIN_TOKEN)
    await writePolicies(files.policies)
    const start = (index: number): Promise<Vestibule> =>
      startVestibule({
        publicUrl: origin,
        cookieDomain: DOMAIN,
        issuer: identityProvider.issuer,
        policies: files.policies,
        ports: portsOf(index),
        store: store.url,
        entry: join(import.meta.dirname, 'skewed.ts'),
        variables: { CLOCK_SKEW_MS: String(SKEWS_MS[index] ?? 0) },
        overrides: {
          session: {
            store: store.url,
            keysFile: files.keys,
            revalidateEvery: '2s',
            storeOutage: { serveKnownFor: `${SERVE_KNOWN_FOR_MS}ms` },
          },
          admin: { tokenFile: files.token },
        },
        onDecision: (line) =>
          lines.push(atTrueTime(JSON.parse(line) as Line, SKEWS_MS[index] ?? 0)),
      })
    const replicas: Vestibule[] = []
    for (const index of SKEWS_MS.keys()) {
      const replica = await start(index)
      replicas.push(replica)
    }
    cleanup.add(async () => {
      await Promise.all(replicas.map((replica) => replica.stop()))
    })
    const replica = (index: number): Vestibule => {
      const found = replicas[index]
      if (found === undefined) throw new Error(`no replica ${index}`)
      return found
    }
    return {
      store,
      identityProvider,
      replicas,
      lines: () => lines,
      signIn: async (person) => {
        const browser = createBrowser()
        const page = await browser.open(`${origin}/oauth2/start`)
        await browser.open(page.url, { form: { person } })
        const cookie = browser.cookiesFor(origin).get('vestibule')
        if (cookie === undefined) throw new Error(`${person} was not signed in`)
        return cookie
      },
      signOut: async (session) =>
        (await ask(`${origin}/oauth2/sign_out`, { headers: { cookie: `vestibule=${session}` } }))
          .status,
      revoke: async (index, subject) =>
        (
          await ask(
            `http://127.0.0.1:${replica(index).ports.ops}/admin/sessions?subject=${encodeURIComponent(subject)}`,
            { method: 'DELETE', headers: { authorization: `Bearer ${ADMIN_TOKEN}` } },
          )
        ).status,
      verify: (index, credential) => verify(replica(index), credential),
      restart: async (index) => {
        replica(index).child.signal('SIGKILL')
        await replica(index).child.ended
        await replica(index).stop()
        replicas[index] = await start(index)
      },
      stop: cleanup.run,
    }
  } catch (error) {
    await cleanup.run()
    throw error
  }
}

const writePolicies = async (folder: string): Promise<void> => {
  const { mkdir, writeFile } = await import('node:fs/promises')
  await mkdir(folder)
  await writeFile(
    join(folder, 'app.yaml'),
    `hosts: [${HOST}]\npolicy: { allow: { and: [{ authenticated_user: true }] } }\n`,
  )
}

const verify = async (replica: Vestibule, credential: Credential): Promise<Answer> => {
  try {
    const answer = await askVerify(replica.ports.verify, {
      host: HOST,
      url: `http://${HOST}/`,
      ...(credential.kind === 'session'
        ? { cookie: `vestibule=${credential.cookie}` }
        : { authorization: `Bearer ${credential.token}` }),
    })
    return { status: answer.status, reason: headerOf(answer, 'x-vestibule-reason') ?? '' }
  } catch {
    return 'no answer'
  }
}

/** How the decision log names a session. */
export const loggedSession = (cookie: string): string =>
  createHash('sha256').update(cookie).digest('base64url').slice(0, 12)
