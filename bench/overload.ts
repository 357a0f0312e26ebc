import { writeFileSync } from 'node:fs'
import { type Load, type Measured, measure } from './load.ts'
import { anonymousHeaders, type SignedIn, signedInWorld } from './signed-in.ts'

export type OverloadOptions = { readonly seconds: number }

/** How somebody with a good session fares while something else goes on. */
export type Overload = {
  readonly meanwhile: string
  readonly good: Measured
  /** What the others were answered, in a second. */
  readonly othersPerSecond: number
}

/** Of the same number of good requests, whatever else happens. */
const GOOD_CONNECTIONS = 4
const GOOD_DELAY_MS = 5
const FLOOD_CONNECTIONS = 320

/**
 * Good sessions at an easy pace: alone, beside a flood of bad tokens and cookies, beside ten times
 * as many good requests as can be answered, and alone again right after.
 */
export const benchOverload = async (
  { seconds }: OverloadOptions,
  say: (line: string) => void,
): Promise<readonly Overload[]> => {
  const who = await signedInWorld()
  const scripts = `${who.world.vestibule.configFile}.lua`
  writeFileSync(scripts, `delay = function() return ${GOOD_DELAY_MS} end\n`)
  try {
    const brisk: Load = {
      url: who.url,
      headers: who.headers,
      reconnect: true,
      seconds,
      connections: GOOD_CONNECTIONS,
    }
    await measure({ ...brisk, seconds: 2 })
    const good: Load = { ...brisk, script: scripts }
    const run = async (meanwhile: string, flood?: Load): Promise<Overload> => {
      say(`good sessions, ${meanwhile}`)
      const flooding = flood === undefined ? undefined : measure(flood)
      const measured = await measure(good)
      const others = (await flooding)?.requestsPerSecond ?? 0
      return { meanwhile, good: measured, othersPerSecond: others }
    }
    return [
      await run('alone'),
      await run('beside a flood of bad tokens', floodOf(who, seconds, 'bearer')),
      await run('beside a flood of bad cookies', floodOf(who, seconds, 'cookie')),
      await run('beside ten times too many', { ...floodOf(who, seconds), headers: who.headers }),
      await run('alone again'),
    ]
  } finally {
    await who.stop()
  }
}

/** Goes on a little longer than what is measured beside it. */
const floodOf = (who: SignedIn, seconds: number, kind?: 'bearer' | 'cookie'): Load => {
  const script = `${who.world.vestibule.configFile}.${kind ?? 'same'}.lua`
  writeFileSync(script, FLOODS[kind ?? 'same'])
  return {
    url: who.url,
    headers: anonymousHeaders(who),
    reconnect: true,
    seconds: seconds + 1,
    connections: FLOOD_CONNECTIONS,
    refusedShare: kind === undefined ? 0 : 1,
    // Else those who are measured would wait for their own client.
    isModest: true,
    script,
  }
}

const RANDOM_TEXT = `local letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
local function text(length)
  local out = {}
  for i = 1, length do local at = math.random(64); out[i] = letters:sub(at, at) end
  return table.concat(out)
end
`

const FLOODS = {
  same: '',
  cookie: `${RANDOM_TEXT}request = function()
  wrk.headers["Cookie"] = "vestibule=" .. text(42) .. "A"
  return wrk.format()
end
`,
  bearer: `${RANDOM_TEXT}request = function()
  wrk.headers["Authorization"] = "Bearer eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCJ9." .. text(120) .. "." .. text(86)
  return wrk.format()
end
`,
} as const

export const overloadTable = (rows: readonly Overload[]): string =>
  [
    `${'good sessions'.padEnd(34)}${'good/s'.padStart(9)}${'p50 ms'.padStart(9)}${'p99 ms'.padStart(9)}${'errors'.padStart(9)}${'others/s'.padStart(10)}`,
    ...rows.map(
      ({ meanwhile, good, othersPerSecond }) =>
        `${meanwhile.padEnd(34)}${good.requestsPerSecond.toFixed(0).padStart(9)}${good.p50Ms.toFixed(2).padStart(9)}${good.p99Ms.toFixed(2).padStart(9)}${String(good.errors).padStart(9)}${othersPerSecond.toFixed(0).padStart(10)}`,
    ),
  ].join('\n')
