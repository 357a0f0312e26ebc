import express, { type Request, type Response, Router } from 'express'
import { parseHostName } from '../../core/ids.ts'
import { parseReturnUrl } from '../../core/return-url.ts'
import { signOut } from '../../flow/sign-out.ts'
import { isCrossSite, isPrefetch, only, queryOf, redirect } from './browser-request.ts'
import { sendPage } from './page.ts'
import { confirmSignOut, signedOut, signOutFailed } from './pages.ts'
import { type PublicOptions } from './public-options.ts'

/** `/oauth2/sign_out`, and where the identity provider sends the browser afterwards. */
export const signOutRoutes = (options: PublicOptions): Router => {
  const router = Router({ caseSensitive: true, strict: true })
  const form = express.urlencoded({ extended: false, limit: '8kb', parameterLimit: 10 })
  router.all('/oauth2/sign_out', only('GET', 'POST'), form, (request, response) =>
    endSession(options, request, response),
  )
  router.all('/oauth2/signed_out', only('GET'), (request, response) => {
    const state = options.unsealReturn(queryOf(request).one('state') ?? '')
    const url = state === undefined ? undefined : parseReturnUrl(state, options.returnUrls)
    if (url === undefined || url === '/') sendPage(response, 200, signedOut)
    else redirect(response, url)
  })
  return router
}

const endSession = async (
  options: PublicOptions,
  request: Request,
  response: Response,
): Promise<void> => {
  const returnTo = returnUrlOf(options, request)
  if (isPrefetch(request)) {
    response.status(400).end()
  } else if (request.method === 'POST' && !isOwnForm(request, options)) {
    response.status(403).end()
  } else if (request.method === 'GET' && isCrossSite(request)) {
    sendPage(response, 200, confirmSignOut(returnTo))
  } else {
    await endConfirmed(options, request, response, returnTo)
  }
}

const endConfirmed = async (
  { ports, cookies, sealReturn, observe }: PublicOptions,
  request: Request,
  response: Response,
  returnTo: string,
): Promise<void> => {
  const session = cookies.session(request)
  const id = session.kind === 'cookie' ? session.sessionId : undefined
  const ended = await signOut(ports, id, sealReturn(returnTo))
  if (!ended.ok) {
    sendPage(response, 503, signOutFailed)
    return
  }
  observe.signOut('browser')
  cookies.clearSession(response)
  redirect(response, ended.value?.href ?? returnTo)
}

const returnUrlOf = ({ returnUrls, observe }: PublicOptions, request: Request): string => {
  const wanted = queryOf(request).one('rd') ?? formField(request, 'rd')
  if (wanted === undefined) return '/'
  const url = parseReturnUrl(wanted, returnUrls)
  if (url === undefined) observe.returnUrlRefused()
  return url ?? '/'
}

const formField = (request: Request, name: string): string | undefined => {
  const body: unknown = request.body
  if (typeof body !== 'object' || body === null || !Object.hasOwn(body, name)) return undefined
  const value: unknown = Object.entries(body).find(([key]) => key === name)?.[1]
  return typeof value === 'string' ? value : undefined
}

/** A form of this site or of a protected host; browsers say so in one of two headers. */
const isOwnForm = (request: Request, { returnUrls }: PublicOptions): boolean => {
  const site = request.get('sec-fetch-site')
  if (site !== undefined) return site !== 'cross-site'
  const origin = request.get('origin')
  if (origin === undefined || origin === returnUrls.publicOrigin) return true
  const host = parseHostName(/^https?:\/\/([^/:]+)(?::[0-9]+)?$/.exec(origin)?.[1] ?? '')
  return host !== undefined && returnUrls.isRoutedHost(host)
}
