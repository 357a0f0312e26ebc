import {
  allOf,
  anyOf,
  type Condition,
  type Leftover,
  type Origin,
  placeText,
  todo,
} from './draft.ts'
import { parseHostPattern } from './hosts.ts'
import { methodConditions, pathCondition, readPathPattern } from './request-conditions.ts'
import {
  itemsOf,
  memberOf,
  membersOf,
  originOf,
  rootOf,
  type SourceFile,
  type Spot,
  textOf,
  textsOf,
} from './source-file.ts'

export type Level = 'bypass' | 'one_factor' | 'two_factor' | 'deny'

export type AutheliaRule = {
  readonly origin: Origin
  readonly level: Level
  /** A bypass for addresses grants nothing here; its hosts get a draft all the same. */
  readonly isCarried: boolean
  readonly domains: readonly string[]
  /** It is also, or only, about hosts that cannot be listed. */
  readonly domainTodo: string | undefined
  /** Who; empty for everybody. */
  readonly subjects: readonly Condition[]
  /** Which requests, no more than the rule meant. */
  readonly request: readonly Condition[]
  /** Which requests, no less than the rule meant: for leaving them out. */
  readonly excluded: readonly Condition[]
  /** Conditions that could not be carried over. */
  readonly todos: readonly string[]
  /** Those that may be left out without a word, since leaving out more is safe. */
  readonly grantTodos: readonly string[]
  readonly notes: readonly string[]
}

type Networks = ReadonlyMap<string, readonly string[]>

type Read = { readonly rules: readonly AutheliaRule[]; readonly leftovers: readonly Leftover[] }

const KNOWN = new Set([
  'domain',
  'domain_regex',
  'policy',
  'subject',
  'resources',
  'methods',
  'networks',
  'query',
])

export const autheliaRules = (source: SourceFile, section: Spot): Read => {
  const networks = namedNetworks(source, section)
  const leftovers: Leftover[] = []
  const rules = itemsOf(memberOf(section, 'rules')).flatMap((spot) =>
    readRule(spot, networks, leftovers),
  )
  return { rules, leftovers }
}

/** In `access_control.networks`, since 4.39 in `definitions.network`. */
const namedNetworks = (source: SourceFile, section: Spot): Networks => {
  const definitions = memberOf(rootOf(source), 'definitions')
  const newer = definitions === undefined ? undefined : memberOf(definitions, 'network')
  return new Map([
    ...itemsOf(memberOf(section, 'networks')).map(
      (spot) =>
        [textOf(memberOf(spot, 'name')) ?? '', textsOf(memberOf(spot, 'networks'))] as const,
    ),
    ...(newer === undefined ? [] : membersOf(newer)).map(
      ([name, spot]) => [name, textsOf(spot)] as const,
    ),
  ])
}

const readRule = (
  spot: Spot,
  networks: Networks,
  leftovers: Leftover[],
): readonly AutheliaRule[] => {
  const origin = originOf(spot)
  const leave = (what: string, why: string, at: Origin = origin): void => {
    leftovers.push({ origin: at, what, why })
  }
  for (const [name, member] of membersOf(spot)) {
    if (!KNOWN.has(name))
      leave(name, 'is not known here. See whether it narrows the rule', originOf(member))
  }
  const level = levelOf(textOf(memberOf(spot, 'policy')))
  const addresses = textsOf(memberOf(spot, 'networks')).flatMap(
    (name) => networks.get(name) ?? [name],
  )
  const domains = domainsOf(spot)
  const domainTodo = domainTodoOf(spot, domains.unlisted)
  if (domainTodo !== undefined)
    leave(domainTodo, 'hosts have to be listed. Name them in `hosts`, or drop the rule')
  const isCarried = level !== 'bypass' || addresses.length === 0
  if (!isCarried) {
    leave(
      `bypass for ${addresses.join(', ')}`,
      'an address alone is no ground for an allow; say who these callers are, or keep it closed',
    )
  }
  const resources = resourcesOf(spot)
  const todos = [...resources.todos, ...queryTodos(spot), ...unknownKeys(spot)]
  for (const what of [...todos, ...resources.grantTodos])
    leave(what, 'cannot be said exactly here, so the rule waits for you')
  return [
    {
      origin,
      level,
      isCarried,
      domains: domains.listed,
      domainTodo,
      subjects: subjectsOf(spot),
      request: [
        ...resources.granted,
        ...methodConditions(methodsOf(spot)),
        ...addressConditions(addresses),
      ],
      excluded: [
        ...resources.excluded,
        ...methodConditions(methodsOf(spot)),
        ...addressConditions(addresses),
      ],
      todos,
      grantTodos: resources.grantTodos,
      notes: domainTodo === undefined ? [] : [`${placeText(origin)}: ${domainTodo}`],
    },
  ]
}

const unknownKeys = (spot: Spot): readonly string[] =>
  membersOf(spot).flatMap(([name]) => (KNOWN.has(name) ? [] : [`the key ${name} says`]))

/** An unknown word denies there as well. */
const levelOf = (policy: string | undefined): Level =>
  policy === 'bypass' || policy === 'one_factor' || policy === 'two_factor' ? policy : 'deny'

const domainsOf = (
  spot: Spot,
): { readonly listed: readonly string[]; readonly unlisted: readonly string[] } => {
  const written = textsOf(memberOf(spot, 'domain'))
  const parsed = written.map((text) => [text, parseHostPattern(text)] as const)
  return {
    listed: parsed.flatMap(([, pattern]) => pattern ?? []),
    unlisted: parsed.flatMap(([text, pattern]) => (pattern === undefined ? [text] : [])),
  }
}

/** `{user}.example.com` gives each person a host of his own. */
const domainTodoOf = (spot: Spot, unlisted: readonly string[]): string | undefined => {
  const patterns = textsOf(memberOf(spot, 'domain_regex'))
  const all = [
    ...patterns.map((each) => `domain_regex ${each}`),
    ...unlisted.map((each) => `domain ${each}`),
  ]
  return all.length === 0 ? undefined : all.join(', ')
}

/** The outer list holds alternatives, an inner one what has to hold together. */
const subjectsOf = (spot: Spot): readonly Condition[] => {
  const alternatives = itemsOf(memberOf(spot, 'subject')).map((item) =>
    allOf(textsOf(item).map(subjectOf)),
  )
  return alternatives.length === 0 ? [] : [anyOf(alternatives)]
}

const subjectOf = (text: string): Condition => {
  const [kind = '', ...rest] = text.split(':')
  const name = rest.join(':').trim()
  if (kind === 'group') return { groups: { has: name } }
  return kind === 'user'
    ? { user: todo(`the address or subject of the person called ${name} in Authelia`) }
    : { user: todo(`whoever is meant by ${text}`) }
}

const methodsOf = (spot: Spot): readonly string[] => textsOf(memberOf(spot, 'methods'))

const addressConditions = (addresses: readonly string[]): readonly Condition[] =>
  addresses.length === 0 ? [] : [{ source_ip: [...addresses] }]

type Resources = {
  readonly granted: readonly Condition[]
  readonly excluded: readonly Condition[]
  readonly todos: readonly string[]
  readonly grantTodos: readonly string[]
}

const NO_RESOURCES: Resources = { granted: [], excluded: [], todos: [], grantTodos: [] }

/** Its patterns see path and query; rules here see the path, so some can only be left out by them. */
const resourcesOf = (spot: Spot): Resources => {
  const patterns = textsOf(memberOf(spot, 'resources'))
  if (patterns.length === 0) return NO_RESOURCES
  const readings = patterns.map((pattern) => [pattern, readPathPattern(pattern)] as const)
  const unread = readings.filter(([, reading]) => reading === undefined).map(([pattern]) => pattern)
  if (unread.length > 0) {
    return { ...NO_RESOURCES, todos: [`the pattern of resources ${unread.join(' or ')} means`] }
  }
  const known = readings.flatMap(([, reading]) => reading ?? [])
  if (known.some(({ kind }) => kind === 'everything')) return NO_RESOURCES
  const conditions = [
    anyOf(known.map(pathCondition).filter((condition) => condition !== undefined)),
  ]
  const exact = readings.filter(([, reading]) => reading?.takesQuery === false)
  return {
    granted: conditions,
    excluded: conditions,
    todos: [],
    grantTodos: exact.map(
      ([pattern]) => `resources ${pattern} means, which holds without a query only,`,
    ),
  }
}

const queryTodos = (spot: Spot): readonly string[] =>
  memberOf(spot, 'query') === undefined ? [] : ['the condition on the query means']
