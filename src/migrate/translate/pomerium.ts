import {
  allOf,
  anyOf,
  type Condition,
  type DraftRule,
  type Leftover,
  type PolicyDraft,
  placeText,
  type Translation,
  todoCondition,
} from './draft.ts'
import { parseHostPattern } from './hosts.ts'
import { pplRules } from './pomerium-policy.ts'
import { letterPrefix } from './request-conditions.ts'
import {
  isTrue,
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

type Route = {
  readonly spot: Spot
  readonly host: string
  /** Which requests of the host are its own; several have to hold together. */
  readonly target: readonly Condition[]
}

/** Routes of Pomerium: its rules are ours, but a host with several routes has the first one that fits. */
export const translatePomerium = (source: SourceFile): Translation => {
  const leftovers: Leftover[] = []
  const root = rootOf(source)
  const listed = memberOf(root, 'routes') ?? memberOf(root, 'policy')
  if (listed === undefined) {
    const why = 'there are no routes in this file. Name the one that has them'
    return {
      drafts: [],
      leftovers: [{ origin: { file: source.file, line: 1 }, what: 'routes', why }],
    }
  }
  const routes = itemsOf(listed).flatMap((spot) => routeOf(spot, leftovers))
  const hosts = [...new Set(routes.map(({ host }) => host))]
  return {
    drafts: hosts.map((host) =>
      draftOf(
        host,
        routes.filter((route) => route.host === host),
        leftovers,
      ),
    ),
    leftovers,
  }
}

const routeOf = (spot: Spot, leftovers: Leftover[]): readonly Route[] => {
  const from = textOf(memberOf(spot, 'from')) ?? ''
  const host = /^https?:/.test(from) ? parseHostPattern(from) : undefined
  if (host === undefined || (from.includes('*') && !/^https?:\/\/\*\./.test(from))) {
    leftovers.push({
      origin: originOf(memberOf(spot, 'from') ?? spot),
      what: `route from ${from}`,
      why: 'is no route of a web host. TCP, UDP and SSH do not pass an Ingress',
    })
    return []
  }
  for (const [name, member] of membersOf(spot)) {
    const why = ROUTE_KEYS.get(name)
    if (why !== undefined) leftovers.push({ origin: originOf(member), what: name, why })
  }
  return [{ spot, host, target: targetOf(spot, leftovers) }]
}

const ELSEWHERE = 'is nginx’s part here. See what the Ingress of the host needs'

/** What a route says besides whom it admits, as far as it bears on that. */
const ROUTE_KEYS: ReadonlyMap<string, string> = new Map([
  ['pass_identity_headers', 'identity headers are always sent; list them in auth-response-headers'],
  ['set_request_headers', ELSEWHERE],
  ['remove_request_headers', ELSEWHERE],
  ['prefix_rewrite', ELSEWHERE],
  ['regex_rewrite_pattern', ELSEWHERE],
  ['redirect', ELSEWHERE],
  ['tls_client_key', ELSEWHERE],
  [
    'tls_downstream_client_ca',
    'client certificates are checked by nginx: auth-tls-secret, and proxySets in the policy',
  ],
  ['kubernetes_service_account_token', 'is not sent by Vestibule'],
  ['idp_client_id', 'there is one identity provider'],
  ['bearer_token_format', 'bearer tokens count where tokenIssuers and `credentials` say so'],
])

/** Its prefixes are letters: `/api` takes `/apiary` too. */
const targetOf = (spot: Spot, leftovers: Leftover[]): readonly Condition[] => {
  const prefix = textOf(memberOf(spot, 'prefix'))
  const path = textOf(memberOf(spot, 'path'))
  const regex = memberOf(spot, 'regex')
  const conditions = [
    ...(prefix === undefined || prefix === '/' ? [] : [letterPrefix(prefix)]),
    ...(path === undefined ? [] : [{ http_path: { is: path } }]),
  ]
  if (regex === undefined) return conditions
  const what = `regex ${textOf(regex) ?? ''}`
  leftovers.push({
    origin: originOf(regex),
    what,
    why: 'cannot be said here, so the rules of this route wait for you',
  })
  return [...conditions, todoCondition(`which paths ${what} means`)]
}

const draftOf = (host: string, routes: readonly Route[], leftovers: Leftover[]): PolicyDraft => ({
  hosts: [host],
  comments: [
    `From ${routes.length === 1 ? 'a route' : 'routes'} of Pomerium (${routes.map(({ spot }) => placeText(originOf(spot))).join(', ')}).`,
  ],
  rules: routes.flatMap((route, index) => {
    const earlier = routes.slice(0, index)
    // The first route that fits takes the request, whatever its policy says of it.
    if (earlier.some(({ target }) => target.length === 0)) return []
    const taken = earlier.map(({ target }): Condition => ({ not: [allOf(target)] }))
    return rulesOf(route, leftovers).map((rule) => ({
      ...rule,
      conditions: [...rule.conditions, ...route.target, ...taken],
    }))
  }),
})

const rulesOf = ({ spot }: Route, leftovers: Leftover[]): readonly DraftRule[] => {
  const comments = [placeText(originOf(spot))]
  const policies = [
    spot,
    ...itemsOf(memberOf(spot, 'allowed_sub_policies')),
    ...itemsOf(memberOf(spot, 'sub_policies')),
  ]
  const written = policies.flatMap((each) => {
    const policy = memberOf(each, 'policy')
    return policy === undefined ? [] : pplRules(policy, leftovers)
  })
  return [
    ...policies.flatMap(olderRules),
    ...written,
    ...(isTrue(memberOf(spot, 'cors_allow_preflight')) ? [PREFLIGHT] : []),
  ].map((rule) => ({ ...rule, comments: [...comments, ...rule.comments] }))
}

const PREFLIGHT: DraftRule = {
  action: 'allow',
  conditions: [{ cors_preflight: true }],
  isPublic: true,
  comments: ['cors_allow_preflight'],
}

/** The keys from before its policy language; any of them admitted. */
const olderRules = (spot: Spot): readonly DraftRule[] => {
  if (isTrue(memberOf(spot, 'allow_public_unauthenticated_access'))) {
    return [
      {
        action: 'allow',
        conditions: [],
        isPublic: true,
        comments: ['allow_public_unauthenticated_access'],
      },
    ]
  }
  const alternatives: readonly Condition[] = [
    ...(isTrue(memberOf(spot, 'allow_any_authenticated_user'))
      ? [{ authenticated_user: true }]
      : []),
    ...some('user', textsOf(memberOf(spot, 'allowed_users'))),
    ...some('domain', textsOf(memberOf(spot, 'allowed_domains'))),
    ...claims(memberOf(spot, 'allowed_idp_claims')),
  ]
  return alternatives.length === 0
    ? []
    : [{ action: 'allow', conditions: [anyOf(alternatives)], isPublic: false, comments: [] }]
}

const some = (criterion: string, values: readonly string[]): readonly Condition[] => {
  if (values.length === 0) return []
  return [{ [criterion]: values.length === 1 ? values[0] : { in: [...values] } }]
}

const claims = (spot: Spot | undefined): readonly Condition[] =>
  (spot === undefined ? [] : membersOf(spot)).flatMap(([name, values]) =>
    some(`claim/${name.replaceAll('.', '/')}`, textsOf(values)),
  )
