import { type LintFinding, type LintInput } from './lint-finding.ts'
import { findPolicy } from './policy.ts'

/** Each host has to be shown to let somebody in, and to keep somebody out. */
export const lintCases = (input: LintInput): readonly LintFinding[] => {
  const { files, cases, policies } = input
  const shown = new Set(
    cases.flatMap(({ host, effect }) => {
      const label = host === undefined ? undefined : findPolicy(policies, host)?.label
      return label === undefined ? [] : [`${effect} ${label}`]
    }),
  )
  const missing = files.flatMap(({ file, document }) =>
    document.hosts.flatMap(({ kind, name }, index) => {
      const label = kind === 'exact' ? name : `*.${name}`
      return (['allow', 'deny'] as const)
        .filter((effect) => !shown.has(`${effect} ${label}`))
        .map(
          (effect): LintFinding => ({
            id: `no_${effect}_case`,
            place: { file, path: ['hosts', index] },
            problem: `no decision case of ${label} expects ${effect}`,
            remedy: 'Write one in a .cases.yaml file beside it; docs/policy-tests.md shows how.',
          }),
        )
    }),
  )
  return [...missing, ...unknownHosts(input)]
}

const unknownHosts = ({ cases, policies }: LintInput): readonly LintFinding[] =>
  cases
    .filter(
      ({ host, reason }) =>
        reason !== 'unknown_host' &&
        (host === undefined || findPolicy(policies, host) === undefined),
    )
    .map(
      ({ place, host }): LintFinding => ({
        id: 'case_for_unknown_host',
        place,
        problem: `no policy names ${host ?? 'the host of this case'}`,
        remedy: 'Correct the host, or expect the reason unknown_host.',
      }),
    )
