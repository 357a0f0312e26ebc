import { type SessionId } from '../core/ids.ts'
import { ok, type Result } from '../core/result.ts'
import { type SessionStore } from './ports.ts'

/** A session as the provider names it. */
export type NamedSession = { readonly issuer: string; readonly sid: string }

/**
 * Ends the session of the browser that asks, if it is the one that was named: who knows the name of
 * somebody else's session must not be able to end it.
 */
export const frontChannelLogout = async (
  sessions: Pick<SessionStore, 'find' | 'end' | 'keyOf'>,
  id: SessionId | undefined,
  named: NamedSession,
): Promise<Result<'ended' | 'not_that_one', 'unreachable'>> => {
  if (id === undefined) return ok('not_that_one')
  const found = await sessions.find(id)
  if (!found.ok) return found
  const principal = found.value?.principal
  const isNamed =
    principal?.issuer === named.issuer &&
    Object.hasOwn(principal.claims, 'sid') &&
    principal.claims['sid'] === named.sid
  if (!isNamed) return ok('not_that_one')
  const ended = await sessions.end(sessions.keyOf(id))
  return ended.ok ? ok('ended') : ended
}
