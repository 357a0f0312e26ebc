import { browserName } from '../core/browser-name.ts'
import { type SessionId } from '../core/ids.ts'
import { fail, ok, type Result } from '../core/result.ts'
import { type ExchangeFailure, type SignInAttempt, type SignInPorts } from './ports.ts'

/** Seconds that a person may take at the identity provider. */
export const ATTEMPT_SECONDS = 600

export type BeginFailure = 'store_unreachable' | 'provider_unreachable'

/**
 * Begins a sign-in: keeps the attempt, then sends the browser to the provider.
 *
 * @param browser secret of the cookie that ties the attempt to this browser
 */
export const beginSignIn = async (
  ports: SignInPorts,
  browser: string,
  { returnTo, askedProof }: Pick<SignInAttempt, 'returnTo' | 'askedProof'>,
): Promise<Result<URL, BeginFailure>> => {
  const attempt: SignInAttempt = {
    state: ports.random(),
    nonce: ports.random(),
    codeVerifier: ports.random(),
    browser: ports.hash(browser),
    returnTo,
    askedProof,
    startedAt: ports.now(),
  }
  const kept = await ports.attempts.keep(attempt)
  if (!kept.ok) return fail('store_unreachable')
  const url = await ports.identityProvider.authorizationUrl(attempt)
  return url.ok ? url : fail('provider_unreachable')
}

export type CompleteFailure =
  /** No attempt waits under that state: replayed or expired; or the browser refuses cookies. */
  | { readonly kind: 'no_attempt' }
  /**
   * Begun with another cookie: in somebody else's browser, or by tabs side by side of which each
   * was given a cookie of its own. Its code is not redeemed; beginning again does no harm.
   */
  | { readonly kind: 'other_browser'; readonly returnTo: string }
  /** The provider said no, such as `access_denied`. */
  | { readonly kind: 'provider_refused' }
  | { readonly kind: 'store_unreachable' }
  /** Everything of this person was ended in the meantime. */
  | { readonly kind: 'revoked' }
  | ExchangeFailure

/** How long a replaced session serves the requests that other tabs have under way. */
const RETIRED_SECONDS = 60

export type SignedIn = { readonly sessionId: SessionId; readonly returnTo: string }

/** The parameters of a callback that decide what happens; the raw query goes to the provider. */
export type Callback = {
  /** Secret of the cookie that tied the attempt to a browser, if this one sent it. */
  readonly browser: string | undefined
  /** The session that this browser has now; the new one replaces it. */
  readonly replaces: SessionId | undefined
  readonly state: string
  readonly isError: boolean
  readonly query: string
  /** What the person signs in with, to tell his sessions apart. */
  readonly userAgent: string | undefined
}

/**
 * Completes a sign-in. The attempt is consumed before the code is redeemed, so that of many
 * simultaneous callbacks one proceeds; a new session id is minted whatever the browser sent.
 */
export const completeSignIn = async (
  ports: SignInPorts,
  callback: Callback,
): Promise<Result<SignedIn, CompleteFailure>> => {
  if (callback.browser === undefined) return fail({ kind: 'no_attempt' })
  const taken = await ports.attempts.take(callback.state)
  if (!taken.ok) return fail({ kind: 'store_unreachable' })
  const attempt = taken.value
  if (attempt === undefined || !isCurrent(ports, attempt)) return fail({ kind: 'no_attempt' })
  if (attempt.browser !== ports.hash(callback.browser)) {
    return fail({ kind: 'other_browser', returnTo: attempt.returnTo })
  }
  if (callback.isError) return fail({ kind: 'provider_refused' })
  return await redeem(ports, attempt, callback)
}

const isCurrent = (ports: SignInPorts, attempt: SignInAttempt): boolean =>
  ports.now() - attempt.startedAt <= ATTEMPT_SECONDS

const redeem = async (
  ports: SignInPorts,
  attempt: SignInAttempt,
  { query, replaces, userAgent }: Callback,
): Promise<Result<SignedIn, CompleteFailure>> => {
  const exchanged = await ports.identityProvider.exchange(query, attempt)
  if (!exchanged.ok) return exchanged
  const { principal, tokens, issuedAt } = exchanged.value
  const created = await ports.sessions.create(
    {
      principal,
      createdAt: ports.now(),
      checkedAt: ports.now(),
      issuedAt,
      askedProof: attempt.askedProof,
    },
    tokens,
    { startedAt: attempt.startedAt, browser: browserName(userAgent) },
  )
  if (!created.ok) {
    return fail({ kind: created.failure === 'revoked' ? 'revoked' : 'store_unreachable' })
  }
  if (replaces !== undefined) await endReplaced(ports, replaces, principal.subject)
  return ok({ sessionId: created.value, returnTo: attempt.returnTo })
}

/**
 * Tabs that sign in side by side replace each other's sessions; ending one at once would fail the
 * requests that another tab has under way. Somebody else's session ends at once.
 */
const endReplaced = async (ports: SignInPorts, id: SessionId, subject: string): Promise<void> => {
  const found = await ports.sessions.find(id)
  if (!found.ok || found.value === undefined) return
  if (found.value.principal.subject === subject) await ports.sessions.retire(id, RETIRED_SECONDS)
  else await ports.sessions.end(ports.sessions.keyOf(id))
}
