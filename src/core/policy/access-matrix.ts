import { type Enforced } from '../decision.ts'
import { type EpochSeconds, type HostName, parseHostName } from '../ids.ts'
import { appliedMode } from '../mode.ts'
import { ANONYMOUS, type Principal } from '../principal.ts'
import { type Column, openFor } from './access-columns.ts'
import { type Facts } from './criterion.ts'
import { type OpenPolicies, type OpenPolicy } from './open-policies.ts'
import { type OpenValues, openValues } from './open-values.ts'
import { type HostPolicy, type Mode, type PolicySet } from './policy.ts'
import { type Explored, type Worlds } from './worlds.ts'

/** `sign_in`: a caller without credentials is asked to sign in. `partly`: on some requests. */
export type Verdict = 'yes' | 'partly' | 'sign_in' | 'no'

export type Cell = {
  /** What the rules say. */
  readonly verdict: Verdict
  /** Whether everybody is let through all the same, since the host is only observed. */
  readonly isObserved: boolean
  /** What it depends on, where it is `partly`: criteria such as `http_path`. */
  readonly dependsOn: readonly string[]
  /** Facts of one request that is let through, and of one that is not. */
  readonly example: { readonly allowed: readonly string[]; readonly refused: readonly string[] }
  /** False where a policy has too many conditions to try all. */
  readonly isComplete: boolean
}

export type Row = {
  /** The host as the policy file writes it. */
  readonly host: string
  readonly owner: string | undefined
  readonly mode: string
  readonly cells: readonly Cell[]
}

export type Matrix = {
  readonly policyVersion: string
  readonly columns: readonly Pick<Column, 'kind' | 'name'>[]
  readonly rows: readonly Row[]
}

/** Every group that some policy names: in rules, to send on, or to enforce first. */
export const groupsNamed = (policies: PolicySet): ReadonlySet<string> =>
  new Set(
    allPolicies(policies).flatMap(({ groups, mode }) => [
      ...groups,
      ...(mode.kind === 'canary' ? mode.groups : []),
    ]),
  )

const allPolicies = ({ exact, below }: PolicySet): readonly HostPolicy[] => [
  ...exact.values(),
  ...below.values(),
]

/** Hosts as written, wildcards last. */
export const hostLabels = (policies: PolicySet): readonly string[] => [
  ...[...policies.exact.keys()].sort(),
  ...[...policies.below.keys()].sort().map((name) => `*.${name}`),
]

/** Who can reach what, for all hosts and columns. */
export const accessMatrix = (
  policies: OpenPolicies,
  worlds: Worlds,
  columns: readonly Column[],
  now: EpochSeconds,
): Matrix => ({
  policyVersion: policies.served.version,
  columns: columns.map(({ kind, name }) => ({ kind, name })),
  rows: hostLabels(policies.served).flatMap((label): readonly Row[] => {
    const host = representative(label)
    const policy = host === undefined ? undefined : policies.find(host)
    if (host === undefined || policy === undefined) return []
    const { owner, mode } = policy.served
    const values = openValues(policy.leaves, factsOf(host, ANONYMOUS, now))
    const cells = columns.map((column) => {
      const asked: Asked = { column, values, facts: factsOf(host, column.principal, now) }
      return cellOf(policy, worlds, asked)
    })
    return [{ host: label, owner, mode: modeText(mode, now), cells }]
  }),
})

/** A host that the pattern stands for. */
export const representative = (label: string): HostName | undefined =>
  parseHostName(label.replace(/^\*/, 'vestibule-any'))

/** A plain request; what rules may ask of it is left open. */
export const factsOf = (host: HostName, principal: Principal, now: EpochSeconds): Facts => ({
  request: {
    host,
    scheme: 'https',
    method: 'GET',
    path: '/',
    pathIsAmbiguous: false,
    pathIsConfirmed: true,
    clientIp: undefined,
    requestId: undefined,
    isPreflight: false,
    clientCertificate: undefined,
    namespace: '',
    ingress: '',
    service: '',
  },
  principal,
  now,
})

type Asked = { readonly column: Column; readonly values: OpenValues; readonly facts: Facts }

const cellOf = (policy: OpenPolicy, worlds: Worlds, { column, values, facts }: Asked): Cell => {
  const explored = worlds.explore({
    evaluate: () => policy.decide(facts),
    keyOf: outcomeOf,
    whatIsOpen: openFor(column, values),
  })
  const verdict = verdictOf(explored)
  return {
    verdict,
    isObserved: verdict !== 'yes' && isObserved(policy.served, column, facts.now),
    dependsOn: verdict === 'partly' ? [...explored.hinges].sort() : [],
    example: {
      allowed: verdict === 'partly' ? (explored.outcomes.get('allow')?.facts ?? []) : [],
      refused: verdict === 'partly' ? refusedFacts(explored) : [],
    },
    isComplete: explored.isComplete,
  }
}

const outcomeOf = ({ effect }: Enforced): 'allow' | 'challenge' | 'deny' =>
  effect === 'unavailable' ? 'deny' : effect

const refusedFacts = ({ outcomes }: Explored<Enforced>): readonly string[] =>
  (outcomes.get('deny') ?? outcomes.get('challenge'))?.facts ?? []

const verdictOf = ({ outcomes, isComplete }: Explored<Enforced>): Verdict => {
  if (outcomes.has('allow')) return outcomes.size === 1 && isComplete ? 'yes' : 'partly'
  if (!isComplete) return 'partly'
  return outcomes.has('challenge') ? 'sign_in' : 'no'
}

/** Of a canary, anybody of a kind may be among those who are observed; its subject is made up. */
export const isObserved = (policy: HostPolicy, column: Column, now: EpochSeconds): boolean => {
  const { mode } = policy
  const isMadeUp = column.kind !== 'person' && column.kind !== 'anonymous'
  const share = mode.kind === 'canary' && mode.share < 100 ? 0 : 100
  const asked =
    isMadeUp && mode.kind === 'canary' ? { ...policy, mode: { ...mode, share } } : policy
  return appliedMode(asked, column.principal, now) === 'observe'
}

/** `enforce`, or how and until when it is not. */
export const modeText = (mode: Mode, now: EpochSeconds): string => {
  if (mode.kind === 'enforce' || now >= mode.until) return 'enforce'
  const until = `until ${new Date(mode.until * 1000).toISOString().replace('.000Z', 'Z')}`
  if (mode.kind === 'observe') return `observe ${until}`
  const groups = [...mode.groups].sort().join(', ')
  return `canary ${mode.share} %${groups === '' ? '' : ` and ${groups}`} ${until}`
}
