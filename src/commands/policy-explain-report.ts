import { type Enforced, type WantedProof } from '../core/decision.ts'
import { type ExplainedCondition, type ExplainedRule } from '../core/explain.ts'
import { type Finding } from '../core/policy/criterion.ts'
import { type PolicySet } from '../core/policy/policy.ts'
import { type Principal } from '../core/principal.ts'
import { REASONS, type Reason } from '../core/reason.ts'
import { explainOutcome, type Outcome, type Rehearsal } from './policy-rehearsal.ts'

/** Words, since colours and signs get lost in logs and on the way to a screen reader. */
const MARKS: Readonly<Record<Finding, string>> = {
  holds: '[holds]',
  fails: '[fails]',
  absent: '[absent]',
  broken: '[broken]',
}

/** A rule and all that it is made of, one line each, indented. */
export const ruleLines = (rule: ExplainedRule): readonly string[] => {
  const { text, finding, parts } = rule.condition
  const ended = rule.isInForce ? '' : ', its until has passed: it does not count'
  return [
    `${MARKS[finding]} ${rule.action} ${rule.id}: ${text}${ended}`,
    ...parts.flatMap((part) => conditionLines(part, 1)),
  ]
}

const conditionLines = (
  { text, finding, parts }: ExplainedCondition,
  depth: number,
): readonly string[] => [
  `${'  '.repeat(depth)}${MARKS[finding]} ${text}`,
  ...parts.flatMap((part) => conditionLines(part, depth + 1)),
]

/** Somebody in a few words: `ada (human), groups sre, platform`. */
export const principalText = (principal: Principal): string => {
  if (principal.kind === 'anonymous') return 'anonymous'
  const { subject, actor, groups, email, onBehalfOf } = principal
  if (onBehalfOf !== undefined) return `${subject} (${actor}), for ${principalText(onBehalfOf)}`
  return [
    `${subject} (${actor})`,
    groups === undefined ? 'groups unknown' : `groups ${groups.join(', ') || 'none'}`,
    ...(email === undefined || email === subject ? [] : [`e-mail ${email}`]),
  ].join(', ')
}

/** `2027-01-31T18:00:00Z` */
export const momentText = (seconds: number): string =>
  new Date(seconds * 1000).toISOString().replace('.000Z', 'Z')

/** A rehearsed request with all that there is to say of it. */
export type Explained = {
  readonly policies: PolicySet
  readonly rehearsal: Rehearsal
  readonly outcome: Outcome
}

export const explainedJson = ({ policies, rehearsal, outcome }: Explained): string => {
  const { decision, mode, request: routed, policy, facts } = outcome
  const explanation = explainOutcome(outcome)
  return JSON.stringify(
    {
      decision,
      mode,
      policy: policy === undefined ? undefined : { host: policy.label, owner: policy.owner },
      policyVersion: policies.version,
      url: rehearsal.request.url,
      method: rehearsal.request.method,
      routed:
        routed === undefined
          ? undefined
          : { host: routed.host, path: pathText(routed.path), ambiguous: routed.pathIsAmbiguous },
      at: momentText(rehearsal.now),
      principal: facts?.principal ?? rehearsal.caller.principal,
      proof: explanation?.proof,
      rules: explanation?.rules ?? [],
    },
    null,
    2,
  )
}

export const explainedText = ({ policies, rehearsal, outcome }: Explained): string => {
  const { request, caller, now } = rehearsal
  const { decision, facts } = outcome
  const counted = facts?.principal ?? caller.principal
  return [
    `${request.method} ${request.url}`,
    `as        ${principalText(caller.principal)}`,
    ...(counted.kind === caller.principal.kind
      ? []
      : [`counts as anonymous: this host takes no ${caller.credential} as proof`]),
    `at        ${momentText(now)}`,
    '',
    `decision  ${decisionText(decision)}`,
    `          ${meaningOf(decision.reason)}`,
    ...policyLines(outcome),
    `version   ${policies.version}`,
    '',
    ...rulesText(outcome),
  ].join('\n')
}

const STATUSES = { allow: 200, challenge: 401, deny: 403, unavailable: 503 } as const

const decisionText = (decision: Enforced): string =>
  [
    `${decision.effect} (${STATUSES[decision.effect]}), ${decision.reason}`,
    ...('rule' in decision && decision.rule !== undefined ? [`by ${decision.rule}`] : []),
  ].join(', ')

const meaningOf = (reason: Reason): string =>
  new Map<string, string>(Object.values(REASONS).flatMap((each) => Object.entries(each))).get(
    reason,
  ) ?? ''

const policyLines = ({ policy, request, mode, facts }: Outcome): readonly string[] => [
  ...(request === undefined
    ? []
    : [
        `path      ${pathText(request.path)}, as nginx routes on it${request.pathIsAmbiguous ? '; ambiguous: an application may read another' : ''}`,
      ]),
  ...(policy === undefined
    ? []
    : [
        `policy    ${policy.label}, owner ${policy.owner ?? 'unknown'}`,
        `mode      ${MODES[mode]}`,
      ]),
  ...(facts === undefined ? ['No rule was asked.'] : []),
]

const MODES = {
  enforce: 'enforce',
  observe: 'observe: the answer is 200 all the same, and the log says what this would have been',
} as const

const rulesText = (outcome: Outcome): readonly string[] => {
  const explanation = explainOutcome(outcome)
  if (explanation === undefined) return ['Next: vestibule policy lint, or try another URL.']
  const decisive = 'rule' in outcome.decision ? outcome.decision.rule : undefined
  return [
    `proof     ${proofText(explanation.proof)}`,
    'rules     a deny that holds denies, else an allow that holds allows, else it is denied',
    ...explanation.rules.flatMap((rule) => {
      const [first = '', ...rest] = ruleLines(rule)
      const decides = rule.id === decisive && rule.action === actionOf(outcome.decision)
      return [`  ${first}${decides ? '  <- decides' : ''}`, ...rest.map((line) => `  ${line}`)]
    }),
    '',
    'Next: write it down as a case, so that it stays so; docs/policy-tests.md shows how.',
  ]
}

/** An expired grant is an allow that a refusal names. */
const actionOf = ({ effect, reason }: Enforced): ExplainedRule['action'] =>
  effect === 'deny' && reason !== 'grant_expired' ? 'deny' : 'allow'

const proofText = (proof: WantedProof | undefined): string => {
  if (proof === undefined) return 'nothing beyond an ordinary sign-in'
  const age =
    proof.maxAgeSeconds === undefined ? [] : [`a sign-in of the last ${proof.maxAgeSeconds} s`]
  return [...(proof.acr.length > 0 ? [`acr ${proof.acr.join(' or ')}`] : []), ...age].join(', ')
}

/** Routed paths have one character a byte; bytes that a terminal might obey are written out. */
const pathText = (path: string): string =>
  path.replace(
    /[^\x21-\x7e]/g,
    (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  )
