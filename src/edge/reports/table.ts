import { type Html, html } from '../http/html.ts'

export type Column = { readonly name: string; readonly isNumber?: boolean }

export type Table = {
  readonly caption: string
  readonly columns: readonly Column[]
  /** The first cell of each row is its header. */
  readonly rows: readonly (readonly (string | Html)[])[]
}

/** A table that scrolls on its own where the page is narrower; the keyboard reaches it too. */
export const table = ({ caption, columns, rows }: Table): Html =>
  html`<div class="scroll" role="region" aria-label="${caption}" tabindex="0"><table><caption>${caption}</caption>
<thead><tr>${columns.map(({ name, isNumber }) => html`<th scope="col"${classOf(isNumber)}>${name}</th>`)}</tr></thead>
<tbody>${rows.map(
    ([head = '', ...cells]) =>
      html`<tr><th scope="row">${head}</th>${cells.map((cell, index) => html`<td${classOf(columns[index + 1]?.isNumber)}>${cell}</td>`)}</tr>
`,
  )}</tbody></table></div>`

const classOf = (isNumber: boolean | undefined): Html =>
  isNumber === true ? html` class="number"` : html``
