import { type EpochSeconds } from '../ids.ts'
import { type RuleDocument } from './document.ts'
import {
  instantText,
  type LintedPolicy,
  type LintFinding,
  type LintInput,
  rulesOnce,
  SOON_SECONDS,
} from './lint-finding.ts'

/** What has ended, or is about to. */
export const lintTime = ({ files, now }: LintInput): readonly LintFinding[] => [
  ...files.flatMap((file) => lintMode(file, now)),
  ...rulesOnce(files).flatMap(({ rule }) => lintRule(rule, now)),
]

const lintRule = (rule: RuleDocument, now: EpochSeconds): readonly LintFinding[] => {
  const { id, action, until, place } = rule
  if (until === undefined || until > now + SOON_SECONDS) return []
  const does = action === 'allow' ? 'lets nobody in' : 'denies nobody'
  const remedy = 'Give it a later until, or remove it.'
  return until <= now
    ? [
        {
          id: 'rule_expired',
          place,
          problem: `${id} ended at ${instantText(until)} and ${does} since`,
          remedy,
        },
      ]
    : [
        {
          id: 'rule_expires_soon',
          place,
          problem: `${id} ends at ${instantText(until)} and ${does} from then on`,
          remedy,
        },
      ]
}

const lintMode = ({ file, document }: LintedPolicy, now: EpochSeconds): readonly LintFinding[] => {
  const { mode } = document
  if (mode.kind === 'enforce' || mode.until > now + SOON_SECONDS) return []
  const place = { file, path: ['until'] }
  return mode.until <= now
    ? [
        {
          id: 'mode_expired',
          place,
          problem: `${mode.kind} ended at ${instantText(mode.until)}; the rules are enforced`,
          remedy: 'Remove mode and until, or give it a later until.',
        },
      ]
    : [
        {
          id: 'mode_expires_soon',
          place,
          problem: `${mode.kind} ends at ${instantText(mode.until)}; then the rules are enforced`,
          remedy: 'Look at the decisions that were observed before that.',
        },
      ]
}
