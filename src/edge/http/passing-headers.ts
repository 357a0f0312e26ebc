import { isTokenScheme } from '../../core/credential.ts'
import { type HostPolicy } from '../../core/policy/policy.ts'
import { type Answer } from '../../flow/ports.ts'
import { type NginxQuestion } from './nginx-request.ts'

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
  sent: NginxQuestion['sent'],
  { record: { decision, policy } }: Pick<Answer, 'record'>,
  written: readonly string[],
): PassedOn => {
  if (decision.effect !== 'allow' || policy === undefined) return NOTHING
  const hasCookie = policy.passing.stripsCookie && sent.cookies !== ''
  if (!hasCookie && (sent.authorization ?? '') === '') return NOTHING
  const wanted: Header[] = hasCookie ? [['Cookie', sent.cookies]] : []
  wanted.push(...authorizationOf(sent, policy, written))
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

/** Only a token that counts here is ours; other schemes are the application's. */
const authorizationOf = (
  { authorization = '' }: NginxQuestion['sent'],
  { passing, credentials }: HostPolicy,
  written: readonly string[],
): readonly Header[] => {
  if (!passing.stripsBearer || authorization === '') return []
  const isWritten = written.some((text, at) => at % 2 === 0 && text === 'Authorization')
  const isOurs = credentials.has('bearer') && isTokenScheme(authorization)
  return isWritten || isOurs ? [] : [['Authorization', authorization]]
}

const sizeOf = (headers: readonly string[]): number => {
  let size = ADDED_BY_NODE
  for (const text of headers) size += text.length + 2
  return size
}
