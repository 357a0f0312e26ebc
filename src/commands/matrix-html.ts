import { type Cell, type Matrix } from '../core/policy/access-matrix.ts'
import { type Html, html } from '../edge/http/html.ts'
import { cellText } from './matrix-text.ts'

/** One page that needs nothing else: no script, no font, no request. */
export const matrixHtml = ({ policyVersion, columns, rows }: Matrix): string =>
  html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Who can reach what</title><style>${{ markup: STYLE }}</style></head><body>
<h1>Who can reach what</h1>
<p>Policies <code>${policyVersion}</code>, hosts by callers. <span class="yes">yes</span> every request, <span class="partly">partly</span> some requests, <span class="sign_in">sign-in</span> asked to sign in, <span class="no">no</span> none. Dashed: the host is observed, everybody passes; shown is what enforcing would say.</p>
<div class="table" role="region" aria-label="Hosts by callers" tabindex="0"><table>
<thead><tr><th scope="col">Host</th>${columns.map(({ kind, name }) => html`<th scope="col"><small>${KINDS[kind]}</small>${name}</th>`)}</tr></thead>
<tbody>
${rows.map(
  ({
    host,
    owner,
    mode,
    cells,
  }) => html`<tr><th scope="row">${host}<small>${mode}${owner === undefined ? '' : `, ${owner}`}</small></th>${cells.map(cellHtml)}</tr>
`,
)}</tbody></table></div></body></html>`.markup

const KINDS: Readonly<Record<Matrix['columns'][number]['kind'], string>> = {
  anonymous: '',
  signed_in: '',
  workload: '',
  group: 'group',
  person: 'person',
}

const cellHtml = (cell: Cell): Html => {
  const { allowed, refused } = cell.example
  const details =
    cell.verdict === 'partly'
      ? html`<details><summary>${cellText(cell)}</summary><small>for one, let through: ${sentence(allowed)}</small><small>refused: ${sentence(refused)}</small></details>`
      : cellText(cell)
  return html`<td class="${cell.verdict}${cell.isObserved ? ' observed' : ''}">${details}</td>`
}

const sentence = (facts: readonly string[]): string =>
  facts.length === 0 ? 'never' : facts.join('; ')

const STYLE = `:root{color-scheme:light dark;--ink:#1b1f24;--soft:#57606a;--paper:#fff;--head:#f6f8fa;--line:#d0d7de;--yes:#dafbe1;--partly:#fff8c5;--sign-in:#ddf4ff;--no:#fff}
@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#9198a1;--paper:#0d1117;--head:#161b22;--line:#30363d;--yes:#12361f;--partly:#3d3200;--sign-in:#0c2d4d;--no:#0d1117}}
*{box-sizing:border-box}body{margin:0;padding:1rem;background:var(--paper);color:var(--ink);font:.9375rem/1.45 system-ui,sans-serif}
h1{margin:0 0 .25rem;font-size:1.3rem}p{max-width:70ch;color:var(--soft)}p span{padding:0 .35em;border-radius:.25em;color:var(--ink)}
.table{overflow:auto;max-height:85vh;border:1px solid var(--line);border-radius:.5rem}table{border-collapse:separate;border-spacing:0;width:100%}
th,td{padding:.5rem .7rem;border-bottom:1px solid var(--line);border-right:1px solid var(--line);text-align:left;vertical-align:top;overflow-wrap:break-word;min-width:6.5rem}
thead th{position:sticky;top:0;background:var(--head);z-index:1}tbody th{position:sticky;left:0;background:var(--head);min-width:9rem;max-width:45vw}thead th:first-child{left:0;z-index:2}
small{display:block;color:var(--soft);font-weight:400}.yes{background:var(--yes)}.partly{background:var(--partly)}.sign_in{background:var(--sign-in)}.no{background:var(--no)}td.no{color:var(--soft)}
.observed{outline:2px dashed var(--soft);outline-offset:-4px}summary{cursor:pointer}@media(max-width:40rem){body{padding:.5rem}th,td{padding:.4rem .45rem;min-width:5.5rem;font-size:.8125rem}}
@media print{.table{max-height:none;overflow:visible}}`
