/** Ranges of addresses that nobody has in the public internet (RFC 1918, 6598, 4193, and loopback). */
const PRIVATE =
  /^(?:10\.|127\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|f[cd])/i

export const isPrivateRange = (range: string): boolean => PRIVATE.test(range.trim())

/**
 * Whether ranges hold so much of the internet that nobody is kept out, in one piece or in several:
 * `10.0.0.0/0` is all of it, and so are `0.0.0.0/1` and `128.0.0.0/1`.
 */
export const isEverybody = (ranges: readonly string[]): boolean =>
  shareOf(ranges, false) >= NEARLY_ALL || shareOf(ranges, true) >= NEARLY_ALL

/** All unicast addresses of IPv6 are an eighth of it (RFC 4291, 2.4); of IPv4 half is taken for all. */
const NEARLY_ALL = 1 / 2
const UNICAST = 1 / 8

const shareOf = (ranges: readonly string[], isSix: boolean): number => {
  const prefixes = new Set(
    ranges.map((range) => range.trim()).filter((range) => range.includes(':') === isSix),
  )
  const whole = [...prefixes].reduce(
    (sum, range) => sum + 2 ** -Number(/\/(\d{1,3})$/.exec(range)?.[1] ?? 128),
    0,
  )
  return isSix ? whole / UNICAST : whole
}

export const listItems = (text: string): readonly string[] =>
  text
    .split(/[,\s]+/)
    .map((item) => item.trim())
    .filter((item) => item !== '')

/** A URL without what may be secret in it: user, password, query and fragment. */
export const shownUrl = (url: string): string =>
  url.replace(/^([a-z]+:\/\/)[^/@]*@/i, '$1').replace(/[?#].*$/s, '')

/** At most so many, and how many more there are. */
export const someOf = (items: readonly string[], most = 4): string =>
  items.length <= most
    ? items.join(', ')
    : `${items.slice(0, most).join(', ')} and ${items.length - most} more`

export const countOf = (count: number, one: string, many = `${one}s`): string =>
  `${count} ${count === 1 ? one : many}`
