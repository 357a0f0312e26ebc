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
  readonly stop: () => Promise<void>
}

export type Population = {
  readonly sessions: number
  readonly hosts: number
  readonly rules: number
}

const BATCH = 500

export const startPopulated = async ({
  sessions,
  hosts,
  rules,
}: Population): Promise<Populated> => {
  const folder = mkdtempSync(join(tmpdir(), 'vestibule-bench-'))
  const redis = await startRedis()
  const keysFile = join(folder, 'session-keys')
  writeFileSync(keysFile, `${randomBytes(32).toString('base64url')}\n`)
  for (let index = 0; index < hosts; index += 1) {
    writeFileSync(join(folder, `host-${index}.yaml`), policyFor(index, rules))
  }
  const script = join(folder, 'sessions.lua')
  writeFileSync(join(folder, 'ids'), (await fill(redis.url, keysFile, sessions)).join('\n'))
  writeFileSync(script, ASK_IN_TURN.replace('FILE', join(folder, 'ids')))
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
      tokenIssuers: [],
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
    script,
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

const ASK_IN_TURN = `local ids = {}
for line in io.lines("FILE") do ids[#ids + 1] = line end
math.randomseed(os.time())
local at = math.random(#ids)
request = function()
  at = at % #ids + 1
  wrk.headers["Cookie"] = "vestibule=" .. ids[at]
  return wrk.format()
end
`
