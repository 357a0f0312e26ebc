import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express'
import { backChannelRoutes } from './back-channel-routes.ts'
import { errorPageRoutes } from './error-page-routes.ts'
import { frontChannelRoutes } from './front-channel-routes.ts'
import { SECURITY_HEADERS } from './page.ts'
import { type PublicOptions } from './public-options.ts'
import { resourceRoutes } from './resource-routes.ts'
import { sessionsRoutes } from './sessions-routes.ts'
import { signInRoutes } from './sign-in-routes.ts'
import { signOutRoutes } from './sign-out-routes.ts'
import { userRoutes } from './user-routes.ts'

/** The listener that browsers, the identity provider and back ends reach. */
export const createPublicApp = (options: PublicOptions): Express => {
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  app.enable('case sensitive routing')
  app.enable('strict routing')
  // Query strings are read strictly where they are needed, from the raw URL.
  app.set('query parser', false)
  app.use(securityHeaders)
  app.use(errorPageRoutes(options.returnUrls.publicOrigin))
  app.use(signInRoutes(options))
  app.use(resourceRoutes(options))
  app.use(signOutRoutes(options))
  app.use(backChannelRoutes(options.backChannel))
  app.use(frontChannelRoutes(options))
  app.use(sessionsRoutes(options))
  app.use(userRoutes(options))
  app.use(notFound)
  app.use(lastResort(options.observe.bug))
  return app
}

const securityHeaders: RequestHandler = (_request, response, next) => {
  response.set(SECURITY_HEADERS)
  next()
}

export const notFound: RequestHandler = (_request, response) => {
  response.status(404).end()
}

/** Four parameters mark an error handler for express. The error is for the log, not the reader. */
export const lastResort =
  (onBug: (error: unknown) => void): ErrorRequestHandler =>
  (error: unknown, _request, response, _next) => {
    const status = clientErrorStatus(error)
    if (status === undefined) onBug(error)
    if (response.headersSent) response.destroy()
    else response.status(status ?? 500).end()
  }

/** body-parser and the router mark what the client did wrong with a status below 500. */
const clientErrorStatus = (error: unknown): number | undefined => {
  const status =
    typeof error === 'object' && error !== null && 'status' in error ? error.status : undefined
  return typeof status === 'number' && status >= 400 && status < 500 ? status : undefined
}
