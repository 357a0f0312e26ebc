import { lintCases } from './lint-cases.ts'
import { type LintFinding, type LintInput } from './lint-finding.ts'
import { lintNames } from './lint-names.ts'
import { lintOverlap } from './lint-overlap.ts'
import { lintOwners } from './lint-owners.ts'
import { lintPublic } from './lint-public.ts'
import { lintReach } from './lint-reach.ts'
import { lintTime } from './lint-time.ts'

/** All that can be said about policies that load, without asking anybody. */
export const lintPolicies = (input: LintInput): readonly LintFinding[] =>
  [lintOwners, lintTime, lintReach, lintPublic, lintOverlap, lintNames, lintCases].flatMap(
    (family) => family(input),
  )
