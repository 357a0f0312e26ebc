import { createLocalJWKSet, type JWK, type JWTVerifyGetKey } from 'jose'
import { z } from 'zod'
import { fail, ok, type Result } from '../../core/result.ts'
import { type BoundedFetch } from '../outbound/bounded-fetch.ts'

export type KeySetOptions = {
  readonly issuer: string
  /** Undefined: found in the issuer's discovery document. */
  readonly jwksUri: string | undefined
  readonly fetch: BoundedFetch
  readonly nowMs: () => number
  /** Called when fetching failed. */
  readonly onFailure: (detail: string) => void
}

/** The keys of one issuer. */
export type KeySet = {
  /** Key lookup for the keys known now; fetches them first if there are none or they are old. */
  readonly current: () => Promise<Result<JWTVerifyGetKey, 'unreachable'>>
  /** Fetches again because a key was not found; undefined where that was done a moment ago. */
  readonly refetched: () => Promise<JWTVerifyGetKey | undefined>
}

/** Keys older than this are fetched anew, in the background; a removed key dies within it. */
const FRESH_MS = 10 * 60_000
/** While the issuer is unreachable, known keys serve for so long. */
const STALE_MS = 24 * 3_600_000
/** At most one fetch in this time, whether it succeeded or not: unknown `kid`s are free to send. */
const COOL_DOWN_MS = 30_000
const MOST_KEYS = 100

const KEY_SET = z.object({ keys: z.array(z.record(z.string(), z.unknown())).max(MOST_KEYS) })
const DISCOVERY = z.object({ issuer: z.string(), jwks_uri: z.url({ protocol: /^https?$/ }) })

type Known = { readonly find: JWTVerifyGetKey; readonly fetchedAt: number }

export const createKeySet = (options: KeySetOptions): KeySet => {
  const { nowMs } = options
  let known: Known | undefined
  let running: Promise<void> | undefined
  let lastTriedAt = Number.NEGATIVE_INFINITY

  const fetchKeys = async (): Promise<void> => {
    try {
      known = { find: createLocalJWKSet(await loadKeys(options)), fetchedAt: nowMs() }
    } catch (error) {
      options.onFailure(error instanceof Error ? error.message : 'unknown')
    }
  }
  /** One fetch at a time, shared; within the cool-down none. */
  const fetchOnce = async (): Promise<boolean> => {
    if (running === undefined) {
      if (nowMs() - lastTriedAt < COOL_DOWN_MS) return false
      lastTriedAt = nowMs()
      running = fetchKeys()
    }
    await running
    running = undefined
    return true
  }
  return {
    current: async () => {
      if (known === undefined || nowMs() - known.fetchedAt > STALE_MS) await fetchOnce()
      else if (nowMs() - known.fetchedAt > FRESH_MS) void fetchOnce()
      return known === undefined || nowMs() - known.fetchedAt > STALE_MS
        ? fail('unreachable')
        : ok(known.find)
    },
    refetched: async () => ((await fetchOnce()) ? known?.find : undefined),
  }
}

const loadKeys = async (options: KeySetOptions): Promise<{ keys: JWK[] }> => {
  const uri = options.jwksUri ?? (await discoverJwksUri(options))
  const { keys } = KEY_SET.parse(await fetchJson(options.fetch, uri))
  return { keys: keys.flatMap((key) => usableKey(key) ?? []) }
}

const discoverJwksUri = async ({ issuer, fetch }: KeySetOptions): Promise<string> => {
  const found = DISCOVERY.parse(
    await fetchJson(fetch, `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`),
  )
  if (found.issuer !== issuer) throw new TypeError(`discovery names another issuer`)
  if (issuer.startsWith('https:') && !found.jwks_uri.startsWith('https:')) {
    throw new TypeError('jwks_uri is not https')
  }
  return found.jwks_uri
}

const fetchJson = async (fetch: BoundedFetch, url: string): Promise<unknown> => {
  const response = await fetch(url, { headers: { accept: 'application/json' } })
  if (response.status !== 200) throw new TypeError(`${url} answered ${response.status}`)
  return await response.json()
}

/** Bad keys among good ones are left out: symmetric, private, meant for encryption, or malformed. */
const usableKey = (key: Readonly<Record<string, unknown>>): JWK | undefined => {
  if (Object.hasOwn(key, 'd') || Object.hasOwn(key, 'k')) return undefined
  const { data } = PUBLIC_KEY.safeParse(key)
  return data === undefined ? undefined : withoutUndefined(data)
}

/** The library takes an absent member, but not an undefined one. */
const withoutUndefined = (key: z.infer<typeof PUBLIC_KEY>): JWK => {
  const { kid, alg, use, ...rest } = key
  return {
    ...rest,
    ...(kid === undefined ? {} : { kid }),
    ...(alg === undefined ? {} : { alg }),
    ...(use === undefined ? {} : { use }),
  }
}

const base64url = z.string().regex(/^[A-Za-z0-9_-]+$/)
const common = {
  kid: z.string().optional(),
  alg: z.string().optional(),
  use: z.literal('sig').optional(),
}
const PUBLIC_KEY = z.discriminatedUnion('kty', [
  // 2048 bits at least (RFC 7518 section 3.3).
  z.object({ kty: z.literal('RSA'), n: base64url.min(342), e: base64url, ...common }),
  z.object({ kty: z.literal('EC'), crv: z.string(), x: base64url, y: base64url, ...common }),
  z.object({ kty: z.literal('OKP'), crv: z.string(), x: base64url, ...common }),
])
