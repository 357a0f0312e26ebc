import { type RecordedDecision } from '../../core/recorded-decision.ts'
import { type Finding, finding } from './finding.ts'
import { type PlannedCaller } from './plan.ts'
import { type ExpectedDecision, type Step } from './step.ts'

/** What is wrong with what the decision log says of a request. */
export const judgeLog = (
  { id, host, decision: expected }: Step,
  lines: readonly RecordedDecision[],
): readonly Finding[] => {
  if (expected === undefined) return []
  const [line, ...others] = lines
  if (line === undefined) {
    return [finding('not_logged', `no decision with the request id ${id} is in the log`)]
  }
  return [
    ...(others.length === 0
      ? []
      : [finding('logged_twice', `${lines.length} decisions have the request id ${id}`)]),
    ...judgeMode(expected, line),
    ...judgeEffect(expected, line),
    ...judgeCaller(expected.caller, line),
    ...judgeRequest(expected, host, line),
  ]
}

/** A request that would have been allowed anyway does not tell whether it was only observed. */
const judgeMode = (
  { mode }: ExpectedDecision,
  { isObserved, effect, reason }: RecordedDecision,
): readonly Finding[] => {
  // Refused before the policy of the host is looked at, so no mode is applied.
  if (reason === 'impersonation_header' || effect === 'allow') return []
  if (mode === 'enforce' && isObserved) {
    return [finding('only_observed', `let through, since the policy is only observed`)]
  }
  return mode === 'observe' && !isObserved
    ? [finding('not_observed', 'refused, though the policy should only be observed')]
    : []
}

const judgeEffect = (
  { effects, reason: wanted, caller }: ExpectedDecision,
  { effect, reason, rule }: RecordedDecision,
): readonly Finding[] => {
  const by = `${reason}${rule === undefined ? '' : `, by ${rule}`}`
  const said = `the log says ${effect} (${by})`
  if (caller !== undefined && STALE.has(reason)) return [finding('stale_credential', said)]
  if (!effects.some((each) => each === effect)) {
    return [finding('logged_effect', `${said}, not ${effects.join(' or ')}`)]
  }
  return wanted === undefined || wanted === reason
    ? []
    : [finding('logged_reason', `${said}, not ${wanted}`)]
}

/** Reasons that are about the credential, not about the rules. */
const STALE: ReadonlySet<string> = new Set([
  'not_signed_in',
  'unknown_session',
  'invalid_token',
  'expired_token',
])

const judgeCaller = (
  wanted: PlannedCaller | undefined,
  { principal, credential }: RecordedDecision,
): readonly Finding[] => {
  if (wanted === undefined) {
    return principal.kind === 'anonymous'
      ? []
      : [finding('logged_caller', `the log names ${principal.subject} where nobody signed in`)]
  }
  // The effect says it already.
  if (principal.kind === 'anonymous') return []
  const differs = [
    ['subject', wanted.subject, principal.subject],
    ['email', wanted.email, principal.email],
    ['actor', wanted.actor, principal.actor],
    ['credential', wanted.credential, credential],
  ].filter(([, expected, found]) => expected !== undefined && expected !== found)
  return differs.map(([what = '', expected = '', found = 'none']) =>
    finding('logged_caller', `the log says ${what} ${found}, not ${expected}`),
  )
}

const judgeRequest = (
  { method, path }: ExpectedDecision,
  host: string,
  { request, isPathClipped }: RecordedDecision,
): readonly Finding[] => {
  const wanted: readonly (readonly [string, string, string])[] = [
    ['host', host, request.host],
    ['method', method, request.method],
    ...(path === undefined || isPathClipped ? [] : [['path', path, request.path] as const]),
  ]
  return (
    wanted
      // What was refused before it was understood has no method on its line.
      .filter(([, expected, found]) => found !== '' && expected !== found)
      .map(([what, expected, found]) =>
        finding('logged_request', `the log says ${what} ${found}, not ${expected}`),
      )
  )
}
