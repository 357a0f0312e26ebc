/**
 * The path that nginx routes on: decoded once, slashes merged, dot segments resolved
 * (`ngx_http_parse_complex_uri` with `merge_slashes on`).
 *
 * @returns the path (one character a byte), or undefined where nginx answers 400 by itself.
 */
export const routedPath = (target: string): string | undefined => {
  const raw = withoutQuery(target)
  if (!raw.startsWith('/')) return undefined
  if (PLAIN.test(raw)) return raw
  const decoded = decodeOnce(raw)
  return decoded === undefined ? undefined : resolveSegments(decoded)
}

/** Nothing to decode, merge or resolve: by far the commonest path. */
const PLAIN = /^(?:\/[^%/.#][^%/#]*)*\/?$/

const withoutQuery = (target: string): string => {
  const end = target.search(/[?#]/)
  return end === -1 ? target : target.slice(0, end)
}

const decodeOnce = (raw: string): string | undefined => {
  if (!raw.includes('%')) return raw
  let decoded = ''
  for (let index = 0; index < raw.length; index += 1) {
    const character = raw.charAt(index)
    if (character !== '%') {
      decoded += character
      continue
    }
    const pair = raw.slice(index + 1, index + 3)
    if (!/^[0-9a-f]{2}$/i.test(pair) || pair === '00') return undefined
    decoded += String.fromCharCode(Number.parseInt(pair, 16))
    index += 2
  }
  return decoded
}

const resolveSegments = (decoded: string): string | undefined => {
  const segments: string[] = []
  let endsInSlash = false
  for (const segment of decoded.split('/').slice(1)) {
    endsInSlash = segment === '' || segment === '.' || segment === '..'
    if (segment === '..' && segments.pop() === undefined) return undefined
    if (!endsInSlash) segments.push(segment)
  }
  return `/${segments.join('/')}${endsInSlash && segments.length > 0 ? '/' : ''}`
}

/**
 * True where other parties (application servers, frameworks) may read another path than nginx:
 * an encoded or literal backslash or slash, path parameters (`;`, which Tomcat strips), an encoded
 * `?` or `#` (who decodes before he parses cuts the path there), a second
 * layer of encoding, control characters, or bytes that are no UTF-8 (overlong dots and slashes).
 */
export const isAmbiguousPath = (target: string): boolean => {
  const raw = withoutQuery(target)
  if (raw.includes(';') || raw.includes('\\') || target.charAt(raw.length) === '#') return true
  if (!raw.includes('%')) return false
  if (/%(?:2f|5c|3b|23|3f|0[0-9a-f]|1[0-9a-f]|7f|25[0-9a-f]{2})/i.test(raw)) return true
  return !isCleanUtf8(raw)
}

const isCleanUtf8 = (raw: string): boolean => {
  try {
    return !/[\u0080-\u009f\u2028\u2029\ufeff]/.test(decodeURIComponent(raw))
  } catch {
    return false
  }
}
