import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { type PolicySet } from '../../core/policy/policy.ts'
import { type Revocation } from '../../core/revocation.ts'
import { type Answer, type Sent } from '../../flow/ports.ts'
import { createDecisionSeconds } from './decision-seconds.ts'
import { type MetricsReport } from './metrics-sum.ts'
import { createTally, type Tally } from './tally.ts'

export type Dependency =
  | 'session_store'
  | 'identity_provider'
  | 'token_issuer'
  | 'introspection'
  | 'token_review'

/** All label values come from closed sets; a host is its policy's pattern, or `unknown`. */
export type Metrics = {
  readonly decided: (answer: Answer, sent: Sent) => void
  readonly signIn: (outcome: string) => void
  readonly signOut: (way: string) => void
  readonly logoutToken: (outcome: string) => void
  readonly revalidated: (outcome: string) => void
  readonly returnUrlRefused: () => void
  /** How a bearer token was proven: from memory (`hit`), with others (`shared`), or anew. */
  readonly tokenVerified: (outcome: 'hit' | 'shared' | 'miss') => void
  readonly issuerKeysConfirmed: (issuer: string, atSeconds: number) => void
  readonly called: (dependency: Dependency, outcome: string, seconds: number) => void
  readonly decisionDropped: (lines: number) => void
  readonly sessionRead: (use: 'hit' | 'miss' | 'stale') => void
  /** Whether changes in the store are heard of, so that what was read from it may be kept. */
  readonly storeHeard: (isHeard: boolean) => void
  readonly revocationLearnt: (revocation: Revocation, lagSeconds: number) => void
  readonly policiesLoaded: (policies: PolicySet, atSeconds: number) => void
  readonly policyReloadFailed: () => void
  readonly bug: () => void
  readonly insecure: (setting: string) => void
  readonly text: () => Promise<string>
  /** For adding up what several processes measured; see `metrics-sum.ts`. */
  readonly report: () => Promise<MetricsReport>
  readonly contentType: string
}

export const FAST_BUCKETS = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.25, 1, 5,
]

const LAG_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 2.5, 10, 60]

export const createMetrics = (): Metrics => {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry, prefix: 'vestibule_' })
  const counter = <Label extends string>(
    name: string,
    help: string,
    labelNames: readonly Label[] = [],
    tally?: Tally,
  ): Counter<Label> =>
    new Counter({
      name,
      help,
      labelNames,
      registers: [registry],
      ...(tally === undefined
        ? {}
        : {
            collect() {
              tally.settle(this)
            },
          }),
    })
  const decisions = createTally()
  counter(
    'vestibule_decisions_total',
    'Decisions.',
    ['host', 'effect', 'reason', 'mode', 'actor'],
    decisions,
  )
  const latency = createDecisionSeconds(registry)
  const would = counter(
    'vestibule_would_total',
    'What enforcing would have answered where a policy is only observed.',
    ['host', 'effect', 'reason'],
  )
  const groupsCut = counter('vestibule_groups_cut_total', 'Groups that did not fit the headers.', [
    'host',
  ])
  const credentialsNotPassed = counter(
    'vestibule_credentials_not_passed_total',
    "Headers of the client's own (cookie, authorization) that did not fit the answer.",
    ['host', 'header'],
  )
  const signIns = counter('vestibule_sign_ins_total', 'Sign-ins by outcome.', ['outcome'])
  const signOuts = counter('vestibule_sign_outs_total', 'Sign-outs, by way.', ['way'])
  const logoutTokens = counter(
    'vestibule_logout_tokens_total',
    'Requests at the back channel, by outcome.',
    ['outcome'],
  )
  const revalidations = counter(
    'vestibule_revalidations_total',
    'Questions to the provider about sessions, by outcome.',
    ['outcome'],
  )
  const returnUrls = counter('vestibule_return_urls_refused_total', 'Return URLs (rd) refused.')
  const calls = new Histogram({
    name: 'vestibule_dependency_seconds',
    help: 'Calls that left the process, by outcome.',
    labelNames: ['dependency', 'outcome'],
    buckets: FAST_BUCKETS,
    registers: [registry],
  })
  const verifications = createTally()
  counter(
    'vestibule_token_verifications_total',
    'Bearer tokens looked at: known (hit), being verified for another request (shared), or new (miss).',
    ['outcome'],
    verifications,
  )
  const keysConfirmed = new Gauge({
    name: 'vestibule_issuer_keys_timestamp_seconds',
    help: 'When the keys of a token issuer were last confirmed.',
    aggregator: 'min',
    labelNames: ['issuer'],
    registers: [registry],
  })
  const dropped = counter('vestibule_decision_log_dropped_total', 'Decision lines not written.')
  const reads = createTally()
  counter(
    'vestibule_session_reads_total',
    'Sessions looked up: known here (hit), asked for (miss), served in an outage (stale).',
    ['result'],
    reads,
  )
  const heard = new Gauge({
    name: 'vestibule_store_changes_heard',
    help: '1 while changes in the session store arrive here, 0 while it is asked each time.',
    aggregator: 'min',
    registers: [registry],
  })
  const revocations = counter(
    'vestibule_revocations_total',
    'Revocations that became known here.',
    ['kind'],
  )
  const lag = new Histogram({
    name: 'vestibule_revocation_lag_seconds',
    help: 'Time from the order to end something until it is known here; between two clocks.',
    buckets: LAG_BUCKETS,
    registers: [registry],
  })
  const reloadFailures = counter(
    'vestibule_policy_reload_failures_total',
    'Policies not taken over.',
  )
  const bugs = counter('vestibule_internal_errors_total', 'Errors that are bugs of Vestibule.')
  const policyInfo = new Gauge({
    name: 'vestibule_policy_info',
    help: 'The policies in force.',
    aggregator: 'max',
    labelNames: ['version'],
    registers: [registry],
  })
  const policyLoaded = new Gauge({
    name: 'vestibule_policy_loaded_timestamp_seconds',
    help: 'When the policies in force were loaded.',
    aggregator: 'min',
    registers: [registry],
  })
  const insecure = new Gauge({
    name: 'vestibule_insecure_setting',
    help: '1 for each setting in use that gives up a protection.',
    aggregator: 'max',
    labelNames: ['setting'],
    registers: [registry],
  })
  return {
    decided: ({ record, groupsCut: cut }, { notPassed, seconds }) => {
      const { decision, policy, principal } = record
      const host = policy?.label ?? 'unknown'
      const { effect, reason } = decision
      const { mode } = record
      const actor = principal.kind === 'anonymous' ? 'anonymous' : principal.actor
      decisions.add(`${effect} ${reason} ${mode} ${actor} ${host}`, () => ({
        host,
        effect,
        reason,
        mode,
        actor,
      }))
      latency(effect, seconds)
      if (decision.reason === 'observed') {
        would.inc({ host, effect: decision.would.effect, reason: decision.would.reason })
      }
      if (cut > 0) groupsCut.inc({ host }, cut)
      for (const header of notPassed) credentialsNotPassed.inc({ host, header })
    },
    signIn: (outcome) => signIns.inc({ outcome }),
    revalidated: (outcome) => revalidations.inc({ outcome }),
    signOut: (way) => signOuts.inc({ way }),
    logoutToken: (outcome) => logoutTokens.inc({ outcome }),
    returnUrlRefused: () => returnUrls.inc(),
    tokenVerified: (outcome) => verifications.add(outcome, () => ({ outcome })),
    issuerKeysConfirmed: (issuer, atSeconds) => keysConfirmed.set({ issuer }, atSeconds),
    called: (dependency, outcome, seconds) => calls.observe({ dependency, outcome }, seconds),
    decisionDropped: (lines) => dropped.inc(lines),
    sessionRead: (result) => reads.add(result, () => ({ result })),
    storeHeard: (isHeard) => heard.set(isHeard ? 1 : 0),
    revocationLearnt: ({ target }, lagSeconds) => {
      revocations.inc({ kind: target.kind })
      lag.observe(lagSeconds)
    },
    policiesLoaded: ({ version }, atSeconds) => {
      policyInfo.reset()
      policyInfo.set({ version }, 1)
      policyLoaded.set(atSeconds)
    },
    policyReloadFailed: () => reloadFailures.inc(),
    bug: () => bugs.inc(),
    insecure: (setting) => insecure.set({ setting }, 1),
    text: () => registry.metrics(),
    report: () => registry.getMetricsAsJSON(),
    contentType: registry.contentType,
  }
}
