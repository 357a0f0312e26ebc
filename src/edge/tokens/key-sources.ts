import { z } from 'zod'
import { type BoundedFetch } from '../outbound/bounded-fetch.ts'
import { type KeyUse, type PublicKeys, parsePublicKeys } from './public-keys.ts'

/** Reads the keys anew; throws where there is no key set to be had. */
export type KeySource = () => Promise<PublicKeys>

export type RemoteKeysOptions = {
  readonly issuer: string
  /** Undefined: found in the issuer's discovery document. */
  readonly jwksUri: string | undefined
  readonly use: KeyUse
  /** Whether discovery may lead to another origin, as that of the identity provider may. */
  readonly anyOrigin?: boolean
  readonly fetch: BoundedFetch
  /** Shown to `jwksUri`, and to no address that a discovery document names. */
  readonly readBearerToken?: (() => Promise<string>) | undefined
}

export const remoteKeys =
  (options: RemoteKeysOptions): KeySource =>
  async () => {
    const { jwksUri, issuer, fetch, use, anyOrigin = false, readBearerToken } = options
    if (jwksUri === undefined) {
      const { jwks_uri: found } = await discover(issuer, fetch)
      const address = anyOrigin ? found : sameOrigin(found, issuer)
      return parsePublicKeys(await fetchJson(fetch, address), use)
    }
    const token = await readBearerToken?.()
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
    return parsePublicKeys(await fetchJson(fetch, jwksUri, headers), use)
  }

/** A file that is replaced while the service runs, such as a trust bundle. */
export const fileKeys =
  (read: () => Promise<string>, use: KeyUse): KeySource =>
  async () =>
    parsePublicKeys(JSON.parse(await read()), use)

const url = z.url({ protocol: /^https?$/ })
const DISCOVERY = z.object({
  issuer: z.string(),
  jwks_uri: url,
  introspection_endpoint: url.optional(),
})

export type Discovery = z.infer<typeof DISCOVERY>

export const discover = async (issuer: string, fetch: BoundedFetch): Promise<Discovery> => {
  const found = DISCOVERY.parse(
    await fetchJson(fetch, `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`),
  )
  if (found.issuer !== issuer) throw new TypeError('the discovery document names another issuer')
  return found
}

/** A document must not send us anywhere else: where keys live elsewhere, the configuration says so. */
export const sameOrigin = (found: string, issuer: string): string => {
  if (new URL(found).origin === new URL(issuer).origin) return found
  throw new TypeError(`discovery names ${new URL(found).origin}; if that is right, set it yourself`)
}

const fetchJson = async (
  fetch: BoundedFetch,
  address: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<unknown> => {
  const response = await fetch(address, { headers: { accept: 'application/json', ...headers } })
  if (response.status !== 200) throw new TypeError(`${address} answered ${response.status}`)
  const type = response.headers.get('content-type') ?? ''
  if (!JSON_TYPE.test(type)) throw new TypeError(`${address} answered ${type.slice(0, 40)}`)
  return await response.json()
}

/** Object stores serve key sets as bytes or plain text; a page is none, whatever is in it. */
const JSON_TYPE = /^$|\bjson\b|^text\/plain\b|^application\/octet-stream\b/i
