import { type Actor, ANONYMOUS, type Authenticated, type Principal } from '../principal.ts'
import { factsNamed } from './expression-facts.ts'
import { asList, entries } from './matcher.ts'
import { type Leaf } from './open-policies.ts'
import { type RequestSamples } from './request-samples.ts'
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
  'source_ip',
  'cors_preflight',
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
const OF_WORKLOAD: ReadonlySet<string> = new Set(['user', 'email', 'service_account', 'spiffe_id'])

/** What is left open for a column; everything else is found by the server's own tests. */
export const openFor = ({ kind }: Column, samples: RequestSamples): WhatIsOpen => {
  const isSomebodyNamed = kind === 'person' || kind === 'anonymous'
  return (leaf) => {
    const { criterion } = leaf
    if (criterion === 'http_path') return samples.path
    if (criterion === 'http_method') return samples.method
    if (OF_REQUEST.has(criterion)) return openLeaf(leaf, criterion, true)
    if (criterion === 'client_certificate') return certificate(leaf)
    if (criterion === 'cel') return expression(leaf, isSomebodyNamed)
    return isSomebodyNamed ? undefined : ofSomebody(leaf, kind)
  }
}

const ofSomebody = (leaf: Leaf, kind: Column['kind']): Unknown | undefined => {
  const { criterion } = leaf
  const isOpen =
    OF_IDENTITY.has(criterion) ||
    criterion.startsWith('claim/') ||
    (kind === 'workload' && (OF_WORKLOAD.has(criterion) || criterion === 'groups')) ||
    ((criterion === 'user' || criterion === 'email') && !namesPeople(leaf))
  return isOpen ? openLeaf(leaf) : undefined
}

/** A rule that names people by their whole name does not mean just anybody. */
const namesPeople = ({ matcher }: Leaf): boolean =>
  entries(matcher).some(
    ([name, argument]) => ['is', 'in'].includes(name) && asList(argument).length > 0,
  )

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
