import { type Enforced, type RuleId } from './decision.ts'
import { type RecordedDecision } from './recorded-decision.ts'
import { type Replayed } from './replay.ts'

export type ReplayExample = {
  readonly decision: string
  readonly time: string
  readonly principal: string
  readonly method: string
  readonly path: string
}

/** One kind of change, of one host by one rule. */
export type ReplayFinding = {
  readonly change: 'lost' | 'gained' | 'undecidable'
  readonly host: string
  /** What the rules said when it was recorded; who is undecidable and was admitted may lose. */
  readonly was: 'admitted' | 'refused'
  /** Lost: the rule that admitted. Gained: the one that would. Undecidable: what is not known. */
  readonly rule: string
  /** What the candidate says instead. */
  readonly now: string
  readonly requests: number
  readonly principals: number
  /** True where there were more principals than are told apart. */
  readonly hasMorePrincipals: boolean
  readonly examples: readonly ReplayExample[]
}

export type ReplayReport = {
  readonly requests: number
  readonly unchanged: number
  readonly lost: number
  readonly gained: number
  readonly undecidable: number
  /** Of the undecidable, those that were admitted. */
  readonly mayLose: number
  /** By reason, such as `session_store_unreachable`. */
  readonly notComparable: Readonly<Record<string, number>>
  /** Requests that passed only because their host was observed. */
  readonly observed: number
  /** Requests by the version of the policies that decided them. */
  readonly policyVersions: Readonly<Record<string, number>>
  readonly from: string | undefined
  readonly to: string | undefined
  readonly findings: readonly ReplayFinding[]
}

export type ReplayTally = {
  readonly add: (line: RecordedDecision, replayed: Replayed) => void
  readonly report: () => ReplayReport
}

/** Bounds on memory, whatever the log holds. */
const MOST_FINDINGS = 500
const MOST_VERSIONS = 100
const MOST_PRINCIPALS = 100_000
const MOST_PRINCIPALS_IN_ALL = 200_000
const MOST_EXAMPLES = 3

type Entry = {
  readonly change: ReplayFinding['change']
  readonly host: string
  readonly was: ReplayFinding['was']
  readonly rule: string
  readonly now: string
  requests: number
  hasMorePrincipals: boolean
  readonly principals: Set<string>
  readonly examples: ReplayExample[]
}

/** Counts changes by host and rule, in memory that does not grow with the log. */
export const createReplayTally = (labelOf: (line: RecordedDecision) => string): ReplayTally => {
  const counts = {
    requests: 0,
    unchanged: 0,
    lost: 0,
    gained: 0,
    undecidable: 0,
    mayLose: 0,
    observed: 0,
  }
  const notComparable = new Map<string, number>()
  const versions = new Map<string, number>()
  const entries = new Map<string, Entry>()
  let known = 0
  let from = Number.POSITIVE_INFINITY
  let to = Number.NEGATIVE_INFINITY
  const entryOf = (line: RecordedDecision, replayed: Change): Entry => {
    const host = entries.size < MOST_FINDINGS ? labelOf(line) : '(other hosts)'
    const { rule, now } = entries.size < MOST_FINDINGS ? describe(line, replayed) : OTHER
    const was = line.effect === 'allow' ? 'admitted' : 'refused'
    const key = `${replayed.kind}\n${was}\n${host}\n${rule}\n${now}`
    const found = entries.get(key)
    if (found !== undefined) return found
    const entry: Entry = {
      change: replayed.kind,
      host,
      was,
      rule,
      now,
      requests: 0,
      hasMorePrincipals: false,
      principals: new Set(),
      examples: [],
    }
    entries.set(key, entry)
    return entry
  }
  const count = (entry: Entry, line: RecordedDecision): void => {
    const principal = principalKey(line)
    const { principals, examples } = entry
    entry.requests += 1
    if (principals.has(principal)) return
    if (examples.length < MOST_EXAMPLES) examples.push(exampleOf(line))
    if (principals.size >= MOST_PRINCIPALS || known >= MOST_PRINCIPALS_IN_ALL) {
      entry.hasMorePrincipals = true
      return
    }
    known += 1
    principals.add(principal)
  }
  return {
    add: (line, replayed) => {
      counts.requests += 1
      if (line.isObserved) counts.observed += 1
      from = Math.min(from, line.time)
      to = Math.max(to, line.time)
      bump(versions, line.policyVersion)
      if (replayed.kind === 'not_comparable') bump(notComparable, replayed.why)
      else {
        counts[replayed.kind] += 1
        if (replayed.kind !== 'unchanged') count(entryOf(line, replayed), line)
        if (replayed.kind === 'undecidable' && line.effect === 'allow') counts.mayLose += 1
      }
    },
    report: () => ({
      ...counts,
      notComparable: Object.fromEntries(notComparable),
      policyVersions: Object.fromEntries(versions),
      from: timeText(from),
      to: timeText(to),
      findings: [...entries.values()]
        .map(({ principals, ...rest }) => ({ ...rest, principals: principals.size }))
        .sort(byWeight),
    }),
  }
}

type Change = Extract<Replayed, { readonly kind: ReplayFinding['change'] }>

const OTHER = { rule: '(other rules)', now: '' }

const describe = (line: RecordedDecision, replayed: Change): { rule: RuleId; now: string } => {
  switch (replayed.kind) {
    case 'undecidable':
      return { rule: replayed.needs.join('; '), now: '' }
    case 'gained':
      return { rule: ruleOf(replayed.decision) ?? '(observed)', now: replayed.decision.reason }
    case 'lost': {
      const by = ruleOf(replayed.decision)
      const { reason } = replayed.decision
      return { rule: line.rule ?? '(observed)', now: by === undefined ? reason : `${reason} ${by}` }
    }
  }
}

const ruleOf = (decision: Enforced): RuleId | undefined =>
  'rule' in decision ? decision.rule : undefined

const bump = (map: Map<string, number>, key: string): void => {
  const name = map.has(key) || map.size < MOST_VERSIONS ? key : '(other)'
  map.set(name, (map.get(name) ?? 0) + 1)
}

const principalKey = ({ principal }: RecordedDecision): string =>
  principal.kind === 'anonymous' ? '' : `${principal.issuer}\n${principal.subject}`

const exampleOf = ({ id, time, principal, request }: RecordedDecision): ReplayExample => ({
  decision: id,
  time: timeText(time) ?? '',
  principal: principal.kind === 'anonymous' ? 'anonymous' : (principal.email ?? principal.subject),
  method: request.method,
  path: request.path,
})

const timeText = (seconds: number): string | undefined =>
  Number.isFinite(seconds)
    ? new Date(seconds * 1000).toISOString().replace('.000Z', 'Z')
    : undefined

const ORDER = ['lost', 'gained', 'undecidable']

const byWeight = (
  a: Omit<ReplayFinding, 'principals'>,
  b: Omit<ReplayFinding, 'principals'>,
): number => ORDER.indexOf(a.change) - ORDER.indexOf(b.change) || b.requests - a.requests
