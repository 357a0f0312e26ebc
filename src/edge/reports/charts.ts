import { type Html, html } from '../http/html.ts'
import { type Tone } from './page.ts'

export type Part = { readonly name: string; readonly tone: Tone; readonly value: number }

export type Bar = { readonly label: string; readonly parts: readonly Part[] }

export type BarChart = {
  readonly caption: string
  readonly note?: string
  /** What labels and numbers are, for those who hear the table. */
  readonly labelName: string
  readonly valueName: string
  readonly bars: readonly Bar[]
}

/** Bars are drawn in a table, so that its labels stay legible on a phone and can be read aloud. */
export const barChart = ({ caption, note, labelName, valueName, bars }: BarChart): Html => {
  const most = Math.max(1, ...bars.map(({ parts }) => sum(parts)))
  return html`<table class="bars"><caption>${caption}${note === undefined ? '' : html`<small>${note}</small>`}</caption>
<thead><tr><th scope="col">${labelName}</th><th scope="col">Share</th><th scope="col">${valueName}</th></tr></thead>
<tbody>${bars.map(
    ({ label, parts }) =>
      html`<tr><th scope="row">${label}</th><td>${barSvg(parts, most)}</td><td>${String(sum(parts))}</td></tr>
`,
  )}</tbody></table>${legend(bars)}`
}

const sum = (parts: readonly Part[]): number => parts.reduce((total, { value }) => total + value, 0)

/** The units of the picture; it is stretched to the width that there is. */
const WIDTH = 1000

const barSvg = (parts: readonly Part[], most: number): Html => {
  let at = 0
  const rectangles = parts.map(({ tone, value }) => {
    const width = Math.round((value / most) * WIDTH)
    const rectangle = html`<rect class="${tone}" x="${String(at)}" y="0" width="${String(width)}" height="8"/>`
    at += width
    return rectangle
  })
  const words = parts.filter(({ value }) => value > 0).map(({ name, value }) => `${name}: ${value}`)
  return html`<svg viewBox="0 0 ${String(WIDTH)} 8" preserveAspectRatio="none" role="img" aria-label="${words.length === 0 ? 'none' : words.join(', ')}">${rectangles}</svg>`
}

/** Only where there are several colours to tell apart. */
const legend = (bars: readonly Bar[]): Html => {
  const tones = new Map(bars.flatMap(({ parts }) => parts.map(({ name, tone }) => [name, tone])))
  return tones.size < 2
    ? html``
    : html`<ul class="legend">${[...tones].map(([name, tone]) => html`<li>${swatch(tone)}${name}</li>`)}</ul>`
}

const swatch = (tone: Tone): Html =>
  html`<svg viewBox="0 0 8 8" aria-hidden="true"><rect class="${tone}" width="8" height="8"/></svg>`

export type Donut = {
  readonly caption: string
  readonly parts: readonly Part[]
  /** Stands in the middle. */
  readonly centre: string
}

/** A ring of shares with its legend; the legend says the numbers. */
export const donutChart = ({ caption, parts, centre }: Donut): Html => {
  const total = Math.max(1, sum(parts))
  let at = 0
  const rings = parts.map(({ tone, value }) => {
    const share = (value / total) * 100
    const ring = html`<circle class="${tone}" cx="50" cy="50" r="40" pathLength="100" stroke-dasharray="${share.toFixed(2)} 100" stroke-dashoffset="${(-at).toFixed(2)}" transform="rotate(-90 50 50)"/>`
    at += share
    return value === 0 ? html`` : ring
  })
  const words = parts.map(({ name, value }) => `${name}: ${value}`).join(', ')
  return html`<figure><figcaption>${caption}</figcaption><div class="donut">
<svg viewBox="0 0 100 100" role="img" aria-label="${words}"><circle class="track" cx="50" cy="50" r="40"/>${rings}<text x="50" y="51">${centre}</text></svg>
<ul class="legend">${parts.map(({ name, tone, value }) => html`<li>${swatch(tone)}${name}: <strong>${String(value)}</strong></li>`)}</ul>
</div></figure>`
}
