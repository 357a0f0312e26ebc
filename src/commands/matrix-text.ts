import { type Cell, type Matrix, type Verdict } from '../core/policy/access-matrix.ts'
import { printable } from './printable.ts'

const WORDS: Readonly<Record<Verdict, string>> = {
  yes: 'yes',
  partly: 'partly',
  sign_in: 'sign-in',
  no: 'no',
}

/** `partly: http_path`, in brackets where the host is only observed. */
export const cellText = ({ verdict, isObserved, dependsOn, isComplete }: Cell): string => {
  const on = dependsOn.length === 0 ? '' : `: ${dependsOn.join(', ')}`
  const text = `${WORDS[verdict]}${on}${isComplete ? '' : ' (too many conditions)'}`
  return isObserved ? `(${text})` : text
}

/** One block for each host, since a table of many groups is wider than any terminal. */
export const matrixText = (matrix: Matrix): string => {
  const table = tableText(matrix)
  const fits = table.every((line) => line.length <= WIDEST)
  return [
    `Policies ${matrix.policyVersion}: who can reach what`,
    '',
    ...(fits ? table : matrix.rows.flatMap((row) => blockText(matrix, row))),
    '',
    'Next: vestibule policy explain --as WHO --url URL says why.',
  ].join('\n')
}

const WIDEST = 120

const tableText = ({ columns, rows }: Matrix): readonly string[] => {
  const head = ['host', ...columns.map(({ name }) => printable(name)), 'mode']
  const body = rows.map(({ host, cells, mode }) => [host, ...cells.map(cellText), mode])
  const widths = head.map((_name, index) =>
    Math.max(...[head, ...body].map((line) => line[index]?.length ?? 0)),
  )
  return [head, ...body].map((line) =>
    line
      .map((text, index) => text.padEnd(widths[index] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}

const blockText = (
  { columns }: Matrix,
  { host, owner, mode, cells }: Matrix['rows'][number],
): readonly string[] => [
  `${host}  ${mode}${owner === undefined ? '' : `, ${printable(owner)}`}`,
  ...columns.map(({ name }, index) => {
    const cell = cells[index]
    return `  ${printable(name).padEnd(24)} ${cell === undefined ? '' : cellText(cell)}`
  }),
  '',
]
