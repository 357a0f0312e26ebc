import { factsNamed } from './policy/expression-facts.ts'
import { asList, entries } from './policy/matcher.ts'
import { type Leaf } from './policy/open-policies.ts'
import { openLeaf, type Unknown, type WhatIsOpen } from './policy/worlds.ts'
import { claimAt } from './principal.ts'
import { type RecordedDecision } from './recorded-decision.ts'

/** What a decision line says nothing of: only the claims of a token or session hold it. */
const OF_CLAIMS: ReadonlySet<string> = new Set(['acr', 'amr', 'auth_age', 'device'])

/**
 * What a decision line leaves open. `named` are the groups that the policy in force at the time
 * asked about; of others the line does not say whether the principal had them.
 */
export const openOnLine =
  (line: RecordedDecision, named: ReadonlySet<string> | undefined): WhatIsOpen =>
  (leaf) => {
    const { criterion } = leaf
    if (criterion === 'http_path')
      return line.isPathClipped ? openLeaf(leaf, undefined, true) : undefined
    if (criterion === 'cors_preflight') return preflight(leaf, line)
    if (criterion === 'client_certificate') {
      return leaf.readsClientCertificate ? openLeaf(leaf) : undefined
    }
    if (criterion === 'cel') return expression(leaf, line)
    return line.principal.kind === 'anonymous' ? undefined : ofPrincipal(leaf, line, named)
  }

const ofPrincipal = (
  leaf: Leaf,
  line: RecordedDecision,
  named: ReadonlySet<string> | undefined,
): Unknown | undefined => {
  const { criterion } = leaf
  if (criterion === 'groups') return groups(leaf, line, named)
  if (OF_CLAIMS.has(criterion) || criterion.startsWith('claim/')) return openLeaf(leaf)
  return criterion === 'service_account' && mayBeServiceAccount(line) ? openLeaf(leaf) : undefined
}

const mayBeServiceAccount = ({ principal }: RecordedDecision): boolean => {
  const subject = principal.kind === 'anonymous' ? '' : claimAt(principal.claims, 'sub')
  return typeof subject === 'string' && subject.startsWith('system:serviceaccount:')
}

/** Only OPTIONS can be a preflight; whether it was one, headers say that are not on the line. */
const preflight = (leaf: Leaf, { request }: RecordedDecision): Unknown | undefined =>
  request.method === 'OPTIONS' ? openLeaf(leaf, undefined, true) : undefined

type AskedGroups = {
  readonly names: readonly string[]
  /** One of `has` and `in`: a group that is there settles it, whatever else is. */
  readonly isAnyOf: boolean
  readonly isExact: boolean
}

/** Worked out once for each rule, and asked for each line. */
const asked = new WeakMap<Leaf, AskedGroups>()

const askedBy = (leaf: Leaf): AskedGroups => {
  const known = asked.get(leaf)
  if (known !== undefined) return known
  const all = entries(leaf.matcher)
  const isExact = leaf.matcher.is !== undefined
  const names = all.flatMap(([, argument]) => asList(argument))
  const made = { names, isExact, isAnyOf: all.length === 1 && !isExact }
  asked.set(leaf, made)
  return made
}

/** Groups on the line are the principal's; one that is not there may only not have been named. */
const groups = (
  leaf: Leaf,
  { groups: known, principal }: RecordedDecision,
  named: ReadonlySet<string> | undefined,
): Unknown | undefined => {
  if (known.kind === 'unknown') return openLeaf(leaf, 'groups (written by an older version)')
  if (known.kind === 'all' || principal.kind === 'anonymous') return undefined
  const { names, isAnyOf, isExact } = askedBy(leaf)
  const has = principal.groups ?? []
  const wasAsked = (group: string): boolean => known.hasAllNamed && named?.has(group) === true
  const missing = names.filter((group) => !has.includes(group))
  const isFound = isAnyOf && missing.length < names.length
  if (isFound || (!isExact && missing.every(wasAsked))) return undefined
  return openLeaf(leaf, `groups ${missing.length === 0 ? 'exactly' : missing.join(', ')}`, true)
}

const ON_LINE: ReadonlySet<string> = new Set([
  'now',
  'request.host',
  'request.method',
  'request.path',
  'request.client_ip',
  'request.namespace',
  'request.ingress',
  'request.service',
  'principal.kind',
  'principal.actor',
  'principal.subject',
  'principal.issuer',
  'principal.on_behalf_of',
  'principal.email',
])

const expression = (leaf: Leaf, line: RecordedDecision): Unknown | undefined => {
  const { is = '' } = leaf.matcher
  const open = factsNamed(asList(is).join(' ')).filter((fact) => !isOnLine(fact, line))
  return open.length === 0 ? undefined : openLeaf(leaf, `cel: ${[...new Set(open)].join(', ')}`)
}

const isOnLine = (
  fact: string,
  { principal, groups: known, isPathClipped }: RecordedDecision,
): boolean => {
  if (fact === 'request.path') return !isPathClipped
  if (ON_LINE.has(fact)) return true
  if (principal.kind === 'anonymous') return !fact.startsWith('request')
  return fact === 'principal.groups' && known.kind === 'all'
}
