import { type SessionId } from '../core/ids.ts'
import { fail, ok, type Result } from '../core/result.ts'
import { type SignInPorts } from './ports.ts'

/** How a sign-out came about; the label values of a metric. */
export type SignOutWay = 'browser' | 'back_channel' | 'front_channel'

/**
 * Ends the session here, then says where the browser ends it at the provider.
 *
 * @param state comes back from the provider, to find the return URL again
 * @returns undefined where the provider has no sign-out of its own
 */
export const signOut = async (
  ports: Pick<SignInPorts, 'sessions' | 'identityProvider'>,
  sessionId: SessionId | undefined,
  state: string,
): Promise<Result<URL | undefined, 'store_unreachable'>> => {
  if (sessionId === undefined) return ok(undefined)
  const tokens = await ports.sessions.findTokens(sessionId)
  const removed = await ports.sessions.end(ports.sessions.keyOf(sessionId))
  if (!removed.ok) return fail('store_unreachable')
  const idToken = tokens.ok ? tokens.value?.idToken : undefined
  return ok(await ports.identityProvider.endSessionUrl(idToken, state))
}
