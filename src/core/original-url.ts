import { type HostName, parseHostName } from './ids.ts'

/** `X-Original-URL`, split; `target` is the raw path and query, byte for byte. */
export type OriginalUrl = {
  readonly scheme: 'http' | 'https'
  readonly host: HostName
  readonly target: string
}

/** Where an original URL goes, without what is asked for there. */
export type OriginalPlace = Pick<OriginalUrl, 'scheme' | 'host'>

/**
 * The authority is client text: nginx copies the raw Host header into it. `new URL()` would read
 * `admin.test:80@public.test` as public.test, so this grammar knows nothing but a host name and a
 * port (RFC 3986 section 3.2 without userinfo, IP literals and percent-encoding).
 */
const PLACE = /^(https?):\/\/([a-z0-9.-]{1,254})(?::([1-9][0-9]{0,4}))?$/i

const TARGET = /^\/[\x21-\x7e]*$/

/** Before this, a slash belongs to `//`. */
const AUTHORITY_START = 'http://'.length + 1

/** @param readPlace what reads the place: `parsePlace`, or what remembers its answers */
export const parseOriginalUrl = (
  text: string,
  readPlace: (place: string) => OriginalPlace | undefined = parsePlace,
): OriginalUrl | undefined => {
  const slash = text.indexOf('/', AUTHORITY_START)
  if (slash === -1) return undefined
  const place = readPlace(text.slice(0, slash))
  const target = text.slice(slash)
  return place === undefined || !TARGET.test(target)
    ? undefined
    : { scheme: place.scheme, host: place.host, target }
}

export const parsePlace = (place: string): OriginalPlace | undefined => {
  const match = PLACE.exec(place)
  if (match === null) return undefined
  const [, scheme = '', authority = '', port] = match
  if (port !== undefined && Number(port) > 65_535) return undefined
  const host = parseHostName(authority)
  return host === undefined ? undefined : { scheme: scheme.length === 5 ? 'https' : 'http', host }
}
