import { isTokenScheme } from '../../core/credential.ts'
import { type HostPolicy } from '../../core/policy/policy.ts'
import { type Answer } from '../../flow/ports.ts'
import { headerLine } from './header-line.ts'
import { type NginxQuestion } from './nginx-request.ts'

/** Date, Connection and the empty line, which the server adds. */
const ADDED = 70

export type PassedOn = {
  /** Header lines, each ended. */
  readonly lines: string
  /** Headers that did not fit, and which the application therefore does not get. */
  readonly notPassed: readonly string[]
}

const NOTHING: PassedOn = { lines: '', notPassed: [] }

/**
 * The client's own credentials as the application may see them. nginx puts them in place of what
 * the client sent where `auth-response-headers` names them, and passes nothing on where the answer
 * lacks one. What does not fit into nginx's buffer would be a 500, so it is left out.
 *
 * @param written the lines of the answer so far
 */
export const passOn = (
  sent: NginxQuestion['sent'],
  { record: { decision, policy } }: Pick<Answer, 'record'>,
  written: string,
): PassedOn => {
  if (decision.effect !== 'allow' || policy === undefined) return NOTHING
  const hasCookie = policy.passing.stripsCookie && sent.cookies !== ''
  if (!hasCookie && (sent.authorization ?? '') === '') return NOTHING
  const wanted: Header[] = hasCookie ? [['Cookie', sent.cookies]] : []
  wanted.push(...authorizationOf(sent, policy, written))
  let left = policy.passing.answerBytes - written.length - ADDED
  let lines = ''
  const notPassed: string[] = []
  for (const [name, value] of wanted) {
    const line = headerLine(name, value)
    if (line.length <= left) {
      lines += line
      left -= line.length
    } else notPassed.push(name.toLowerCase())
  }
  return { lines, notPassed }
}

type Header = readonly [name: string, value: string]

/** Only a token that counts here is ours; other schemes are the application's. */
const authorizationOf = (
  { authorization = '' }: NginxQuestion['sent'],
  { passing, credentials }: HostPolicy,
  written: string,
): readonly Header[] => {
  if (!passing.stripsBearer || authorization === '') return []
  const isWritten = written.includes('\r\nAuthorization: ')
  const isOurs = credentials.has('bearer') && isTokenScheme(authorization)
  return isWritten || isOurs ? [] : [['Authorization', authorization]]
}
