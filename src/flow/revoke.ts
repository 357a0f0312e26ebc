import { type SessionKey } from '../core/ids.ts'
import { fail, ok, type Result } from '../core/result.ts'
import { endAllOf, endBefore, type Revocation } from '../core/revocation.ts'
import { serviceTokenIdOf } from '../core/service-token.ts'
import { type SessionStore } from './ports.ts'
import { type ServiceTokens } from './service-token-ports.ts'
import { type Revocations, type SessionDirectory } from './session-ports.ts'

/** What somebody orders to end. */
export type RevocationOrder =
  | { readonly kind: 'session'; readonly key: SessionKey }
  /** As identity headers name it: `sub` of a person, `<issuer name>/<sub>` of a bearer token. */
  | { readonly kind: 'subject'; readonly subject: string }
  | { readonly kind: 'before'; readonly momentMs: number }
  | { readonly kind: 'everything' }

export type RevokePorts = {
  readonly sessions: Pick<SessionStore, 'end'>
  readonly revocations: Pick<Revocations, 'add'>
  readonly directory: Pick<SessionDirectory, 'of'>
  readonly serviceTokens: Pick<ServiceTokens, 'end' | 'endUntil'>
  readonly names: SubjectNames
  readonly nowMs: () => number
  /** No session and no token lives longer. */
  readonly lifeMs: number
}

/** How subjects are called, by whom, and in the store. */
export type SubjectNames = {
  /** The issuer of people. */
  readonly people: string
  readonly tokenIssuers: readonly { readonly name: string; readonly issuer: string }[]
  /** The digest that stands for a subject of an issuer. */
  readonly digest: (issuer: string, subject: string) => string
}

/** `sessions` that were seen to end; undefined where nobody counts them. */
export type Revoked = { readonly sessions: number | undefined }

/**
 * Ends what was ordered: from the answer on no replica lets it pass, as soon as it has heard of it.
 * Bearer tokens of a subject end too. Ending what is not there is no failure.
 */
export const revoke = async (
  ports: RevokePorts,
  order: RevocationOrder,
): Promise<Result<Revoked, 'unreachable'>> => {
  const ordered = { nowMs: ports.nowMs(), lifeMs: ports.lifeMs }
  switch (order.kind) {
    case 'session': {
      const ended = await ports.sessions.end(order.key)
      return ended.ok ? ok({ sessions: 1 }) : ended
    }
    case 'subject':
      return await revokeSubject(ports, order.subject)
    case 'before':
      return await endUntil(ports, endBefore(order.momentMs, ordered), order.momentMs - 1)
    case 'everything':
      return await endUntil(ports, endAllOf({ kind: 'everything' }, ordered), ordered.nowMs)
  }
}

/** Tokens of our own outlive the mark, so each is ended in its own place too. */
const endUntil = async (
  { revocations, serviceTokens }: RevokePorts,
  revocation: Revocation,
  tokensUntilMs: number,
): Promise<Result<Revoked, 'unreachable'>> => {
  const added = await revocations.add(revocation)
  if (!added.ok) return added
  const ended = await serviceTokens.endUntil(tokensUntilMs)
  return ended.ok ? ok({ sessions: undefined }) : ended
}

/** The mark alone ends everything; the records are cleared away after it. */
const revokeSubject = async (
  ports: RevokePorts,
  name: string,
): Promise<Result<Revoked, 'unreachable'>> => {
  const ordered = { nowMs: ports.nowMs(), lifeMs: ports.lifeMs }
  let sessions: number | undefined = 0
  for (const [issuer, subject] of meanings(ports.names, name)) {
    const target = { kind: 'subject', name: ports.names.digest(issuer, subject) } as const
    // Before the mark: what it ends is listed no more.
    const listed = await ports.directory.of(issuer, subject)
    const added = await ports.revocations.add(endAllOf(target, ordered))
    if (!added.ok) return fail('unreachable')
    for (const { key } of listed.ok ? listed.value : []) await ports.sessions.end(key)
    sessions = listed.ok && sessions !== undefined ? sessions + listed.value.length : undefined
  }
  const token = serviceTokenIdOf(name)
  const ended = token === undefined ? ok(undefined) : await ports.serviceTokens.end(token)
  return ended.ok ? ok({ sessions }) : ended
}

/** A person's subject may hold a slash too: what a name may mean is ended in each sense. */
export const meanings = (
  { people, tokenIssuers }: SubjectNames,
  name: string,
): readonly (readonly [issuer: string, subject: string])[] => [
  [people, name],
  ...tokenIssuers
    .filter((issuer) => name.startsWith(`${issuer.name}/`))
    .map((each) => [each.issuer, name.slice(each.name.length + 1)] as const),
]
