import { type Html, html } from '../http/html.ts'
import { REPORT_STYLE } from './style.ts'

export type ReportPage = {
  readonly title: string
  /** One or two sentences under the title. */
  readonly lead: string
  /** Sections, each with an h2. */
  readonly body: Html
  readonly footer: string
}

/**
 * One page that needs nothing else: no script, no font, no request. It follows the reader's colour
 * scheme and fits a phone.
 */
export const reportPage = ({ title, lead, body, footer }: ReportPage): string =>
  html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="robots" content="noindex">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
<title>${title}</title>
<style>${{ markup: REPORT_STYLE }}</style>
</head>
<body>
<header><h1>${title}</h1><p class="lead">${lead}</p></header>
<main>
${body}
</main>
<footer><p>${footer}</p></footer>
</body>
</html>
`.markup

/** How serious, in colours: danger is what must not stay, calm is what only informs. */
export type Tone = 'danger' | 'warning' | 'notice' | 'good' | 'calm'

export const badge = (tone: Tone, text: string): Html =>
  html`<span class="badge ${tone}">${text}</span>`

/** The few numbers on top of a report. */
export const figures = (
  items: readonly { readonly value: number | string; readonly text: string }[],
): Html =>
  html`<ul class="figures">${items.map(({ value, text }) => html`<li><strong>${String(value)}</strong>${text}</li>`)}</ul>`

/** A host or name that may be broken where its parts meet, and nowhere else. */
export const breakable = (text: string): Html => {
  const parts = text.split(/(?<=[./])/)
  return html`${parts.map((part, index) => (index === 0 ? html`${part}` : html`<wbr>${part}`))}`
}

/** Several pieces of markup, one after the other. */
export const joined = (...parts: readonly Html[]): Html => html`${parts}`

export const NOTHING: Html = { markup: '' }
