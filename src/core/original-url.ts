import { type HostName, parseHostName } from './ids.ts'

/** `X-Original-URL`, split; `target` is the raw path and query, byte for byte. */
export type OriginalUrl = {
  readonly scheme: 'http' | 'https'
  readonly host: HostName
  readonly target: string
}

/**
 * The authority is client text: nginx copies the raw Host header into it. `new URL()` would read
 * `admin.test:80@public.test` as public.test, so this grammar knows nothing but a host name and a
 * port (RFC 3986 section 3.2 without userinfo, IP literals and percent-encoding).
 */
const ORIGINAL_URL = /^(https?):\/\/([a-z0-9.-]{1,254})(?::([1-9][0-9]{0,4}))?(\/[\x21-\x7e]*)$/i

export const parseOriginalUrl = (text: string): OriginalUrl | undefined => {
  const match = ORIGINAL_URL.exec(text)
  if (match === null) return undefined
  const [, scheme = '', authority = '', port, target = ''] = match
  if (port !== undefined && Number(port) > 65_535) return undefined
  const host = parseHostName(authority)
  if (host === undefined) return undefined
  return { scheme: scheme.length === 5 ? 'https' : 'http', host, target }
}
