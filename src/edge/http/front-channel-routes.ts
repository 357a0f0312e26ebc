import { type Request, type Response, Router } from 'express'
import { frontChannelLogout, type NamedSession } from '../../flow/front-channel-logout.ts'
import { isPrefetch, only, queryOf } from './browser-request.ts'
import { allowFrameBy, sendPage } from './page.ts'
import { endedElsewhere, signOutFailed } from './pages.ts'
import { type PublicOptions } from './public-options.ts'

const PATHS = ['/oauth2/frontchannel_logout', '/oauth2/frontchannel-logout']

/**
 * What the identity provider opens in a frame when somebody signs out there (Front-Channel Logout
 * 1.0). `iss` and `sid` are both asked for: without them any site could sign people out by a frame.
 */
export const frontChannelRoutes = (options: PublicOptions): Router => {
  const router = Router({ caseSensitive: true, strict: true })
  router.all(PATHS, only('GET'), async (request, response) => {
    allowFrameBy(response, new URL(options.issuer).origin)
    const named = namedSession(request)
    if (named === undefined || isPrefetch(request)) response.status(400).end()
    else await endNamed(options, request, response, named)
  })
  return router
}

const namedSession = (request: Request): NamedSession | undefined => {
  const query = queryOf(request)
  const [issuer, sid] = [query.one('iss'), query.one('sid')]
  return issuer === undefined || sid === undefined ? undefined : { issuer, sid }
}

const endNamed = async (
  { ports, cookies, observe }: PublicOptions,
  request: Request,
  response: Response,
  named: NamedSession,
): Promise<void> => {
  const session = cookies.session(request)
  const id = session.kind === 'cookie' ? session.sessionId : undefined
  const ended = await frontChannelLogout(ports.sessions, id, named)
  if (!ended.ok) {
    sendPage(response, 503, signOutFailed)
    return
  }
  if (ended.value === 'ended') {
    observe.signOut('front_channel')
    cookies.clearSession(response)
  }
  sendPage(response, 200, endedElsewhere)
}
