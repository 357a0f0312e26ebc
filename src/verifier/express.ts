import { type RequestHandler } from 'express'
import { type AssertionVerifierOptions, createAssertionVerifier } from './assertion-verifier.ts'

export type RequireAssertionOptions = AssertionVerifierOptions & {
  /** Lets requests without an assertion through, for hosts with public rules; the caller is unknown. */
  readonly allowAnonymous?: boolean
}

/**
 * Lets a request through that Vestibule has vouched for, with the caller in
 * `response.locals.caller`; answers 401 to everything else, however it got here.
 */
export const requireAssertion = (options: RequireAssertionOptions): RequestHandler => {
  const verify = createAssertionVerifier(options)
  return async (request, response, next) => {
    const verified = await verify(request.get('X-Vestibule-Assertion'))
    if (verified.ok) {
      response.locals['caller'] = verified.caller
      next()
    } else if (verified.failure === 'missing' && options.allowAnonymous === true) {
      response.locals['caller'] = undefined
      next()
    } else {
      const status = verified.failure === 'unreachable' ? 503 : 401
      response.status(status).set('Cache-Control', 'no-store').end()
    }
  }
}
