import { expect } from '@jest/globals'
import { REASONS } from '../../src/core/reason.ts'
import { DPOP_ALGORITHMS } from '../../src/edge/tokens/dpop-proof.ts'
import { parseAnswers } from '../support/raw-http.ts'
import { type DecisionLine, type Vestibule } from '../support/vestibule.ts'
import { HOST_LABELS } from './support-requests-policies.ts'

/** One answer of /verify, taken apart. */
export type Verdict = {
  readonly status: number
  readonly reason: string
  /** The decision id. */
  readonly id: string
  /** Values of the identity headers, in their order; empty where none was sent. */
  readonly identity: readonly string[]
}

const IDENTITY_HEADERS = [
  'x-auth-request-user',
  'x-auth-request-email',
  'x-auth-request-preferred-username',
  'x-auth-request-groups',
  'x-auth-request-actor',
  'x-vestibule-assertion',
] as const

const VERDICT_HEADERS = [
  'content-length',
  'cache-control',
  'x-vestibule-decision',
  'x-vestibule-reason',
] as const

const TRANSPORT_HEADERS: ReadonlySet<string> = new Set(['date', 'connection', 'keep-alive'])

/** A 200 may tell nginx which of the client's own cookies the application sees. */
const OPTIONAL: ReadonlySet<string> = new Set(['cookie', 'authorization'])

const TOKEN_ERRORS = [
  'error="invalid_token"',
  ...[
    'The token has expired',
    'The token was revoked',
    'The token is not for this host',
    'The token is not valid yet',
    'The token is bound to its sender',
    'The token has to be bound to its sender',
    'An agent may act for a person only',
  ].map((description) => `error="invalid_token", error_description="${description}"`),
]

const CHALLENGES = [
  'Bearer',
  ...[
    ...TOKEN_ERRORS,
    'error="insufficient_user_authentication", acr_values="mfa"',
    'error="insufficient_user_authentication", max_age=300',
    'error="insufficient_user_authentication", max_age=0',
  ].map((parameters) => `Bearer ${parameters}`),
  ...[...TOKEN_ERRORS, 'error="invalid_dpop_proof"'].map(
    (parameters) => `DPoP ${parameters}, algs="${DPOP_ALGORITHMS.join(' ')}"`,
  ),
]

const EFFECTS: Readonly<Record<number, keyof typeof REASONS>> = {
  200: 'allow',
  401: 'challenge',
  403: 'deny',
  503: 'unavailable',
}

/**
 * Every header by name, once, and of a known set: what is not on the list (Set-Cookie, Location,
 * ETag, Content-Encoding, an echo of the input) would show here.
 */
const expectKnownHeaders = (names: readonly string[], status: number): void => {
  const own = names.filter(
    (name) => !TRANSPORT_HEADERS.has(name) && !(status === 200 && OPTIONAL.has(name)),
  )
  const allowed = [
    ...VERDICT_HEADERS,
    ...(status === 200 ? IDENTITY_HEADERS : []),
    ...(status === 401 && names.includes('www-authenticate') ? ['www-authenticate'] : []),
    ...(status === 503 && names.includes('retry-after') ? ['retry-after'] : []),
  ]
  expect(own.toSorted()).toEqual(allowed.toSorted())
}

/** Checks all that holds for every answer of /verify, whatever was asked. */
export const expectSoundAnswer = (text: string): Verdict => {
  const answers = parseAnswers(text)
  expect(answers).toHaveLength(1)
  expect(text.endsWith('\r\n\r\n') && text.indexOf('\r\n\r\n') === text.length - 4).toBe(true)
  expect(text.length).toBeLessThan(3072)
  const [{ status, headers }] = answers as [(typeof answers)[number]]
  expect([200, 401, 403, 503]).toContain(status)
  expectKnownHeaders(
    headers.map(([name]) => name),
    status,
  )
  const of = (wanted: string): string => headers.find(([name]) => name === wanted)?.[1] ?? ''
  expect(of('content-length')).toBe('0')
  expect(of('cache-control')).toBe('no-store')
  expect(of('x-vestibule-decision')).toMatch(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
  expect(Object.keys(REASONS[EFFECTS[status] ?? 'deny'])).toContain(of('x-vestibule-reason'))
  expect(['', ...CHALLENGES]).toContain(of('www-authenticate'))
  expect(of('cookie')).not.toMatch(/(?<![\w-])__Secure-vestibule=/)
  return {
    status,
    reason: of('x-vestibule-reason'),
    id: of('x-vestibule-decision'),
    identity: status === 200 ? IDENTITY_HEADERS.map(of) : [],
  }
}

/** All that was answered so far, and what must never be seen outside. */
export type Witness = {
  readonly vestibule: Vestibule
  readonly verdicts: Verdict[]
  /** Requests whose answer was lost with the connection; their decision is logged all the same. */
  readonly unanswered: () => number
  readonly secrets: readonly string[]
}

/** What the decision log, the notices and the metrics must be like after any number of attacks. */
export const expectSoundRecords = async (witness: Witness): Promise<void> => {
  const { vestibule, verdicts, unanswered, secrets } = witness
  const { lines, metrics } = await settled(vestibule)
  const texts = lines.map((line) => JSON.stringify(line))
  const logged = new Map(
    lines.map(({ decision, status, reason }) => [String(decision), `${String(status)} ${reason}`]),
  )
  expect(logged.size).toBe(lines.length)
  expect(
    verdicts.filter(({ id, status, reason }) => logged.get(id) !== `${status} ${reason}`),
  ).toEqual([])
  expect(lines.length - verdicts.length).toBeGreaterThanOrEqual(0)
  expect(lines.length - verdicts.length).toBeLessThanOrEqual(unanswered())
  expect(texts.filter((text) => Buffer.byteLength(text) >= 4096)).toEqual([])

  const everything = [...texts, ...vestibule.notices(), metrics].join('\n')
  for (const secret of [...secrets, 'CANARY']) expect(everything.includes(secret)).toBe(false)
  expect(vestibule.notices().filter((notice) => notice.includes('internal error'))).toEqual([])
  expectClosedLabels(metrics, lines.length)
}

const ANY_REASON: ReadonlySet<string> = new Set(Object.values(REASONS).flatMap(Object.keys))
const CLOSED: Readonly<Record<string, ReadonlySet<string>>> = {
  host: HOST_LABELS,
  effect: new Set(Object.keys(REASONS)),
  reason: ANY_REASON,
  mode: new Set(['enforce', 'observe']),
  actor: new Set(['anonymous', 'human', 'workload', 'agent']),
}

/** Label text and count of each series of decisions. */
const seriesOf = (metrics: string): readonly (readonly [labels: string, count: number])[] =>
  [...metrics.matchAll(/^vestibule_decisions_total\{(.*)\} ([0-9]+)$/gm)].map(
    ([, labels = '', count]) => [labels, Number(count)],
  )

/** The log is written behind the answers; once it is as long as the counters say, it is whole. */
const settled = async (
  vestibule: Vestibule,
): Promise<{ readonly lines: readonly DecisionLine[]; readonly metrics: string }> => {
  for (let tries = 0; ; tries += 1) {
    const metrics = await vestibule.metrics()
    const decided = seriesOf(metrics).reduce((sum, [, count]) => sum + count, 0)
    const lines = await vestibule.decisions(decided)
    if (lines.length === decided || tries === 5) return { lines, metrics }
  }
}

const expectClosedLabels = (metrics: string, decisions: number): void => {
  const series = seriesOf(metrics)
  const labels = series.flatMap(([text]) => [...text.matchAll(/([a-z]+)="([^"]*)"/g)])
  expect(
    labels
      .map(([, name = '', value = '']) => [name, value] as const)
      .filter(([name, value]) => CLOSED[name]?.has(value) !== true),
  ).toEqual([])
  expect(series.reduce((sum, [, count]) => sum + count, 0)).toBe(decisions)
  expect(metrics).toContain('\nvestibule_internal_errors_total 0\n')
}
