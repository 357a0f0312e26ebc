/** Where redirects may lead: our own origin, and the hosts that policies name. */
const ALLOWED = /^https:\/\/(?:auth\.test|app\.test|admin\.test|(?:[a-z0-9-]+\.)+internal\.test)$/

/** The page that redirects, against which browsers resolve what it says. */
const BASE = 'https://auth.test/oauth2/callback'

type Reader = (location: string, base: string) => string | undefined

/** Scheme, host and port as browsers read them; undefined where they see no address. */
const whatwg: Reader = (location, base) => {
  if (!URL.canParse(location, base)) return undefined
  const { protocol, host, username, password } = new URL(location, base)
  return username === '' && password === '' ? `${protocol}//${host}` : 'userinfo'
}

/** RFC 3986 appendix B, resolved as in section 5.2.2. */
const rfc3986: Reader = (location, base) => {
  const [, , scheme, authorityPart, authority = ''] =
    /^(([^:/?#]+):)?(\/\/([^/?#]*))?([^?#]*)(\?([^#]*))?(#(.*))?$/s.exec(location) ?? []
  const own = new URL(base)
  if (scheme === undefined && authorityPart === undefined) return own.origin
  const protocol = scheme === undefined ? own.protocol : `${scheme.toLowerCase()}:`
  return `${protocol}//${authority.toLowerCase().replace(/:(?:443)?$/, '')}`
}

/** What forgiving readers do: blanks go, backslashes are slashes. */
const sloppy: Reader = (location, base) =>
  whatwg(
    location
      .replace(/[\t\r\n]/g, '')
      .replace(/^[\0-\x20\u00a0\ufeff]+/, '')
      .replaceAll('\\', '/'),
    base,
  )

const READERS: Readonly<Record<string, Reader>> = { whatwg, rfc3986, sloppy }

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** What follows the origin, as somebody might cut it off and send on. */
const targetOf = (location: string): string => location.replace(/^https:\/\/[^/?#]*/, '')

/** The text, and what is left after each layer of percent-encoding that somebody takes off. */
const layers = (text: string): readonly string[] => {
  const once = decoded(text)
  return once === text ? [text] : [text, ...layers(once)]
}

const withoutQuery = (target: string): string => target.replace(/[?#].*$/s, '')

/**
 * Why this Location could lead a browser away from where redirects may go; undefined where three
 * parsers agree that it does not, also after somebody has cut off the origin, or decoded the path.
 */
export const escapeOf = (location: string): string | undefined => {
  if (!/^[\x21-\x7e]+$/.test(location)) return 'bytes that do not belong in a header'
  const target = targetOf(location)
  if (!target.startsWith('/')) return 'neither a path nor an https URL with one'
  const paths = layers(withoutQuery(target))
  return Object.entries(READERS)
    .flatMap(([name, read]) => {
      const origin = read(location, BASE) ?? 'nothing'
      return [
        ALLOWED.test(origin) ? undefined : `${name} reads ${origin}`,
        ...paths.map((path) => pathEscape(name, read, path)),
      ]
    })
    .find((problem) => problem !== undefined)
}

/** A path alone must stay on our own origin, and keep one slash at its head when resolved. */
const pathEscape = (name: string, read: Reader, path: string): string | undefined => {
  const alone = read(path, BASE) ?? 'nothing'
  if (alone !== 'https://auth.test') return `${name} reads ${path} as ${alone}`
  const resolved = URL.canParse(path, BASE) ? new URL(path, BASE).pathname : '//'
  return /^\/[/\\]/.test(path) || /^\/[/\\]/.test(resolved)
    ? `${path} resolves to ${resolved}`
    : undefined
}
