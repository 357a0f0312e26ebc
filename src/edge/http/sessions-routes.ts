import express, { type Request, type Response, Router } from 'express'
import { type SessionId } from '../../core/ids.ts'
import {
  endOwnSessions,
  type OwnOrder,
  type OwnSessions,
  type OwnSessionsPorts,
  ownSessions,
} from '../../flow/own-sessions.ts'
import { type ListedSession } from '../../flow/session-ports.ts'
import { jsonOf } from './admin-routes.ts'
import { isNavigation, isPrefetch, only } from './browser-request.ts'
import { sendPage } from './page.ts'
import { type PublicOptions } from './public-options.ts'
import { sessionsNotEnded, sessionsPage, sessionsUnreachable } from './sessions-page.ts'

const PATH = '/oauth2/sessions'

/** `/oauth2/sessions`: where somebody is signed in, for himself to see and to end. */
export const sessionsRoutes = (options: PublicOptions): Router => {
  const router = Router({ caseSensitive: true, strict: true })
  const form = express.text({ type: 'application/x-www-form-urlencoded', limit: '4kb' })
  router.all(PATH, only('GET', 'POST'), form, async (request, response) => {
    if (isPrefetch(request)) response.status(400).end()
    else if (request.method === 'GET') await show(options, request, response)
    else if (isOwnPage(request, options)) await end(options, request, response)
    else response.status(403).end()
  })
  return router
}

const portsOf = ({ ports, ownSessions: own }: PublicOptions): OwnSessionsPorts => ({
  ...own,
  sessions: ports.sessions,
  identityProvider: ports.identityProvider,
  nowSeconds: ports.now,
})

const show = async (
  options: PublicOptions,
  request: Request,
  response: Response,
): Promise<void> => {
  const found = await ownSessions(portsOf(options), sessionIdOf(options, request))
  if (!found.ok) refuseUnreachable(request, response, sessionsUnreachable)
  else if (found.value === undefined) askToSignIn(request, response)
  else if (isNavigation(request)) {
    // Its form then says where it comes from, also in browsers without fetch metadata.
    response.set('Referrer-Policy', 'same-origin')
    sendPage(response, 200, sessionsPage(found.value, options.ports.now()))
  } else response.json({ sessions: rowsOf(found.value) })
}

const end = async (options: PublicOptions, request: Request, response: Response): Promise<void> => {
  const id = sessionIdOf(options, request)
  const found = await ownSessions(portsOf(options), id)
  if (!found.ok) refuseUnreachable(request, response, sessionsNotEnded)
  else if (id === undefined || found.value === undefined) askToSignIn(request, response)
  else await endConfirmed(options, id, found.value, { request, response })
}

const endConfirmed = async (
  options: PublicOptions,
  id: SessionId,
  own: OwnSessions,
  { request, response }: { readonly request: Request; readonly response: Response },
): Promise<void> => {
  const state = options.sealReturn('/')
  const ended = await endOwnSessions(portsOf(options), id, own, { order: orderOf(request), state })
  if (!ended.ok) {
    refuseUnreachable(request, response, sessionsNotEnded)
    return
  }
  if (ended.value.kind === 'still_signed_in') {
    seeOther(response, PATH)
    return
  }
  options.observe.signOut('browser')
  options.cookies.clearSession(response)
  seeOther(response, ended.value.next?.href ?? '/oauth2/signed_out')
}

/** After a form: whatever the method was, the browser gets what comes next (RFC 9110 15.4.4). */
const seeOther = (response: Response, url: string): void => {
  response.status(303).set('Location', url).end()
}

const orderOf = (request: Request): OwnOrder => {
  const body: unknown = request.body
  const orders = new URLSearchParams(typeof body === 'string' ? body : '').getAll('end')
  const order = orders.length === 1 ? (orders[0] ?? '') : ''
  return order === 'others' || order === 'all' ? order : { key: order }
}

const sessionIdOf = ({ cookies }: PublicOptions, request: Request): SessionId | undefined => {
  const credential = cookies.session(request)
  return credential.kind === 'cookie' ? credential.sessionId : undefined
}

const askToSignIn = (request: Request, response: Response): void => {
  if (isNavigation(request)) seeOther(response, `/oauth2/start?rd=${encodeURIComponent(PATH)}`)
  else response.status(401).json({ error: 'not_signed_in' })
}

const refuseUnreachable = (
  request: Request,
  response: Response,
  page: typeof sessionsUnreachable,
): void => {
  if (isNavigation(request)) sendPage(response, 503, page)
  else response.status(503).json({ error: 'session_store_unreachable' })
}

const rowsOf = ({ here, others }: OwnSessions): readonly object[] =>
  [here, ...others].map((each: ListedSession) => ({
    ...jsonOf(each),
    isThisOne: each.key === here.key,
  }))

/**
 * Only the page itself may order this: applications share the site, and one of them could sign
 * people out everywhere. Browsers say where a form comes from in one of two headers.
 */
const isOwnPage = (request: Request, { returnUrls }: PublicOptions): boolean => {
  const site = request.get('sec-fetch-site')
  if (site !== undefined) return site === 'same-origin'
  const origin = request.get('origin')
  return origin === undefined || origin === returnUrls.publicOrigin
}
