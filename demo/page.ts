const ENTITIES: ReadonlyMap<string, string> = new Map([
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
  ['"', '&quot;'],
  ["'", '&#39;'],
])

export const escapeHtml = (text: string): string =>
  text.replaceAll(/[&<>"']/g, (character) => ENTITIES.get(character) ?? '')

const STYLE = `
:root { color-scheme: light dark; --ink: #1d2530; --soft: #5a6675; --paper: #ffffff; --ground: #f2f4f7; --line: #dce1e8 }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8ecf2; --soft: #9aa6b5; --paper: #1c222b; --ground: #12161c; --line: #313a46 }
}
* { box-sizing: border-box }
body { margin: 0; min-height: 100vh; background: var(--ground); color: var(--ink); font: 16px/1.5 system-ui, sans-serif }
main { max-width: 44rem; margin: 0 auto; padding: 2.5rem 1rem 3rem }
header { border-top: 6px solid var(--accent); border-radius: 12px 12px 0 0 }
header, section, main > form { background: var(--paper); padding: 1.25rem 1.5rem; border-inline: 1px solid var(--line) }
section, main > form { border-top: 1px solid var(--line) }
section:last-of-type, main > form { border-bottom: 1px solid var(--line); border-radius: 0 0 12px 12px }
h1 { margin: 0; font-size: 1.45rem }
h2 { margin: 0 0 .5rem; font-size: 1rem; color: var(--soft); font-weight: 600 }
p { margin: .4rem 0 0; color: var(--soft) }
button { font: inherit; color: inherit; text-align: left; width: 100%; padding: .8rem 1rem; margin: .3rem 0; cursor: pointer;
  background: var(--ground); border: 1px solid var(--line); border-radius: 10px }
button:hover, button:focus-visible { border-color: var(--accent); outline: 2px solid var(--accent) }
button:disabled { opacity: .5; cursor: not-allowed; outline: none }
button strong, button span { display: block }
button span { color: var(--soft); font-size: .9rem }
dl { display: grid; grid-template-columns: minmax(9rem, max-content) 1fr; gap: .35rem 1rem; margin: 0 }
dt { color: var(--soft); overflow-wrap: anywhere }
dd { margin: 0; font-family: ui-monospace, monospace; font-size: .9rem; overflow-wrap: anywhere }
a { color: inherit; text-decoration: underline 2px var(--accent); text-underline-offset: 3px }
nav { display: flex; flex-wrap: wrap; gap: .4rem 1.2rem; margin-top: .8rem }
footer { color: var(--soft); font-size: .85rem; padding: 1rem 1.5rem }
@media (max-width: 34rem) { dl { grid-template-columns: 1fr } dd { margin-bottom: .5rem } main { padding-top: 1rem } }
`

export type Page = {
  readonly title: string
  /** A CSS colour that tells the pages of different parties apart. */
  readonly accent: string
  readonly body: string
  readonly footer?: string
}

/** One self-made look for all pages of the demonstration; they run no script. */
export const renderPage = ({ title, accent, body, footer = '' }: Page): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>:root { --accent: ${accent} }${STYLE}</style>
</head>
<body>
<main>
${body}
<footer>${footer}</footer>
</main>
</body>
</html>
`

/** No `form-action`: browsers would apply it to the redirect that follows a sign-in as well. */
export const PAGE_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'",
  'referrer-policy': 'no-referrer',
} as const
