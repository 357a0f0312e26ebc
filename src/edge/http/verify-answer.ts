import { type Effect } from '../../core/decision.ts'
import { type Identity, identityHeaderValue, NOBODY } from '../../core/identity-headers.ts'
import { type IdentityHeaderNames } from '../../core/identity-source.ts'
import { type HostName } from '../../core/ids.ts'
import { type HostPolicy } from '../../core/policy/policy.ts'
import { RESOURCE_METADATA_PATH } from '../../core/protected-resource.ts'
import { type Answer, type DecisionRecord } from '../../flow/ports.ts'
import { type Challenge, wwwAuthenticate } from './www-authenticate.ts'

/** nginx lets 200 through, passes 401 and 403 on, and makes a 500 of everything else. */
export const STATUS = {
  allow: 200,
  challenge: 401,
  deny: 403,
  unavailable: 503,
} as const satisfies Record<Effect, number>

export type VerifyStatus = (typeof STATUS)[Effect]

/** Headers of every answer: no body, nothing that a cache may keep (`auth-cache-key`). */
export const commonHeaders = (id: string, reason: string): string[] => [
  'Content-Length',
  '0',
  'Cache-Control',
  'no-store',
  'X-Vestibule-Decision',
  id,
  'X-Vestibule-Reason',
  reason,
]

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

/** A decision → the headers that enforce it, names and values in turn. */
export const answerHeaders = (answer: Answer, options: AnswerOptions): string[] => {
  const { record } = answer
  const headers = commonHeaders(record.id, record.decision.reason)
  if (record.decision.effect === 'allow') {
    headers.push(...identityLines(answer, options.identityHeaders))
  }
  // For callers that retry, behind proxies that pass the answer on.
  if (record.decision.effect === 'unavailable') headers.push('Retry-After', '1')
  if (record.decision.effect === 'challenge' && record.policy?.credentials.has('bearer') === true) {
    headers.push(...challengeHeaders(record.decision, record, options))
  }
  return headers
}

type Lines = { readonly assertion: string; readonly lines: readonly string[] }

/** What was written last for an identity: the same again, until its assertion is another. */
const written = new WeakMap<Identity, Lines>()

/** All of them, always: what is missing here, some proxies leave as the client sent it. */
const identityLines = (
  { record: { policy }, identity, assertion }: Answer,
  names: IdentityHeaderNames,
): readonly string[] => {
  const last = identity === NOBODY ? undefined : written.get(identity)
  if (last?.assertion === assertion) return last.lines
  const lines = headerNames(names, policy).flatMap(([name, source]) => [
    name,
    identityHeaderValue(source, identity, assertion),
  ])
  // Everybody who is nobody shares one identity, on all hosts.
  if (identity !== NOBODY) written.set(identity, { assertion, lines })
  return lines
}

const challengeHeaders = (
  challenge: Challenge,
  { tokenScheme, request, policy }: DecisionRecord,
  { originOf, dpop }: AnswerOptions,
): readonly string[] => {
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
  return [
    'WWW-Authenticate',
    wwwAuthenticate(challenge, context),
    ...(nonce === undefined ? [] : ['DPoP-Nonce', nonce]),
  ]
}

/** The configured headers and those of the host's preset. */
const headerNames = (
  names: IdentityHeaderNames,
  policy: HostPolicy | undefined,
): IdentityHeaderNames =>
  policy === undefined || policy.presetHeaders.length === 0
    ? names
    : [...names, ...policy.presetHeaders]
