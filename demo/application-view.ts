import { escapeHtml, renderPage } from './page.ts'

export type Appearance = {
  readonly name: string
  readonly title?: string
  readonly accent?: string
  readonly about?: string
  /** Links for the page: text → path or URL. */
  readonly links?: Readonly<Record<string, string>>
}

export type ReceivedRequest = {
  readonly method: string
  readonly url: string
  /** As they came: name, value, name, value, … with their case and their duplicates. */
  readonly rawHeaders: readonly string[]
}

export type Assertion = {
  readonly state: string
  readonly claims: Readonly<Record<string, unknown>>
}

export type Shown = {
  readonly settings: Appearance
  readonly request: ReceivedRequest
  readonly assertion: Assertion | undefined
}

export type Pair = readonly [name: string, value: string]

const IDENTITY = /^x-(?:auth-request|vestibule)-/i

export const pairsOf = (rawHeaders: readonly string[]): readonly Pair[] =>
  rawHeaders.flatMap((name, index): readonly Pair[] =>
    index % 2 === 0 ? [[name, rawHeaders[index + 1] ?? '']] : [],
  )

/** A page is looked at over shoulders; cookies and tokens are shown by their beginning only. */
const abridge = ([name, value]: Pair): Pair =>
  /^(?:cookie|authorization)$/i.test(name) && value.length > 24
    ? [name, `${value.slice(0, 24)}…`]
    : [name, value]

/** An assertion fills the page, and its claims are shown anyway. */
const clipped = ([name, value]: Pair): Pair =>
  value.length > 200 ? [name, `${value.slice(0, 40)}… (${value.length} characters)`] : [name, value]

const list = (pairs: readonly Pair[]): string =>
  pairs.length === 0
    ? '<p>none</p>'
    : `<dl>${pairs
        .map(
          ([name, value]) =>
            `<dt>${escapeHtml(name)}</dt><dd>${escapeHtml(value) || '&nbsp;'}</dd>`,
        )
        .join('')}</dl>`

const links = (all: Readonly<Record<string, string>>): string =>
  `<nav>${Object.entries(all)
    .map(([text, target]) => `<a href="${escapeHtml(target)}">${escapeHtml(text)}</a>`)
    .join('')}</nav>`

const greeting = (identity: readonly Pair[]): string => {
  const user = identity.find(([name]) => name.toLowerCase() === 'x-auth-request-user')?.[1] ?? ''
  return user === '' ? 'Nobody is signed in here.' : `Hello, ${user}.`
}

export const pageOf = ({ settings, request, assertion }: Shown): string => {
  const headers = pairsOf(request.rawHeaders).map(abridge)
  const identity = headers.filter(([name]) => IDENTITY.test(name)).map(clipped)
  const others = headers.filter(([name]) => !IDENTITY.test(name))
  const claims = Object.entries(assertion?.claims ?? {}).map(
    ([name, value]): Pair => [name, typeof value === 'string' ? value : JSON.stringify(value)],
  )
  const { title = settings.name, accent = '#2f7de1', about = '' } = settings
  return renderPage({
    title,
    accent,
    footer: `${escapeHtml(settings.name)} is a sample application; it believes the headers it is sent.`,
    body: `<header><h1>${escapeHtml(title)}</h1><p>${escapeHtml(about)}</p>${links(settings.links ?? {})}</header>
<section><h2>${escapeHtml(greeting(identity))}</h2>${list(identity)}</section>
${assertion === undefined ? '' : `<section><h2>Assertion, ${escapeHtml(assertion.state)}</h2>${list(claims)}</section>`}
<section><h2>${escapeHtml(`${request.method} ${request.url}`)}</h2>${list(others)}</section>`,
  })
}

const isIdentity = ([name]: readonly [string, unknown]): boolean => IDENTITY.test(name)

/** A header that came once is a string, one that came more often a list. */
const grouped = (
  pairs: readonly Pair[],
): readonly (readonly [string, string | readonly string[]])[] =>
  [...Map.groupBy(pairs, ([name]) => name.toLowerCase())].map(([name, same]) => {
    const [first = '', ...rest] = same.map(([, value]) => value)
    return [name, rest.length === 0 ? first : [first, ...rest]]
  })

export const jsonOf = ({ settings, request, assertion }: Shown): string => {
  const headers = grouped(pairsOf(request.rawHeaders).map(abridge))
  return `${JSON.stringify(
    {
      application: settings.name,
      method: request.method,
      url: request.url,
      identity: Object.fromEntries(headers.filter(isIdentity)),
      ...(assertion === undefined ? {} : { assertion }),
      headers: Object.fromEntries(headers.filter((pair) => !isIdentity(pair))),
    },
    null,
    2,
  )}\n`
}
