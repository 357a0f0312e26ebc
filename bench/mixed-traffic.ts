import { anonymousHeaders, type SignedIn } from './signed-in.ts'

type Headers = Readonly<Record<string, string>>

/** One kind of request among others. */
export type Kind = { readonly share: number; readonly headers: Headers }

/** In the Cookie header of a kind: stands for a session that nobody has, another one each time. */
const UNKNOWN = 'UNKNOWN'

const LONG = 6000

/** What somebody with a session tries, each as often as the others; the last of it is let pass. */
export const hostileInput = ({ headers }: SignedIn): readonly Kind[] => {
  const { Cookie = '', 'X-Original-URL': url = '' } = headers
  const path = '/api/..%2fadmin'
  const all: readonly Headers[] = [
    { 'Impersonate-User': 'root' },
    { Cookie: `${Cookie}; vestibule=${'A'.repeat(43)}` },
    { 'X-Original-URL': new URL(url).origin + path, 'X-Auth-Request-Redirect': path },
    { 'X-Request-ID': 'x'.repeat(LONG) },
  ]
  return all.map((changes) => ({ share: 1 / all.length, headers: { ...headers, ...changes } }))
}

/** An ordinary day: mostly people at work, and some of everything else. */
export const mixedTraffic = (who: SignedIn): readonly Kind[] => [
  { share: 0.8, headers: who.headers },
  { share: 0.08, headers: anonymousHeaders(who) },
  { share: 0.05, headers: who.refusedHeaders },
  { share: 0.04, headers: { ...who.headers, Cookie: `vestibule=${UNKNOWN}` } },
  ...hostileInput(who).map(({ share, headers }) => ({ share: share * 0.03, headers })),
]

/** A script for wrk that sends these at random, and the same ones in each run. */
export const scriptOf = (kinds: readonly Kind[]): string =>
  RANDOM_REQUESTS.replace('KINDS', () => kinds.map(luaTable).join(',\n'))

/** JSON of printable ASCII is a string of Lua too. */
const luaTable = ({ share, headers }: Kind): string => {
  const lines = Object.entries(headers).map(
    ([name, value]) => `[${JSON.stringify(name)}] = ${JSON.stringify(value)}`,
  )
  return `{ share = ${share}, headers = { ${lines.join(', ')} } }`
}

/** Requests are put together beforehand, so that the load generator has little to do. */
const RANDOM_REQUESTS = `math.randomseed(20261125)
local kinds = {
KINDS
}
init = function()
  for _, kind in ipairs(kinds) do
    kind.headers["Connection"] = wrk.headers["Connection"]
    kind.text = wrk.format(nil, nil, kind.headers)
    kind.before, kind.after = kind.text:match("^(.*)${UNKNOWN}(.*)$")
  end
end
local letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
local function unknown()
  local id = {}
  for i = 1, 42 do local at = math.random(64); id[i] = letters:sub(at, at) end
  return table.concat(id) .. "A"
end
request = function()
  local left = math.random()
  for _, kind in ipairs(kinds) do
    left = left - kind.share
    if left < 0 then
      return kind.before and kind.before .. unknown() .. kind.after or kind.text
    end
  end
  return kinds[1].text
end
`
