import { type Effect } from '../../core/decision.ts'
import { type Identity, identityHeaderValue, NOBODY } from '../../core/identity-headers.ts'
import { type IdentityHeaderNames } from '../../core/identity-source.ts'
import { type HostName } from '../../core/ids.ts'
import { type HostPolicy } from '../../core/policy/policy.ts'
import { RESOURCE_METADATA_PATH } from '../../core/protected-resource.ts'
import { type Reason } from '../../core/reason.ts'
import { type Answer, type DecisionRecord } from '../../flow/ports.ts'
import { headerLine } from './header-line.ts'
import { type Challenge, wwwAuthenticate } from './www-authenticate.ts'

/** nginx lets 200 through, passes 401 and 403 on, and makes a 500 of everything else. */
export const STATUS = {
  allow: 200,
  challenge: 401,
  deny: 403,
  unavailable: 503,
} as const satisfies Record<Effect, number>

export type VerifyStatus = (typeof STATUS)[Effect]

const STATUS_LINES: Readonly<Record<Effect, string>> = {
  allow: 'HTTP/1.1 200 OK',
  challenge: 'HTTP/1.1 401 Unauthorized',
  deny: 'HTTP/1.1 403 Forbidden',
  unavailable: 'HTTP/1.1 503 Service Unavailable',
}

/** The beginning of every answer: no body, nothing that a cache may keep (`auth-cache-key`). */
export const commonLines = (effect: Effect, id: string, reason: Reason): string =>
  `${STATUS_LINES[effect]}\r\nContent-Length: 0\r\nCache-Control: no-store\r\n` +
  `X-Vestibule-Decision: ${id}\r\nX-Vestibule-Reason: ${reason}\r\n`

/** No such path here. */
export const NOT_FOUND_LINES =
  'HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nCache-Control: no-store\r\n'

export type AnswerOptions = {
  readonly identityHeaders: IdentityHeaderNames
  /** A protected host as clients reach it, such as `https://api.example.com`. */
  readonly originOf: (host: HostName) => string
  readonly dpop: {
    readonly algorithms: readonly string[]
    /** The nonce of this moment; undefined where none is asked for. */
    readonly nonce: () => string | undefined
  }
}

/** A decision → the status line and the header lines that enforce it, each ended. */
export const answerLines = (answer: Answer, options: AnswerOptions): string => {
  const { record } = answer
  const { decision, policy } = record
  const lines = commonLines(decision.effect, record.id, decision.reason)
  if (decision.effect === 'allow') return lines + identityLines(answer, options.identityHeaders)
  // For callers that retry, behind proxies that pass the answer on.
  if (decision.effect === 'unavailable') return `${lines}Retry-After: 1\r\n`
  return decision.effect === 'challenge' && policy?.credentials.has('bearer') === true
    ? lines + challengeLines(decision, record, options)
    : lines
}

type Written = { readonly assertion: string; readonly lines: string }

/** What was written last for an identity: the same again, until its assertion is another. */
const written = new WeakMap<Identity, Written>()

/** All of them, always: what is missing here, some proxies leave as the client sent it. */
const identityLines = (
  { record: { policy }, identity, assertion }: Answer,
  names: IdentityHeaderNames,
): string => {
  const last = identity === NOBODY ? undefined : written.get(identity)
  if (last?.assertion === assertion) return last.lines
  const lines = joined(
    headerNames(names, policy).map(([name, source]) =>
      headerLine(name, identityHeaderValue(source, identity, assertion)),
    ),
  )
  // Everybody who is nobody shares one identity, on all hosts.
  if (identity !== NOBODY) written.set(identity, { assertion, lines })
  return lines
}

/**
 * What is short as one string, and what is long behind it. An assertion is most of an answer and is
 * kept by whoever signed it: the lines refer to that text, so that it is in memory once.
 */
const joined = (lines: readonly string[]): string => {
  const short = lines.filter(({ length }) => length < LONG).join('')
  return lines.filter(({ length }) => length >= LONG).reduce((all, line) => all + line, short)
}

const LONG = 400

const challengeLines = (
  challenge: Challenge,
  { tokenScheme, request, policy }: DecisionRecord,
  { originOf, dpop }: AnswerOptions,
): string => {
  const { host } = request
  const context = {
    scheme: tokenScheme,
    dpopAlgorithms: dpop.algorithms,
    resourceMetadata:
      policy?.protectedResource === undefined || host === undefined
        ? undefined
        : `${originOf(host)}${RESOURCE_METADATA_PATH}`,
  }
  const nonce = challenge.reason === 'use_dpop_nonce' ? dpop.nonce() : undefined
  return (
    headerLine('WWW-Authenticate', wwwAuthenticate(challenge, context)) +
    (nonce === undefined ? '' : headerLine('DPoP-Nonce', nonce))
  )
}

/** The configured headers and those of the host's preset. */
const headerNames = (
  names: IdentityHeaderNames,
  policy: HostPolicy | undefined,
): IdentityHeaderNames =>
  policy === undefined || policy.presetHeaders.length === 0
    ? names
    : [...names, ...policy.presetHeaders]
