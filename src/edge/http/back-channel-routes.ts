import { type Request, type Response, Router } from 'express'
import { ok, type Result } from '../../core/result.ts'
import { type LogoutRefusal } from '../../flow/back-channel-logout.ts'
import { only } from './browser-request.ts'
import { type CostLimit } from './cost-limit.ts'
import { type BodyFailure, readSmallBody } from './small-body.ts'

export type BackChannelOptions = {
  readonly logout: (token: string) => Promise<Result<undefined, LogoutRefusal>>
  /** A signature costs, and anybody can send one. */
  readonly limit: CostLimit
  readonly observe: (outcome: BackChannelOutcome) => void
}

/** What became of a request; the label values of a metric. */
export type BackChannelOutcome = 'done' | LogoutRefusal | 'not_understood' | 'limited'

/** The second is how some providers' guides spell it. */
const PATHS = ['/oauth2/backchannel_logout', '/oauth2/backchannel-logout']
const BOUNDS = { mostBytes: 16 * 1024, withinMs: 5000 }

/**
 * Where the identity provider says that somebody signed out (Back-Channel Logout 1.0). No browser
 * is involved: cookies and Origin mean nothing here, the signature everything.
 */
export const backChannelRoutes = (options: BackChannelOptions): Router => {
  const router = Router({ caseSensitive: true, strict: true })
  router.all(PATHS, only('POST'), async (request, response) => {
    const body = isForm(request) ? await readSmallBody(request, BOUNDS) : ok(Buffer.alloc(0))
    const token = body.ok ? tokenOf(body.value) : undefined
    if (token === undefined) refuse(options, response, 'not_understood', statusOf(body))
    else await logOut(options, token, response)
  })
  return router
}

const statusOf = (body: Result<unknown, BodyFailure>): 400 | 408 | 413 => {
  if (body.ok || body.failure === 'broken') return 400
  return body.failure === 'too_large' ? 413 : 408
}

const logOut = async (
  options: BackChannelOptions,
  token: string,
  response: Response,
): Promise<void> => {
  if (!options.limit.take()) {
    refuse(options, response, 'limited')
    return
  }
  const outcome = await options.logout(token)
  if (!outcome.ok) {
    refuse(options, response, outcome.failure)
    return
  }
  options.limit.giveBack()
  options.observe('done')
  response.status(200).end()
}

/** Section 2.5 names one type; another charset would be read by us in its own way. */
const FORM = /^application\/x-www-form-urlencoded[\t ]*(?:;[\t ]*charset="?utf-8"?[\t ]*)?$/i

const isForm = (request: Request): boolean =>
  FORM.test(request.get('content-type') ?? '') && request.get('content-encoding') === undefined

/** Exactly one; section 2.5 says to ignore all other parameters. */
const tokenOf = (body: Buffer): string | undefined => {
  const [token, ...more] = new URLSearchParams(body.toString()).getAll('logout_token')
  return more.length > 0 || token === '' ? undefined : token
}

/** The reason is for the log; whoever sends guesses learns nothing. */
const refuse = (
  { observe }: BackChannelOptions,
  response: Response,
  outcome: Exclude<BackChannelOutcome, 'done'>,
  status = 400,
): void => {
  observe(outcome)
  if (outcome === 'unreachable') {
    say(
      response.set('Retry-After', '1'),
      503,
      'temporarily_unavailable',
      'Nothing was done. Try again.',
    )
  } else if (outcome === 'limited') {
    say(response.set('Retry-After', '1'), 429, 'temporarily_unavailable', 'Too many. Try again.')
  } else {
    // What is left of the body is not waited for.
    say(response.set('Connection', 'close'), status, 'invalid_request', 'No valid logout token.')
  }
}

const say = (response: Response, status: number, error: string, description: string): void => {
  response.status(status).json({ error, error_description: description })
}
