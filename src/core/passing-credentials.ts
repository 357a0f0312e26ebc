/** Which of the client's credentials an application behind a host may see. */
export type PassingCredentials = {
  /** Answer with the Cookie header as the application may see it. */
  readonly stripsCookie: boolean
  /** Answer with an Authorization header that lacks our token. */
  readonly stripsBearer: boolean
  /** What an answer may take, which follows from `proxy-buffer-size` of the Ingress. */
  readonly answerBytes: number
}

/** Header lines → the text of one, without a cookie. */
export type CookieStripper = (lines: readonly string[]) => string

/** What names of cookies are made of (RFC 6265 section 4.1.1). */
const NAME_CHARACTER = "[!#$%&'*+.^_`|~0-9A-Za-z-]"

/**
 * The Cookie header without the session cookie: all other text stays as it is, in its order. Also a
 * cookie goes that was planted beside ours, and whatever a lenient reader may take for ours: with
 * no-break spaces or commas about the name, or as the value of a cookie without a name.
 */
export const cookieStripper = (name: string): CookieStripper => {
  const word = wordPattern(name)
  return (lines) => {
    const pairs = lines.flatMap((line) => line.split(';')).map(trimStart)
    return pairs.filter((pair) => pair !== '' && !isOurs(pair, name, word)).join('; ')
  }
}

/** With an equals sign somewhere behind the name; or the name alone. */
const isOurs = (pair: string, name: string, word: RegExp): boolean =>
  pair.includes(name) && (word.test(beforeLastEquals(pair)) || pair.trim() === name)

/** By index: a pattern that looks for the sign itself takes quadratic time on names without one. */
const beforeLastEquals = (pair: string): string => pair.slice(0, Math.max(0, pair.lastIndexOf('=')))

/** The name as a word of its own. */
const wordPattern = (name: string): RegExp =>
  new RegExp(`(?<!${NAME_CHARACTER})${name}(?!${NAME_CHARACTER})`)

const trimStart = (pair: string): string => pair.replace(/^[ \t]+/, '')
