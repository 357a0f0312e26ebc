import { type Html, html } from '../http/html.ts'
import { type Part } from './charts.ts'
import { type Tone } from './page.ts'
import { table } from './table.ts'

export type DayBar = { readonly label: string; readonly parts: readonly Part[] }

export type DayChart = {
  readonly caption: string
  readonly note: string
  readonly days: readonly DayBar[]
}

const WIDTH = 1000
const HEIGHT = 160

/** Columns, one a day, from left to right; the numbers stand in a table behind the picture. */
export const dayChart = ({ caption, note, days }: DayChart): Html => {
  const head = html`<figcaption>${caption}<small>${note}</small></figcaption>`
  // Axes without anything between them look like days on which nothing happened.
  if (days.length === 0) return html`<figure>${head}</figure>`
  const most = Math.max(1, ...days.map(({ parts }) => sum(parts)))
  const step = WIDTH / days.length
  const [first, last] = [days[0], days.at(-1)]
  const names = days[0]?.parts ?? []
  return html`<figure>${head}
<svg class="days" viewBox="0 0 ${String(WIDTH)} ${String(HEIGHT)}" preserveAspectRatio="none" role="img" aria-label="${wordsOf(days, most)}">${days.map((day, index) => column(day, { at: index * step, width: step * 0.8, most }))}<path class="axis" d="M0 ${String(HEIGHT)}H${String(WIDTH)}"/></svg>
<div class="ends"><span>${first?.label ?? ''}</span><span>${mostText(days, most)}</span><span>${last?.label ?? ''}</span></div>
<ul class="legend">${names.map(({ name, tone }) => html`<li>${swatch(tone)}${name}</li>`)}</ul>
<details><summary>The numbers</summary><div>${table({
    caption,
    columns: [{ name: 'Day' }, ...names.map(({ name }) => ({ name, isNumber: true }))],
    rows: days.map(({ label, parts }) => [label, ...parts.map(({ value }) => String(value))]),
  })}</div></details></figure>`
}

const sum = (parts: readonly Part[]): number => parts.reduce((total, { value }) => total + value, 0)

const mostText = (days: readonly DayBar[], most: number): string =>
  days.some(({ parts }) => sum(parts) > 0) ? `at most ${most} a day` : ''

const wordsOf = (days: readonly DayBar[], most: number): string => {
  const highest = days.find(({ parts }) => sum(parts) === most)
  const total = days.reduce((all, { parts }) => all + sum(parts), 0)
  return total === 0
    ? `${days.length} days without any`
    : `${total} in ${days.length} days, at most ${most}, on ${highest?.label ?? ''}`
}

type Place = { readonly at: number; readonly width: number; readonly most: number }

const column = ({ parts }: DayBar, { at, width, most }: Place): Html => {
  let top = HEIGHT
  const rectangles = parts.map(({ tone, value }) => {
    const height = (value / most) * HEIGHT
    top -= height
    return value === 0
      ? html``
      : html`<rect class="${tone}" x="${at.toFixed(1)}" y="${top.toFixed(1)}" width="${width.toFixed(1)}" height="${height.toFixed(1)}"/>`
  })
  return html`${rectangles}`
}

const swatch = (tone: Tone): Html =>
  html`<svg viewBox="0 0 8 8" aria-hidden="true"><rect class="${tone}" width="8" height="8"/></svg>`
