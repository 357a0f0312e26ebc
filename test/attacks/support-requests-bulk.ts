import { jest } from '@jest/globals'
import type * as fc from 'fast-check'
import { sendRaw } from '../support/raw-http.ts'
import { type VerifyRequest, verifyRequest } from '../support/verify-request.ts'
import { type World } from './support-requests.ts'
import { type Verdict } from './support-requests-invariants.ts'

/** What random testing takes by default, and how often more is done with `VESTIBULE_FUZZ_RUNS`. */
export const runs = (usual: number): number => {
  const wanted = Number(process.env['VESTIBULE_FUZZ_RUNS'] ?? '0')
  return Number.isSafeInteger(wanted) && wanted > usual ? wanted : usual
}

const LIMIT_MS = process.env['VESTIBULE_FUZZ_RUNS'] === undefined ? 20_000 : 3_600_000
jest.setTimeout(LIMIT_MS * 2)

const SEED = 20_261_121

/** Parameters of every property here: one seed, and all that is wrong with the smallest example. */
export const settings = (numRuns: number): fc.Parameters<unknown> => ({
  seed: SEED,
  numRuns,
  endOnFailure: false,
  interruptAfterTimeLimit: LIMIT_MS,
})

/** An answer of /verify to the byte, but for its values; anything else about it is a fault. */
const SOUND = new RegExp(
  [
    '^HTTP/1\\.1 (200 OK|401 Unauthorized|403 Forbidden|503 Service Unavailable)\\r\\n',
    '(?:Connection: close\\r\\n)?Content-Length: 0\\r\\nCache-Control: no-store\\r\\n',
    'X-Vestibule-Decision: ([0-9a-f-]{36})\\r\\nX-Vestibule-Reason: ([a-z_]+)',
    '((?:\\r\\nX-(?:Auth-Request|Vestibule)-[A-Za-z-]+: [\\x21-\\x7e]{0,2000}){6})?',
    '(?:\\r\\nWWW-Authenticate: Bearer(?: error="invalid_token")?)?',
    // What the application may see of the client's own cookies; ours is not among them.
    '(?:\\r\\nCookie: (?![^\\r]*__Secure-vestibule=[A-Za-z0-9_-]{43})[^\\r\\n]+)?',
    '(?:\\r\\n(?:Date: [A-Za-z0-9,: ]+|Connection: (?:close|keep-alive)|Keep-Alive: timeout=75))*$',
  ].join(''),
)

const NOT_FOUND = /^HTTP\/1\.1 404 Not Found\r\nContent-Length: 0\r\nCache-Control: no-store\r\n/

/** A verdict; `404` for another path; or what is wrong with the answer. */
export const readAnswer = (head: string): Verdict | 404 | string => {
  if (NOT_FOUND.test(head)) return 404
  const match = SOUND.exec(head)
  if (match === null || head.length >= 3072) return `unsound: ${JSON.stringify(head)}`
  const [, line = '', id = '', reason = '', identity = ''] = match
  const status = Number(line.slice(0, 3))
  if ((status === 200) !== (identity !== '')) return `identity with ${status}`
  const values = identity.split('\r\n').slice(1)
  return { id, reason, status, identity: values.map((text) => text.slice(text.indexOf(':') + 2)) }
}

/** The answers in what came over one connection; every one of them is empty. */
export const readAnswers = (text: string): readonly (Verdict | 404 | string)[] =>
  text
    .split('\r\n\r\n')
    .slice(0, -1)
    .map((head) => readAnswer(head))

/** Sends many requests over one connection and reads as many verdicts, in their order. */
export const askMany = async (
  world: World,
  requests: readonly VerifyRequest[],
): Promise<readonly Verdict[]> => {
  const bytes = requests.map((request, index) => {
    const text = verifyRequest(request)
    return index === requests.length - 1 ? text : text.replace(/Connection: close\r\n\r\n$/, '\r\n')
  })
  const text = await sendRaw(world.vestibule.verifyPort, bytes.join(''), 30_000)
  const verdicts = readAnswers(text).map((each) => {
    if (typeof each !== 'object') throw new Error(String(each))
    return each
  })
  if (verdicts.length !== requests.length) {
    throw new Error(`${verdicts.length} answers to ${requests.length} requests`)
  }
  world.verdicts.push(...verdicts)
  return verdicts
}
