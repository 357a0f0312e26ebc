import { type Actor, ANONYMOUS, type Authenticated, type Principal } from '../principal.ts'
import { factsNamed } from './expression-facts.ts'
import { asList } from './matcher.ts'
import { type Leaf } from './open-policies.ts'
import { type OpenValues } from './open-values.ts'
import { openLeaf, type Unknown, type WhatIsOpen } from './worlds.ts'

/** Whose access a table shows: somebody named, or anybody of a kind. */
export type Column = {
  readonly kind: 'anonymous' | 'signed_in' | 'workload' | 'group' | 'person'
  readonly name: string
  readonly principal: Principal
}

/** Nobody in particular: no rule can name this subject, since control characters are refused. */
const NOBODY_IN_PARTICULAR = '\0'

const somebody = (actor: Actor, groups: readonly string[]): Authenticated => ({
  kind: 'authenticated',
  actor,
  subject: NOBODY_IN_PARTICULAR,
  issuer: NOBODY_IN_PARTICULAR,
  email: NOBODY_IN_PARTICULAR,
  preferredUsername: undefined,
  groups,
  claims: {},
})

/** Anonymous, anybody signed in, any workload, one member of each group, and people by name. */
export const columnsFor = (
  groups: Iterable<string>,
  people: readonly { readonly name: string; readonly principal: Authenticated }[],
): readonly Column[] => [
  { kind: 'anonymous', name: 'anonymous', principal: ANONYMOUS },
  { kind: 'signed_in', name: 'anybody signed in', principal: somebody('human', []) },
  { kind: 'workload', name: 'any workload', principal: somebody('workload', []) },
  ...[...new Set(groups)]
    .sort()
    .map(
      (group): Column => ({ kind: 'group', name: group, principal: somebody('human', [group]) }),
    ),
  ...people.map(({ name, principal }): Column => ({ kind: 'person', name, principal })),
]

/** What hangs on the request and is left open for everybody. */
const OF_REQUEST: ReadonlySet<string> = new Set([
  'http_path',
  'http_method',
  'source_ip',
  'day_of_week',
  'time_of_day',
])

/** What hangs on who it is in particular, and is left open for anybody of a kind. */
const OF_IDENTITY: ReadonlySet<string> = new Set([
  'domain',
  'issuer',
  'acr',
  'amr',
  'auth_age',
  'device',
])

/** What machines show besides; people never have it. */
const OF_WORKLOAD: ReadonlySet<string> = new Set([
  'user',
  'email',
  'groups',
  'service_account',
  'spiffe_id',
])

/** What is left open for a column; everything else is found by the server's own tests. */
export const openFor = ({ kind }: Column, values: OpenValues): WhatIsOpen => {
  const isSomebodyNamed = kind === 'person' || kind === 'anonymous'
  return (leaf) => {
    const { criterion } = leaf
    if (OF_REQUEST.has(criterion)) return values(leaf)
    if (criterion === 'cors_preflight') return openLeaf(leaf, criterion, true)
    if (criterion === 'client_certificate') return certificate(leaf)
    if (criterion === 'cel') return expression(leaf, isSomebodyNamed)
    return isSomebodyNamed || !isOfSomebody(leaf, kind) ? undefined : values(leaf)
  }
}

const isOfSomebody = (leaf: Leaf, kind: Column['kind']): boolean => {
  const { criterion } = leaf
  if (OF_IDENTITY.has(criterion) || criterion.startsWith('claim/')) return true
  if (kind === 'workload' && OF_WORKLOAD.has(criterion)) return true
  return (criterion === 'user' || criterion === 'email') && !namesPeople(leaf)
}

/** A rule that names people by their whole name does not mean just anybody. */
const namesPeople = ({ matcher }: Leaf): boolean =>
  matcher.is !== undefined || matcher.in !== undefined

const certificate = (leaf: Leaf): Unknown | undefined =>
  leaf.readsClientCertificate ? openLeaf(leaf) : undefined

const KNOWN_OF_SOMEBODY: ReadonlySet<string> = new Set([
  'now',
  'principal.kind',
  'principal.actor',
  'principal.groups',
  'request.host',
])

const expression = (leaf: Leaf, isSomebodyNamed: boolean): Unknown | undefined => {
  const facts = factsNamed(leaf.matcher.is === undefined ? '' : asList(leaf.matcher.is).join(' '))
  const isKnown = facts.every(
    (fact) =>
      KNOWN_OF_SOMEBODY.has(fact) ||
      (isSomebodyNamed && (fact.startsWith('principal') || fact.startsWith('device'))),
  )
  return isKnown ? undefined : openLeaf(leaf)
}
