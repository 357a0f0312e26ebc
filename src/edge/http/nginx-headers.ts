import { type DenyReason } from '../../core/reason.ts'

type TrustedHeaders = {
  originalUrl: string | undefined
  originalMethod: string | undefined
  redirect: string | undefined
  realIp: string | undefined
  requestId: string | undefined
  authorization: string | undefined
  origin: string | undefined
  requestedMethod: string | undefined
  certificate: string | undefined
  certificateVerdict: string | undefined
}
/** What of a subrequest's headers means anything to us. */
export type NginxHeaders = TrustedHeaders & {
  readonly cookies: string[]
  /** Lines of the DPoP header: more than one is a bad proof (RFC 9449 section 4.3). */
  readonly proofs: string[]
  /** Set where a header alone is ground for refusal. */
  reason: DenyReason | undefined
}

const SINGLE: ReadonlyMap<string, keyof TrustedHeaders> = new Map([
  ['x-original-url', 'originalUrl'],
  ['x-original-method', 'originalMethod'],
  ['x-auth-request-redirect', 'redirect'],
  ['x-real-ip', 'realIp'],
  ['x-request-id', 'requestId'],
  ['authorization', 'authorization'],
  // The client's own; a rule may ask whether this is a CORS preflight, which is no privilege.
  ['origin', 'origin'],
  ['access-control-request-method', 'requestedMethod'],
  // The client's own too, unless the policy of the host says that the proxy sets them.
  ['ssl-client-cert', 'certificate'],
  ['ssl-client-verify', 'certificateVerdict'],
])

/** What a header is to us, by its name: clients send the same few names again and again. */
type Meaning = keyof TrustedHeaders | 'cookies' | 'proofs' | 'impersonation' | 'nothing'

const MOST_NAMES = 1000
const LONGEST_NAME = 64

/** What a header means, by its name in any spelling. */
export type HeaderMeanings = (name: string) => Meaning

/** @param identityNames names of all headers that tell an application who is there, in lower case */
export const createHeaderMeanings = (identityNames: ReadonlySet<string>): HeaderMeanings => {
  const known = new Map<string, Meaning>()
  return (name) => {
    const last = known.get(name)
    if (last !== undefined) return last
    const meaning = meaningOf(name.toLowerCase(), identityNames)
    // Names are the client's choice: a flood of them must not take the room of the usual ones for good.
    if (known.size >= MOST_NAMES) known.clear()
    if (name.length <= LONGEST_NAME) known.set(name, meaning)
    return meaning
  }
}

const meaningOf = (name: string, identityNames: ReadonlySet<string>): Meaning => {
  if (name === 'cookie') return 'cookies'
  if (name === 'dpop') return 'proofs'
  return SINGLE.get(name) ?? (impersonates(name, identityNames) ? 'impersonation' : 'nothing')
}

/** One pass over names and values in turn; a view of them would join or drop duplicates. */
export const readHeaders = (raw: readonly string[], meanings: HeaderMeanings): NginxHeaders => {
  const headers = noHeaders()
  for (let index = 0; index < raw.length; index += 2) {
    const meaning = meanings(raw[index] ?? '')
    if (meaning === 'nothing') continue
    take(headers, meaning, raw[index + 1] ?? '')
  }
  return headers
}

const take = (headers: NginxHeaders, meaning: Exclude<Meaning, 'nothing'>, value: string): void => {
  if (meaning === 'cookies' || meaning === 'proofs') headers[meaning].push(value)
  else if (meaning === 'impersonation') headers.reason = 'impersonation_header'
  else {
    if (headers[meaning] !== undefined) headers.reason = 'duplicate_header'
    headers[meaning] = value
  }
}

/** All members at once: objects of one shape are quicker to read. */
const noHeaders = (): NginxHeaders => ({
  originalUrl: undefined,
  originalMethod: undefined,
  redirect: undefined,
  realIp: undefined,
  requestId: undefined,
  authorization: undefined,
  origin: undefined,
  requestedMethod: undefined,
  certificate: undefined,
  certificateVerdict: undefined,
  cookies: [],
  proofs: [],
  reason: undefined,
})

/**
 * Whether a name claims to be somebody: `Impersonate-*`, or an identity header in a spelling that
 * nginx does not overwrite. Applications that fold `_` and `.` (CGI, WSGI, PHP) would see two.
 */
const impersonates = (name: string, identityNames: ReadonlySet<string>): boolean => {
  const folded = /[^a-z0-9-]/.test(name) ? name.replace(/[^a-z0-9-]/g, '-') : name
  return folded.startsWith('impersonate-') || (folded !== name && identityNames.has(folded))
}
