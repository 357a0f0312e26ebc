/** Which of the client's credentials an application behind a host may see. */
export type PassingCredentials = {
  /** Answer with the Cookie header as the application may see it. */
  readonly stripsCookie: boolean
  /** Answer with an Authorization header that lacks our token. */
  readonly stripsBearer: boolean
  /** What an answer may take, which follows from `proxy-buffer-size` of the Ingress. */
  readonly answerBytes: number
}

/**
 * The Cookie header without the session cookie: all other text stays as it is, in its order.
 * Every cookie of the name goes, also one that was planted beside it.
 */
export const withoutCookie = (lines: readonly string[], name: string): string =>
  lines
    .flatMap((line) => line.split(';'))
    .filter((pair) => !isNamed(pair, name))
    .map(trimStart)
    .filter((pair) => pair !== '')
    .join('; ')

const isNamed = (pair: string, name: string): boolean => {
  const equals = pair.indexOf('=')
  return (equals === -1 ? pair : pair.slice(0, equals)).trim() === name
}

const trimStart = (pair: string): string => pair.replace(/^[ \t]+/, '')
