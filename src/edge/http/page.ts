import { createHash } from 'node:crypto'
import { type Response } from 'express'
import { type Html, html } from './html.ts'

/** No request leaves the page but for this style sheet, which stands in it. */
const STYLE = `:root{color-scheme:light dark;--ink:#1b1f24;--soft:#57606a;--paper:#f6f8fa;--card:#fff;--line:#d0d7de;--accent:#0b5cad}
@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#9198a1;--paper:#0d1117;--card:#161b22;--line:#30363d;--accent:#6cb6ff}}
*{box-sizing:border-box}body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1.25rem;background:var(--paper);color:var(--ink);font:1rem/1.55 system-ui,sans-serif}
main{width:100%;max-width:30rem;padding:2rem;background:var(--card);border:1px solid var(--line);border-radius:.9rem}
h1{margin:0 0 .75rem;font-size:1.4rem;line-height:1.25;text-wrap:balance}p{margin:.75rem 0;text-wrap:pretty}small,.soft{color:var(--soft)}code{font:.8125rem/1.5 ui-monospace,monospace;overflow-wrap:anywhere}
.actions{display:flex;flex-wrap:wrap;gap:.75rem;margin-top:1.5rem}
a.button,button{display:inline-block;padding:.65rem 1.15rem;border:1px solid var(--accent);border-radius:.55rem;background:var(--accent);color:var(--card);font:inherit;font-weight:600;text-decoration:none;cursor:pointer}
a.button.second,button.second{background:none;color:var(--accent)}a{color:var(--accent)}a.button{color:var(--card)}a:focus-visible,button:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
ul.sessions{margin:1rem 0;padding:0;list-style:none}ul.sessions li{display:flex;align-items:center;justify-content:space-between;gap:1rem;padding:.85rem 0;border-top:1px solid var(--line)}ul.sessions div{min-width:0;overflow-wrap:anywhere}ul.sessions .soft{white-space:nowrap}
dl{display:grid;grid-template-columns:auto 1fr;gap:.25rem 1rem;margin:1rem 0}dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}`

const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64')

/**
 * `form-action` is left open on purpose: browsers apply it to the redirect that follows a form
 * too, and signing out ends at the identity provider.
 */
const policyFor = (frameAncestors: string): string =>
  `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; base-uri 'none'; frame-ancestors ${frameAncestors}`

export type Page = { readonly title: string; readonly body: Html }

export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'Cache-Control': 'no-store',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Content-Security-Policy': policyFor("'none'"),
}

/** Lets pages of one other origin show the answer in a frame; `X-Frame-Options` cannot say that. */
export const allowFrameBy = (response: Response, origin: string): void => {
  response.removeHeader('X-Frame-Options')
  response.set('Content-Security-Policy', policyFor(origin))
}

/** Sends a page that needs no script, follows the reader's colour scheme, and fits a phone. */
export const sendPage = (response: Response, status: number, { title, body }: Page): void => {
  const page = html`<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><meta name="robots" content="noindex"><title>${title}</title><style>${{ markup: STYLE }}</style></head><body><main><h1>${title}</h1>${body}</main></body></html>`
  response.status(status).type('html').send(page.markup)
}
