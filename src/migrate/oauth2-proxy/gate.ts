import {
  anyOf,
  type Condition,
  type DraftRule,
  type Leftover,
  oneOf,
  placeText,
  todo,
  todoCondition,
} from '../translate/draft.ts'
import { type Gate } from '../translate/gate.ts'
import { parseHostPattern } from '../translate/hosts.ts'
import {
  methodConditions,
  pathCondition,
  readPathPattern,
} from '../translate/request-conditions.ts'
import { type Setting, type Settings } from './settings.ts'

/** Whom one oauth2-proxy lets in by its own flags. A query of auth-url narrows that further. */
export const gateOf = (settings: Settings): Gate => {
  const read = (flag: string): Setting | undefined => settings.byFlag.get(flag)
  const leftovers: Leftover[] = []
  const who = [...emailConditions(read), ...groupConditions(read), ...narrowings(read, leftovers)]
  const routes = [read('skip-auth-route'), read('skip-auth-regex')].flatMap((setting) =>
    setting === undefined ? [] : setting.values.map((route) => openRoute(route, setting)),
  )
  const trusted = read('trusted-ip')
  if (trusted !== undefined) {
    leftovers.push({
      origin: trusted.origin,
      what: `trusted-ip ${trusted.values.join(', ')}`,
      why: 'an address alone is no ground for an allow; say who these callers are',
    })
  }
  const preflight = read('skip-auth-preflight')
  return {
    who,
    open: [
      ...routes.flatMap(({ rule }) => rule ?? []),
      ...(preflight?.values[0] === 'true' ? [preflightRule(preflight)] : []),
    ],
    leftovers: [
      ...settings.leftovers,
      ...leftovers,
      ...routes.flatMap(({ leftover }) => leftover ?? []),
      ...otherWaysIn(read),
    ],
  }
}

/** Ways in that stay shut until somebody opens them here. */
const otherWaysIn = (read: Read): readonly Leftover[] =>
  [...WAYS_IN].flatMap(([flag, why]) => {
    const setting = read(flag)
    const isOn = setting !== undefined && !['', 'false'].includes(setting.values.join(''))
    return isOn ? [{ origin: setting.origin, what: flag, why }] : []
  })

const WAYS_IN: ReadonlyMap<string, string> = new Map([
  [
    'skip-jwt-bearer-tokens',
    'bearer tokens counted. Name their issuers in tokenIssuers, add bearer to `credentials`, and write rules that admit them',
  ],
  ['htpasswd-file', 'its users have no counterpart: people sign in at the provider'],
])

type Read = (flag: string) => Setting | undefined

/** Addresses of the file and domains are alternatives there. */
const emailConditions = (read: Read): readonly Condition[] => {
  const domains = read('email-domain')?.values ?? []
  const file = read('authenticated-emails-file')?.values[0] ?? ''
  if (domains.includes('*')) return [{ authenticated_user: true }]
  const alternatives: readonly Condition[] = [
    ...domains.map(domainCondition),
    ...(file === '' ? [] : [{ email: { in: [todo(`the addresses in ${file}`)] } }]),
  ]
  return alternatives.length === 0
    ? [
        {
          groups: {
            has: todo('the group that may pass; neither email-domain nor a file was found'),
          },
        },
      ]
    : [anyOf(alternatives)]
}

/** `.example.com` means what is below it; the bare domain has to be named for itself. */
const domainCondition = (domain: string): Condition => {
  const below = /^\*?(\.[^*]+)$/.exec(domain)?.[1]
  if (below !== undefined) return { domain: { ends_with: below } }
  return parseHostPattern(domain) === domain.toLowerCase()
    ? { domain }
    : { domain: todo(`what ${domain} means`) }
}

const groupConditions = (read: Read): readonly Condition[] => {
  const groups = read('allowed-group')?.values ?? []
  return groups.length === 0 ? [] : [{ groups: oneOf(groups, 'has') }]
}

/** Flags of single providers that admit fewer people. */
const NARROWING = [
  'allowed-role',
  'azure-tenant',
  'bitbucket-repository',
  'bitbucket-team',
  'entra-id-allowed-tenant',
  'github-org',
  'github-repo',
  'github-team',
  'github-user',
  'gitlab-group',
  'gitlab-project',
  'google-group',
  'keycloak-group',
] as const

const narrowings = (read: Read, leftovers: Leftover[]): readonly Condition[] =>
  NARROWING.flatMap((flag) => {
    const setting = read(flag)
    if (setting === undefined || setting.values.join('') === '') return []
    if (flag === 'azure-tenant' && setting.values[0] === 'common') return []
    const what = `${flag} ${setting.values.join(', ')}`
    leftovers.push({
      origin: setting.origin,
      what,
      why: 'was asked of the provider’s own interface. Put it into a claim or group, and write that instead of the TODO',
    })
    return [todoCondition(`the group or claim that stands for ${what}`)]
  })

type OpenRoute = { readonly rule?: DraftRule; readonly leftover?: Leftover }

/** `GET=^/health$`, `^/health$`; its expressions are not anchored by themselves. */
const openRoute = (route: string, { flag, origin }: Setting): OpenRoute => {
  const [, method = '', isNegated, pattern = route] = /^([A-Z]*)(!)?=([\s\S]*)$/.exec(route) ?? []
  const reading = isNegated === undefined ? readPathPattern(pattern) : undefined
  if (reading === undefined) {
    const why =
      'cannot be said with http_path, so these paths stay closed. Write rules for what has to be open'
    return { leftover: { origin, what: `${flag} ${route}`, why } }
  }
  const path = pathCondition(reading)
  return {
    rule: {
      action: 'allow',
      isPublic: true,
      conditions: [
        ...(path === undefined ? [] : [path]),
        ...methodConditions(method === '' ? [] : [method]),
      ],
      comments: [`${placeText(origin)}: ${flag} ${route}`],
    },
  }
}

const preflightRule = ({ origin }: Setting): DraftRule => ({
  action: 'allow',
  isPublic: true,
  conditions: [{ cors_preflight: true }],
  comments: [
    `${placeText(origin)}: skip-auth-preflight. With enable-cors, nginx answers it itself`,
  ],
})

/** What a query of auth-url asks besides: alternatives within a parameter, all parameters together. */
export const queryConditions = (query: URLSearchParams): readonly Condition[] => [
  ...queryList(query, 'allowed_groups', (groups) => ({ groups: oneOf(groups, 'has') })),
  ...queryList(query, 'allowed_emails', (emails) => ({ email: oneOf(emails) })),
  ...queryList(query, 'allowed_email_domains', (domains) => anyOf(domains.flatMap(domainWithRoot))),
  ...[...new Set(query.keys())]
    .filter((name) => !QUERY_NAMES.has(name))
    .map((name) => todoCondition(`what the parameter ${name} of auth-url asks`)),
]

const QUERY_NAMES: ReadonlySet<string> = new Set([
  'allowed_groups',
  'allowed_emails',
  'allowed_email_domains',
])

/** An empty list asks nothing there, and hardly anybody means that. */
const queryList = (
  query: URLSearchParams,
  name: string,
  conditionOf: (values: readonly string[]) => Condition,
): readonly Condition[] => {
  if (!query.has(name)) return []
  const values = query
    .getAll(name)
    .flatMap((list) => list.split(','))
    .filter((value) => value !== '')
  return values.length === 0
    ? [todoCondition(`whom ${name} was to name; it was empty, which let in everybody`)]
    : [conditionOf(values)]
}

const domainWithRoot = (domain: string): readonly Condition[] => {
  const below = domainCondition(domain)
  const root = /^\*?\.(.+)$/.exec(domain)?.[1]
  return root === undefined ? [below] : [below, { domain: root }]
}
