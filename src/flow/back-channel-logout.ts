import { type LogoutFault, type LogoutNotice } from '../core/logout-token.ts'
import { fail, type Result } from '../core/result.ts'
import { endAtProvider } from '../core/revocation.ts'
import { type Revocations, type SessionDirectory } from './session-ports.ts'

export type BackChannelPorts = {
  readonly verify: (token: string) => Promise<Result<LogoutNotice, LogoutFault | 'unreachable'>>
  readonly used: UsedLogoutTokens
  readonly revocations: Pick<Revocations, 'add'>
  readonly directory: Pick<SessionDirectory, 'of'>
  /** The digests that stand for people and their sessions in the store. */
  readonly names: {
    readonly subject: (issuer: string, subject: string) => string
    readonly session: (issuer: string, sid: string, subject: string | undefined) => string
  }
  readonly nowMs: () => number
  /** No session and no token lives longer. */
  readonly lifeMs: number
}

/** The logout tokens that were carried out, on any replica. */
export type UsedLogoutTokens = {
  readonly has: (issuer: string, tokenId: string) => Promise<Result<boolean, 'unreachable'>>
  readonly add: (issuer: string, tokenId: string) => Promise<Result<undefined, 'unreachable'>>
}

export type LogoutRefusal = LogoutFault | 'replayed' | 'unreachable'

/**
 * Ends what the provider says is over (Back-Channel Logout 1.0 section 2.7): everything that it had
 * issued by then, and nothing newer. What was over already is no failure.
 */
export const backChannelLogout = async (
  ports: BackChannelPorts,
  token: string,
): Promise<Result<undefined, LogoutRefusal>> => {
  const notice = await ports.verify(token)
  if (!notice.ok) return notice
  const { issuer, tokenId, issuedMs, whom } = notice.value
  const used = await ports.used.has(issuer, tokenId)
  if (!used.ok) return used
  if (used.value) return fail('replayed')
  const ordered = { nowMs: ports.nowMs(), lifeMs: ports.lifeMs }
  const ended = await ports.revocations.add(
    endAtProvider(targetOf(ports, notice.value), issuedMs, ordered),
  )
  if (!ended.ok) return ended
  // A list that is read clears away what was revoked; nothing hangs on it.
  if (whom.subject !== undefined) await ports.directory.of(issuer, whom.subject)
  // Marked as used only once it is done: whoever sends it again after a failure must be heard.
  return await ports.used.add(issuer, tokenId)
}

const targetOf = (
  { names }: BackChannelPorts,
  { issuer, whom }: LogoutNotice,
): Parameters<typeof endAtProvider>[0] =>
  whom.kind === 'subject'
    ? { kind: 'subject', name: names.subject(issuer, whom.subject) }
    : { kind: 'provider_session', name: names.session(issuer, whom.sid, whom.subject) }
