import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts } from '../demo/free-port.ts'
import { startRedis } from '../demo/redis.ts'
import { startVestibule } from '../demo/vestibule.ts'
import { epochSeconds } from '../src/core/ids.ts'
import { parseKeyRing } from '../src/edge/sessions/key-ring.ts'
import { aPerson } from '../test/support/policies.ts'
import { connected, redisRecords, sessionsOver } from '../test/support/sessions.ts'
import { type Usage } from './compare.ts'
import { cpuSeconds } from './process-usage.ts'
import { goodToken, publicJwk, tokenKey } from './token-texts.ts'

/** Vestibule as it ships, with a Redis full of sessions and a folder full of policies. */
export type Populated = {
  readonly pid: number
  readonly opsPort: number
  readonly usage: Usage
  /** From the start of the process until it says that it is ready. */
  readonly startMs: number
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  /** A script for wrk that asks for one session after the other, from any of them on. */
  readonly script: string
  /** The same, of its sessions or its tokens, as is said. */
  readonly scriptFor: (what: 'sessions' | 'tokens', turn?: Turn) => string
  readonly stop: () => Promise<void>
}

export type Turn = {
  /** So many are passed over at first; any number if absent. */
  readonly from?: number
  /** Only the first so many are asked for; all if absent. */
  readonly first?: number
}

export type Population = {
  readonly sessions: number
  readonly hosts: number
  readonly rules: number
  /** Good ones of an issuer; none if absent. */
  readonly tokens?: number
}

const BATCH = 500
const TOKEN_ISSUER = 'https://ci.test'

export const startPopulated = async ({
  sessions,
  hosts,
  rules,
  tokens = 0,
}: Population): Promise<Populated> => {
  const folder = mkdtempSync(join(tmpdir(), 'vestibule-bench-'))
  const redis = await startRedis()
  const keysFile = join(folder, 'session-keys')
  writeFileSync(keysFile, `${randomBytes(32).toString('base64url')}\n`)
  for (let index = 0; index < hosts; index += 1) {
    writeFileSync(join(folder, `host-${index}.yaml`), policyFor(index, rules))
  }
  const key = tokenKey('ES256', 'bench')
  const jwksFile = join(folder, 'issuer-keys')
  writeFileSync(jwksFile, JSON.stringify({ keys: [publicJwk(key)] }))
  const values = {
    sessions: await fill(redis.url, keysFile, sessions),
    tokens: Array.from({ length: tokens }, (_each, index) =>
      goodToken(key, TOKEN_ISSUER, `deploy-${index}`),
    ),
  }
  for (const [what, each] of Object.entries(values)) {
    writeFileSync(join(folder, what), each.join('\n'))
  }
  const scriptFor: Populated['scriptFor'] = (what, turn = {}) => {
    const file = join(folder, `${what}-${turn.from ?? 'any'}-${turn.first ?? 'all'}.lua`)
    writeFileSync(file, askInTurn(join(folder, what), HEADERS[what], turn))
    return file
  }
  const [verify = 0, publicPort = 0, ops = 0] = await freePorts(3)
  const startedAt = performance.now()
  const vestibule = await startVestibule({
    publicUrl: 'http://auth.vestibule.localhost',
    cookieDomain: 'vestibule.localhost',
    issuer: aPerson().issuer,
    policies: folder,
    ports: { verify, public: publicPort, ops },
    store: redis.url,
    // As in the image; the first start fills it.
    variables: { NODE_COMPILE_CACHE: join(import.meta.dirname, '../node_modules/.cache/node') },
    overrides: {
      decisionLog: { to: '/dev/null' },
      tokenIssuers:
        tokens === 0
          ? []
          : [{ name: 'bench', issuer: TOKEN_ISSUER, audiences: ['vestibule'], jwksFile }],
      session: { store: redis.url, keysFile, revalidateEvery: '1h' },
    },
  })
  const { pid } = vestibule.child
  return {
    pid,
    opsPort: ops,
    usage: { cpuSeconds: () => cpuSeconds(pid) },
    startMs: performance.now() - startedAt,
    url: `http://127.0.0.1:${verify}/verify?host=host-0.vestibule.localhost`,
    headers: {
      'X-Original-URL': 'http://host-0.vestibule.localhost/team/x',
      'X-Original-Method': 'GET',
      'X-Real-IP': '127.0.0.1',
    },
    script: scriptFor('sessions'),
    scriptFor,
    stop: async () => {
      await vestibule.stop()
      await redis.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** The last rule is the one that matches. */
const policyFor = (index: number, rules: number): string => {
  const others = Array.from(
    { length: rules - 1 },
    (_each, rule) =>
      `  - allow: { and: [ { groups: { has: team-${rule} } }, { http_path: /team-${rule} } ] }\n`,
  )
  return `hosts: [host-${index}.vestibule.localhost]\npolicy:\n${others.join('')}  - allow: { and: [ { authenticated_user: true } ] }\n`
}

/** Writes sessions as another replica would, and says their ids. */
const fill = async (url: string, keysFile: string, count: number): Promise<readonly string[]> => {
  const ring = parseKeyRing(readFileSync(keysFile, 'utf8'))
  if (!ring.ok) throw new Error('the key that was just written is none')
  const records = await connected(redisRecords(url, { timeoutMs: 10_000 }))
  const { store } = sessionsOver({
    records,
    ring: ring.value,
    limits: { idleSeconds: 28_800, absoluteSeconds: 86_400 },
    nowMs: () => Date.now(),
    monotonicMs: () => performance.now(),
  })
  const now = epochSeconds(Date.now() / 1000)
  const ids: string[] = []
  while (ids.length < count) {
    const batch = Array.from({ length: Math.min(BATCH, count - ids.length) }, (_each, index) =>
      store.create(
        {
          principal: aPerson({ subject: `person-${ids.length + index}` }),
          createdAt: now,
          checkedAt: now,
          issuedAt: now,
        },
        TOKENS,
        { startedAt: now, browser: 'Firefox on Linux' },
      ),
    )
    for (const created of await Promise.all(batch)) {
      if (!created.ok) throw new Error(`no session: ${created.failure}`)
      ids.push(created.value)
    }
  }
  await records.close()
  return ids
}

const TOKENS = {
  idToken: 'x'.repeat(900),
  accessToken: 'y'.repeat(43),
  accessExpiresAt: undefined,
  refreshToken: 'z'.repeat(43),
}

/** Names of headers, and what stands before the value. */
const HEADERS = {
  sessions: ['Cookie', 'vestibule='],
  tokens: ['Authorization', 'Bearer '],
} as const

const askInTurn = (
  file: string,
  [header, before]: readonly [string, string],
  { from, first }: Turn,
): string => `local values = {}
for line in io.lines("${file}") do values[#values + 1] = line end
math.randomseed(os.time())
local count = ${first ?? '#values'}
local at = ${from ?? 'math.random(count)'}
request = function()
  at = at % count + 1
  wrk.headers["${header}"] = "${before}" .. values[at]
  return wrk.format()
end
`
