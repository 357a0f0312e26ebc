import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express'
import { type JWK } from 'jose'
import { type WantedProof } from '../../core/decision.ts'
import { type ReturnUrlRules } from '../../core/return-url.ts'
import { type SessionLimits } from '../../core/session.ts'
import { type SignInPorts } from '../../flow/ports.ts'
import { type BeginFailure, type CompleteFailure } from '../../flow/sign-in.ts'
import { type SignInCookies } from './cookies.ts'
import { errorPageRoutes } from './error-page-routes.ts'
import { SECURITY_HEADERS } from './page.ts'
import { signInRoutes } from './sign-in-routes.ts'
import { signOutRoutes } from './sign-out-routes.ts'
import { userRoutes } from './user-routes.ts'

export type PublicOptions = {
  readonly ports: SignInPorts
  readonly cookies: SignInCookies
  readonly returnUrls: ReturnUrlRules
  readonly limits: SessionLimits
  /** What the policy of a checked return URL asks of a sign-in beyond an ordinary one. */
  readonly proofFor: (returnUrl: string) => WantedProof | undefined
  /** Public halves of the assertion keys. */
  readonly publicKeys: () => readonly JWK[]
  /** Carries a return URL through the provider's sign-out, unforgeable. */
  readonly sealReturn: (url: string) => string
  readonly unsealReturn: (state: string) => string | undefined
  readonly observe: PublicEvents
}

/** How a sign-in went on; the label values of a metric. */
export type SignInOutcome = 'started' | 'completed' | BeginFailure | CompleteFailure['kind']

export type PublicEvents = {
  readonly signIn: (outcome: SignInOutcome, detail?: string) => void
  readonly signOut: () => void
  readonly returnUrlRefused: () => void
  readonly bug: (error: unknown) => void
}

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
  app.use(signOutRoutes(options))
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
