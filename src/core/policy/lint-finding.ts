import { type Decision } from '../decision.ts'
import { type EpochSeconds, type HostName } from '../ids.ts'
import { type DocumentPlace, type PolicyDocument, type RuleDocument } from './document.ts'
import { type PolicySet } from './policy.ts'

export type Severity = 'error' | 'warning' | 'info'

/** Every finding that linting may have, with what it means. Closed: scripts rely on these ids. */
export const LINT_FINDINGS = {
  faulty_file: { severity: 'error', meaning: 'The service refuses this file.' },
  host_without_owner: {
    severity: 'warning',
    meaning: 'Nobody answers for the hosts of this file.',
  },
  permissive_rule: {
    severity: 'warning',
    meaning:
      'An allow for anybody signed in, a whole domain, a kind of caller or the public, without `owner` or `until`.',
  },
  rule_expired: { severity: 'warning', meaning: 'The `until` of a rule has passed.' },
  rule_expires_soon: {
    severity: 'warning',
    meaning: 'The `until` of a rule passes within 14 days.',
  },
  mode_expired: {
    severity: 'warning',
    meaning: 'The `until` of `observe` or `canary` has passed; the rules are enforced.',
  },
  mode_expires_soon: {
    severity: 'info',
    meaning: 'The `until` of `observe` or `canary` passes within 14 days.',
  },
  unreachable_rule: {
    severity: 'warning',
    meaning: 'The conditions of a rule contradict each other; it never holds.',
  },
  closed_public_rule: {
    severity: 'warning',
    meaning:
      'A public rule lets nobody in anonymously, since a deny of the host asks who they are.',
  },
  impossible_method: {
    severity: 'warning',
    meaning: 'A method that no request has, or that is never let through.',
  },
  duplicate_rule: { severity: 'warning', meaning: 'Two rules of a host say the same.' },
  shadowed_allow: {
    severity: 'warning',
    meaning: 'Whenever this allow holds, a deny holds as well.',
  },
  redundant_rule: {
    severity: 'warning',
    meaning: 'Whenever this rule holds, a wider rule of the same kind holds as well.',
  },
  wildcard_overlap: {
    severity: 'info',
    meaning: 'A host has a file of its own, so the wildcard of another file does not count there.',
  },
  group_only_denied: {
    severity: 'info',
    meaning: 'A group stands in denies only; if it is misspelt, nobody is denied.',
  },
  unused_rule_set: { severity: 'warning', meaning: 'No file uses this rule set.' },
  no_allow_case: { severity: 'warning', meaning: 'No decision case shows who gets in.' },
  no_deny_case: { severity: 'warning', meaning: 'No decision case shows who is denied.' },
  case_for_unknown_host: {
    severity: 'warning',
    meaning: 'A decision case asks for a host that no policy names.',
  },
} as const satisfies Readonly<
  Record<string, { readonly severity: Severity; readonly meaning: string }>
>

export type LintId = keyof typeof LINT_FINDINGS

export type LintFinding = {
  readonly id: LintId
  readonly place: DocumentPlace
  /** A sentence without its full stop, as in `Fault`. */
  readonly problem: string
  readonly remedy: string
}

export type LintedPolicy = { readonly file: string; readonly document: PolicyDocument }

export type LintedRuleSet = {
  readonly place: DocumentPlace
  readonly name: string
  readonly isUsed: boolean
}

/** What linting needs to know of a decision case. */
export type LintedCase = {
  readonly place: DocumentPlace
  readonly host: HostName | undefined
  readonly effect: Decision['effect']
  readonly reason: string | undefined
}

/** All that was read of a folder. */
export type LintInput = {
  readonly files: readonly LintedPolicy[]
  readonly ruleSets: readonly LintedRuleSet[]
  readonly cases: readonly LintedCase[]
  readonly policies: PolicySet
  readonly now: EpochSeconds
}

export const SOON_SECONDS = 14 * 86_400

/** `2027-01-31T00:00:00Z` */
export const instantText = (seconds: number): string =>
  new Date(seconds * 1000).toISOString().replace('.000Z', 'Z')

/** Each rule once, with the first file that counts it: rule sets count in many. */
export const rulesOnce = (
  files: readonly LintedPolicy[],
): readonly { readonly rule: RuleDocument; readonly file: LintedPolicy }[] => {
  const seen = new Set<string>()
  return files.flatMap((file) =>
    file.document.rules.flatMap((rule) => {
      const key = placeKey(rule.place)
      if (seen.has(key)) return []
      seen.add(key)
      return [{ rule, file }]
    }),
  )
}

export const placeKey = ({ file, path }: DocumentPlace): string => JSON.stringify([file, ...path])
