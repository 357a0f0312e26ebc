import { type Leftover, type Origin } from './draft.ts'

export type ForwardAuthRule = {
  readonly name: string
  readonly origin: Origin
  readonly action: 'auth' | 'allow'
  readonly rule: string
  readonly whitelist: readonly string[]
  readonly domains: readonly string[]
}

export type ForwardAuthSettings = {
  readonly defaultAction: 'auth' | 'allow'
  readonly whitelist: readonly string[]
  readonly domains: readonly string[]
  /** match-whitelist-or-domain */
  readonly isEither: boolean
  readonly rules: readonly ForwardAuthRule[]
  readonly leftovers: readonly Leftover[]
}

type Line = { readonly key: string; readonly value: string; readonly origin: Origin }

/** Its file (`key = value`), its flags one a line (`--key=value`), or its variables (`KEY=value`). */
export const readForwardAuthSettings = (file: string, text: string): ForwardAuthSettings => {
  const { lines, leftovers } = linesOf(file, text)
  const all = (key: string): readonly string[] =>
    lines.filter((line) => line.key === key).flatMap(({ value }) => commaList(value))
  const last = (key: string): string | undefined =>
    lines.findLast((line) => line.key === key)?.value
  const names = [...new Set(lines.flatMap(({ key }) => RULE_KEY.exec(key)?.[1] ?? []))]
  return {
    defaultAction: last('default-action') === 'allow' ? 'allow' : 'auth',
    whitelist: all('whitelist'),
    domains: all('domain'),
    isEither: last('match-whitelist-or-domain') === 'true',
    rules: names.map((name) => ruleOf(name, lines, { all, last })),
    leftovers: [...leftovers, ...lines.flatMap(leftoverOf)],
  }
}

const RULE_KEY = /^rule\.([^.]+)\.(?:action|rule|provider|whitelist|domains)$/

type Readers = {
  readonly all: (key: string) => readonly string[]
  readonly last: (key: string) => string | undefined
}

const ruleOf = (name: string, lines: readonly Line[], { all, last }: Readers): ForwardAuthRule => ({
  name,
  origin: lines.find(({ key }) => key.startsWith(`rule.${name}.`))?.origin ?? {
    file: '',
    line: undefined,
  },
  action: last(`rule.${name}.action`) === 'allow' ? 'allow' : 'auth',
  rule: last(`rule.${name}.rule`) ?? '',
  whitelist: all(`rule.${name}.whitelist`),
  domains: all(`rule.${name}.domains`),
})

const linesOf = (
  file: string,
  text: string,
): { readonly lines: readonly Line[]; readonly leftovers: readonly Leftover[] } => {
  const lines: Line[] = []
  const leftovers: Leftover[] = []
  for (const [index, written] of text.split('\n').entries()) {
    const content = written.trim()
    if (content === '' || /^[#;[]/.test(content)) continue
    const origin = { file, line: index + 1 }
    const [, key = '', value] =
      /^(?:-+)?([A-Za-z][A-Za-z0-9._-]*)(?:\s*[=\s]\s*(.*))?$/.exec(content) ?? []
    if (key === '') leftovers.push({ origin, what: content.slice(0, 40), why: 'could not be read' })
    else lines.push({ key: keyOf(key), value: unquoted(value ?? 'true'), origin })
  }
  return { lines, leftovers }
}

/** `MATCH_WHITELIST_OR_DOMAIN` is the variable of `match-whitelist-or-domain`. */
const keyOf = (key: string): string =>
  /^[A-Z0-9_]+$/.test(key) ? key.toLowerCase().replaceAll('_', '-') : key

const unquoted = (value: string): string => /^(["'])(.*)\1$/.exec(value)?.[2] ?? value

const commaList = (value: string): readonly string[] =>
  value
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '')

/** Settings that do not bear on who gets in, or are the provider's. */
const ELSEWHERE =
  /^(?:log-level|log-format|auth-host|config|cookie-domains?|insecure-cookie|cookie-name|csrf-cookie-name|lifetime|logout-redirect|url-path|secret|cookie-secret|cookie-secure|client-id|client-secret|prompt|port|default-provider|providers[.-].*)$/
const CARRIED = /^(?:default-action|whitelist|domain|match-whitelist-or-domain)$/

const leftoverOf = ({ key, origin }: Line): readonly Leftover[] => {
  if (CARRIED.test(key)) return []
  if (RULE_KEY.test(key)) {
    return key.endsWith('.provider')
      ? [{ origin, what: key, why: 'there is one identity provider' }]
      : []
  }
  const why = ELSEWHERE.test(key)
    ? 'does not say who may pass; see the configuration of Vestibule'
    : 'is not known as a setting of traefik-forward-auth'
  return [{ origin, what: key, why }]
}
