import { isTokenScheme } from '../../core/credential.ts'
import { type CookieStripper } from '../../core/passing-credentials.ts'
import { type HostPolicy } from '../../core/policy/policy.ts'
import { type Answer } from '../../flow/ports.ts'

/** Status line, Date, Connection and Keep-Alive, which Node adds. */
const ADDED_BY_NODE = 120

export type PassedOn = {
  /** Names and values in turn. */
  readonly headers: readonly string[]
  /** Headers that did not fit, and which the application therefore does not get. */
  readonly notPassed: readonly string[]
}

const NOTHING: PassedOn = { headers: [], notPassed: [] }

/**
 * The client's own credentials as the application may see them. nginx puts them in place of what
 * the client sent where `auth-response-headers` names them, and passes nothing on where the answer
 * lacks one. What does not fit into nginx's buffer would be a 500, so it is left out.
 *
 * @param written the headers of the answer so far
 */
export const passOn = (
  raw: readonly string[],
  { record: { decision, policy } }: Pick<Answer, 'record'>,
  written: readonly string[],
  strip: CookieStripper,
): PassedOn => {
  if (decision.effect !== 'allow' || policy === undefined) return NOTHING
  const wanted = [...cookieOf(raw, policy, strip), ...authorizationOf(raw, policy, written)]
  if (wanted.length === 0) return NOTHING
  let left = policy.passing.answerBytes - sizeOf(written)
  const headers: string[] = []
  const notPassed: string[] = []
  for (const [name, value] of wanted) {
    const cost = name.length + value.length + 4
    if (cost <= left) {
      headers.push(name, value)
      left -= cost
    } else notPassed.push(name.toLowerCase())
  }
  return { headers, notPassed }
}

type Header = readonly [name: string, value: string]

const cookieOf = (
  raw: readonly string[],
  { passing }: HostPolicy,
  strip: CookieStripper,
): readonly Header[] => {
  if (!passing.stripsCookie) return []
  const cookies = strip(valuesOf(raw, 'cookie'))
  return cookies === '' ? [] : [['Cookie', cookies]]
}

/** Only a token that counts here is ours; other schemes are the application's. */
const authorizationOf = (
  raw: readonly string[],
  { passing, credentials }: HostPolicy,
  written: readonly string[],
): readonly Header[] => {
  const [sent = ''] = valuesOf(raw, 'authorization')
  if (!passing.stripsBearer || sent === '') return []
  const isWritten = written.some((text, at) => at % 2 === 0 && text === 'Authorization')
  const isOurs = credentials.has('bearer') && isTokenScheme(sent)
  return isWritten || isOurs ? [] : [['Authorization', sent]]
}

const valuesOf = (raw: readonly string[], name: string): readonly string[] =>
  raw.filter((_value, at) => at % 2 === 1 && raw[at - 1]?.toLowerCase() === name)

const sizeOf = (headers: readonly string[]): number =>
  headers.reduce((sum, text) => sum + text.length + 2, ADDED_BY_NODE)
