import { type Enforced } from './decision.ts'
import { appliedMode } from './mode.ts'
import { type Facts } from './policy/criterion.ts'
import { type OpenPolicies, type OpenPolicy } from './policy/open-policies.ts'
import { type HostPolicy } from './policy/policy.ts'
import { type Explored, type Worlds } from './policy/worlds.ts'
import { type RecordedDecision } from './recorded-decision.ts'
import { openOnLine } from './replay-facts.ts'

/** What the candidate policies make of a recorded decision. */
export type Replayed =
  /** Nobody was authenticated, or nothing was decided; no rule was asked. */
  | { readonly kind: 'not_comparable'; readonly why: string }
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'gained' | 'lost'; readonly decision: Enforced }
  /** The line does not hold what the candidate's rules ask for. */
  | { readonly kind: 'undecidable'; readonly needs: readonly string[] }

export type Candidates = {
  readonly candidate: OpenPolicies
  /** Policies that may have been in force when lines were recorded, found by their version. */
  readonly baselines: readonly OpenPolicies[]
  readonly worlds: Worlds
  /** Compares what callers were answered, where else what the rules said is compared. */
  readonly asAnswered: boolean
}

/** Refused before any rule was asked, whatever the rules say. */
const BEFORE_RULES: ReadonlySet<string> = new Set([
  'host_mismatch',
  'misconfigured_auth_url',
  'malformed_request',
  'duplicate_header',
  'impersonation_header',
  'method_refused',
  'identity_too_large',
])

/** Decides a recorded request again, at the moment at which it was recorded. */
export const replay = (line: RecordedDecision, candidates: Candidates): Replayed => {
  const policy = candidates.candidate.find(line.request.host)
  const settled = withoutRules(line, policy?.served)
  if (settled !== undefined) return settled
  const { outcomes, hinges, isComplete } = possible(line, policy, candidates)
  const [only, other] = [...outcomes.values()]
  if (only === undefined || other !== undefined || !isComplete) {
    const needs = hinges.size === 0 ? ['too many conditions'] : [...hinges].sort()
    return { kind: 'undecidable', needs }
  }
  return changeOf(line, only.outcome.decision, { asAnswered: candidates.asAnswered, policy })
}

type Answering = { readonly asAnswered: boolean; readonly policy: OpenPolicy | undefined }

const changeOf = (
  line: RecordedDecision,
  decision: Enforced,
  { asAnswered, policy }: Answering,
): Replayed => {
  const before = line.effect === 'allow' || (asAnswered && line.isObserved)
  const after = decision.effect === 'allow' || (asAnswered && isObserved(policy?.served, line))
  if (before === after) return { kind: 'unchanged' }
  return { kind: after ? 'gained' : 'lost', decision }
}

const isObserved = (
  policy: HostPolicy | undefined,
  { principal, time }: RecordedDecision,
): boolean => policy !== undefined && appliedMode(policy, principal, time) === 'observe'

/** A bound on what one line may cost; more open conditions than this has no rule that is read. */
const MOST_WORLDS = 81

/**
 * What the candidate may say, in all worlds in which the policy of the time says what is recorded:
 * so the record tells of facts that are not on the line.
 */
const possible = (
  line: RecordedDecision,
  policy: OpenPolicy | undefined,
  { baselines, worlds }: Candidates,
): Explored<Outcome> => {
  const baseline = baselines
    .find(({ served }) => served.version === line.policyVersion)
    ?.find(line.request.host)
  const facts: Facts = {
    request: line.request,
    principal: line.principal,
    bindings: line.bindings,
    now: line.time,
  }
  const explore = (recorded: OpenPolicy | undefined): Explored<Outcome> =>
    worlds.explore({
      evaluate: () => ({
        isAsRecorded: recorded === undefined || agrees(recorded.decide(facts), line),
        decision: policy?.decide(facts) ?? UNKNOWN_HOST,
      }),
      keyOf: ({ isAsRecorded, decision }) => (isAsRecorded ? sideOf(decision) : undefined),
      whatIsOpen: openOnLine(line, baseline?.served.groups),
      mostWorlds: MOST_WORLDS,
    })
  const held = explore(baseline)
  return held.outcomes.size === 0 ? explore(undefined) : held
}

type Outcome = { readonly isAsRecorded: boolean; readonly decision: Enforced }

const UNKNOWN_HOST: Enforced = { effect: 'deny', reason: 'unknown_host' }

const sideOf = ({ effect }: Enforced): 'in' | 'out' => (effect === 'allow' ? 'in' : 'out')

const agrees = (decision: Enforced, { effect, rule }: RecordedDecision): boolean =>
  decision.effect === effect && ('rule' in decision ? decision.rule : undefined) === rule

/** Lines on which the answer hangs on something else than rules, or on a credential not looked at. */
const withoutRules = (
  line: RecordedDecision,
  policy: HostPolicy | undefined,
): Replayed | undefined => {
  const { reason, credential, principal } = line
  if (line.effect === 'unavailable') return { kind: 'not_comparable', why: reason }
  if (BEFORE_RULES.has(reason)) return { kind: 'unchanged' }
  const judge = REFUSED_BY_SETTING.get(reason)
  if (judge !== undefined) {
    return judge(policy) ? { kind: 'unchanged' } : { kind: 'undecidable', needs: ['who it was'] }
  }
  if (credential === 'bearer' && principal.kind === 'anonymous') return { kind: 'unchanged' }
  return isIgnored(credential, policy)
    ? { kind: 'undecidable', needs: ['other credentials'] }
    : undefined
}

const isIgnored = (
  credential: RecordedDecision['credential'],
  policy: HostPolicy | undefined,
): boolean => credential !== 'none' && policy !== undefined && !policy.credentials.has(credential)

/** Refused before anybody was authenticated; whether a candidate still refuses. */
const REFUSED_BY_SETTING: ReadonlyMap<string, (policy: HostPolicy | undefined) => boolean> =
  new Map([
    ['unknown_host', (policy) => policy === undefined],
    ['path_ambiguous', (policy) => policy?.refusesAmbiguousPaths !== false],
    ['path_mismatch', (policy) => policy?.redirectIsOverridden !== true],
  ])
