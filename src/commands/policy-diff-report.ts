import { type AccessChange, type AccessDiff } from '../core/policy/access-diff.ts'
import { type Cell } from '../core/policy/access-matrix.ts'
import { cellText } from './matrix-text.ts'
import { printable } from './printable.ts'

export type Allowed = { readonly allowLoss: boolean; readonly allowGain: boolean }

/** A change of mode lets more callers through, or fewer, whatever the rules say. */
export const isFinding = (diff: AccessDiff, { allowLoss, allowGain }: Allowed): boolean => {
  const { losses, gains } = countsOf(diff)
  return (losses > 0 && !allowLoss) || (gains > 0 && !allowGain)
}

const countsOf = ({ access, modes }: AccessDiff): { losses: number; gains: number } => ({
  losses:
    access.filter(({ losses }) => losses !== undefined).length +
    modes.filter(({ effect }) => effect !== 'opens').length,
  gains:
    access.filter(({ gains }) => gains !== undefined).length +
    modes.filter(({ effect }) => effect !== 'closes').length,
})

export const diffJson = (diff: AccessDiff, allowed: Allowed): string =>
  JSON.stringify({ ok: !isFinding(diff, allowed), ...countsOf(diff), ...diff }, null, 2)

export const diffText = (diff: AccessDiff, allowed: Allowed): string =>
  [
    `Policies ${diff.before} → ${diff.after}`,
    ...listed('Hosts added', diff.added),
    ...listed('Hosts removed', diff.removed),
    ...listed(
      'Modes',
      diff.modes.map(
        ({ host, before = 'none', after = 'none', effect }) =>
          `${host}: ${before} → ${after} (${MODE_EFFECTS[effect]})`,
      ),
    ),
    ...listed(
      'Owners',
      diff.owners.map(
        ({ host, before = 'nobody', after = 'nobody' }) => `${host}: ${before} → ${after}`,
      ),
    ),
    ...accessText(diff.access),
    '',
    nextStep(diff, allowed),
  ].join('\n')

const MODE_EFFECTS = {
  opens: 'lets everybody through who is only observed',
  closes: 'rules are enforced from now on',
  shifts: 'other callers are observed',
} as const

const listed = (title: string, lines: readonly string[]): readonly string[] =>
  lines.length === 0 ? [] : ['', `${title}:`, ...lines.map((line) => `  ${printable(line)}`)]

const accessText = (changes: readonly AccessChange[]): readonly string[] =>
  [...Map.groupBy(changes, ({ host }) => host)].flatMap(([host, own]) => [
    '',
    `${host}:`,
    ...own.flatMap(changeText),
  ])

/** `-` loses, `+` gains, `±` both, on different requests. */
const changeText = ({ column, before, after, gains, losses }: AccessChange): readonly string[] => {
  const both = gains !== undefined && losses !== undefined
  const sign = both ? '±' : gains === undefined ? '-' : '+'
  const name = printable(column.name).padEnd(20)
  return [
    `  ${sign} ${name} ${textOf(before)} → ${textOf(after)}`,
    ...example('loses', losses),
    ...example('gains', gains),
  ]
}

const textOf = (cell: Cell | undefined): string =>
  cell === undefined ? 'no policy' : cellText(cell)

const example = (verb: string, facts: readonly string[] | undefined): readonly string[] =>
  facts === undefined || facts.length === 0
    ? []
    : [`      ${verb}, for one, where ${printable(facts.join('; '))}`]

const nextStep = (diff: AccessDiff, allowed: Allowed): string => {
  const { losses, gains } = countsOf(diff)
  if (!isFinding(diff, allowed)) {
    return losses + gains === 0
      ? 'Nobody gains or loses access.'
      : 'All of this is allowed. Next: vestibule policy replay shows who it meets.'
  }
  const flags = [
    ...(losses > 0 && !allowed.allowLoss ? ['--allow-loss'] : []),
    ...(gains > 0 && !allowed.allowGain ? ['--allow-gain'] : []),
  ]
  return `If this is meant, say ${flags.join(' ')}. Next: vestibule policy replay shows who it meets.`
}
