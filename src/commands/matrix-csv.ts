import { type Matrix } from '../core/policy/access-matrix.ts'
import { cellText } from './matrix-text.ts'

/** RFC 4180, one line for each host. */
export const matrixCsv = ({ columns, rows }: Matrix): string =>
  [
    ['host', 'owner', 'mode', ...columns.map(({ name }) => name)],
    ...rows.map(({ host, owner, mode, cells }) => [
      host,
      owner ?? '',
      mode,
      ...cells.map(cellText),
    ]),
  ]
    .map((line) => line.map(field).join(','))
    .join('\r\n')

/** A spreadsheet takes what begins like a formula for one; an apostrophe makes it text. */
const field = (text: string): string => {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
