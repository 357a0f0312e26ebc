import { type Request, type Response, Router } from 'express'
import { parseSessionId } from '../../core/ids.ts'
import { NOTHING } from '../../core/proof.ts'
import { parseReturnUrl } from '../../core/return-url.ts'
import { type Session } from '../../core/session.ts'
import { type SignInAttempt } from '../../flow/ports.ts'
import {
  type BeginFailure,
  beginSignIn,
  type CompleteFailure,
  completeSignIn,
} from '../../flow/sign-in.ts'
import { isNavigation, isPrefetch, only, queryOf, redirect } from './browser-request.ts'
import { type Page, sendPage } from './page.ts'
import { providerUnreachable, refusedSignIn, staleSignIn, storeUnreachable } from './pages.ts'
import { type PublicOptions } from './public-options.ts'

/** `/oauth2/start` and `/oauth2/callback`: the code flow with PKCE, state, nonce and `iss`. */
export const signInRoutes = (options: PublicOptions): Router => {
  const router = Router({ caseSensitive: true, strict: true })
  router.all(['/oauth2/start', '/oauth2/sign_in'], only('GET'), (request, response) =>
    start(options, request, response),
  )
  router.all('/oauth2/callback', only('GET'), (request, response) =>
    callback(options, request, response),
  )
  return router
}

const start = async (
  options: PublicOptions,
  request: Request,
  response: Response,
): Promise<void> => {
  if (!isNavigation(request)) {
    response.status(401).json({
      error: 'not_signed_in',
      error_description: 'Open this address in a browser, or send a bearer token.',
    })
    return
  }
  if (isPrefetch(request)) {
    response.status(400).end()
    return
  }
  const { ports, cookies, observe } = options
  const browser = cookies.browser(request) ?? ports.random()
  const destination = await destinationOf(options, request)
  const begun = await beginSignIn(ports, browser, destination)
  if (!begun.ok) {
    observe.signIn(begun.failure)
    const [status, page] = BEGIN_FAILURES[begun.failure]
    sendPage(response, status, page(destination.returnTo))
    return
  }
  observe.signIn('started')
  cookies.setBrowser(response, browser)
  redirect(response, begun.value.href)
}

/** The return URL, and what the policy behind it asks of a sign-in. */
const destinationOf = async (
  options: PublicOptions,
  request: Request,
): Promise<Pick<SignInAttempt, 'returnTo' | 'askedProof'>> => {
  const returnTo = returnUrlOf(options, request)
  const session = await sessionOf(options, request)
  const asked = options.proofFor(returnTo, session)
  // Who comes signed in comes for more: that nothing was found to ask for has to be remembered, or
  // he would be sent here again and again.
  return { returnTo, askedProof: asked ?? (session === undefined ? undefined : NOTHING) }
}

/** Where the store cannot be asked, keeping the attempt is about to fail as well. */
const sessionOf = async (
  { cookies, ports }: PublicOptions,
  request: Request,
): Promise<Session | undefined> => {
  const credential = cookies.session(request)
  if (credential.kind !== 'cookie') return undefined
  const found = await ports.sessions.find(credential.sessionId)
  return found.ok ? found.value : undefined
}

/** Where to go after signing in: `rd` if it may be gone to, else `/`, which is counted. */
const returnUrlOf = ({ returnUrls, observe }: PublicOptions, request: Request): string => {
  const { raw, one } = queryOf(request)
  if (!/(?:^|&)rd=/.test(raw)) return '/'
  const url = parseReturnUrl(one('rd') ?? '', returnUrls)
  if (url === undefined) observe.returnUrlRefused()
  return url ?? '/'
}

const BEGIN_FAILURES: Readonly<
  Record<BeginFailure, readonly [number, (returnTo: string) => Page]>
> = {
  store_unreachable: [503, storeUnreachable],
  provider_unreachable: [502, providerUnreachable],
}

const callback = async (
  options: PublicOptions,
  request: Request,
  response: Response,
): Promise<void> => {
  const { ports, cookies, returnUrls, observe } = options
  const understood = isPrefetch(request) ? undefined : readCallback(request)
  const session = cookies.session(request)
  const completed =
    understood === undefined
      ? ({ ok: false, failure: { kind: 'no_attempt' } } as const)
      : await completeSignIn(ports, {
          ...understood,
          browser: cookies.browser(request),
          userAgent: request.get('user-agent'),
          replaces: session.kind === 'cookie' ? session.sessionId : undefined,
        })
  if (!completed.ok) {
    const { failure } = completed
    observe.signIn(failure.kind, 'detail' in failure ? failure.detail : undefined)
    if (failure.kind === 'other_browser') beginAgain(response, failure.returnTo)
    else sendPage(response, ...COMPLETE_FAILURES[failure.kind])
    return
  }
  observe.signIn('completed')
  cookies.setSession(response, completed.value.sessionId)
  // Checked again: the policies may have changed, and what a store held is input.
  redirect(response, parseReturnUrl(completed.value.returnTo, returnUrls) ?? '/')
}

/** Ends: the next attempt uses the cookie that this browser has sent. */
const beginAgain = (response: Response, returnTo: string): void => {
  redirect(response, `/oauth2/start?rd=${encodeURIComponent(returnTo)}`)
}

/** RFC 6749 section 4.1.2: no parameter twice, and either a code or an error. */
const readCallback = (
  request: Request,
): { readonly state: string; readonly isError: boolean; readonly query: string } | undefined => {
  const { raw, one } = queryOf(request)
  const names = [...new URLSearchParams(raw).keys()]
  if (raw.length > 8192 || new Set(names).size !== names.length) return undefined
  const state = parseSessionId(one('state') ?? '')
  const [code, error] = [one('code'), one('error')]
  const hasOne =
    (code ?? '') !== '' ? error === undefined : code === undefined && (error ?? '') !== ''
  return state !== undefined && hasOne
    ? { state, isError: error !== undefined, query: raw }
    : undefined
}

const COMPLETE_FAILURES: Readonly<
  Record<Exclude<CompleteFailure['kind'], 'other_browser'>, readonly [number, Page]>
> = {
  no_attempt: [400, staleSignIn],
  revoked: [400, staleSignIn],
  provider_refused: [400, refusedSignIn],
  refused: [400, refusedSignIn],
  provider_unreachable: [502, providerUnreachable('/')],
  store_unreachable: [503, storeUnreachable('/')],
}
