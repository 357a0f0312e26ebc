import { createHash, timingSafeEqual } from 'node:crypto'
import { type Request, type RequestHandler, type Response } from 'express'
import { type Secret } from '../../core/secret.ts'

/** Lets nobody by but who has the admin token. */
export const guard =
  (token: Secret | undefined): RequestHandler =>
  (request, response, next) => {
    response.set('Cache-Control', 'no-store')
    if (token === undefined) {
      refuse(response, 403, 'no_admin_token', 'Nobody may do this: set admin.tokenFile.')
      return
    }
    const offered = /^bearer (.+)$/i.exec(request.get('authorization') ?? '')?.[1]
    if (offered !== undefined && isSame(offered, token.reveal())) {
      next()
      return
    }
    const error = offered === undefined ? '' : ', error="invalid_token"'
    response.set('WWW-Authenticate', `Bearer realm="vestibule admin"${error}`)
    refuse(response, 401, 'invalid_token', 'Send the admin token: Authorization: Bearer TOKEN.')
  }

/** Digests have one length, so that comparing them tells nothing of the token. */
const isSame = (one: string, other: string): boolean => timingSafeEqual(digest(one), digest(other))

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

export const refuseUnreachable = (response: Response): void =>
  refuse(
    response,
    503,
    'session_store_unreachable',
    'The session store does not answer. Whether anything ended is not known: do it again.',
  )

export const refuse = (
  response: Response,
  status: number,
  error: string,
  description: string,
): void => {
  response.status(status).json({ error, error_description: description })
}

/** The parameters of the query; answers itself where one is unknown or stands twice. */
export const readQuery = (
  request: Request,
  response: Response,
  known: readonly string[],
): ReadonlyMap<string, string> | undefined => {
  const parameters = [...new URLSearchParams(request.originalUrl.split('?').slice(1).join('?'))]
  const unknown = parameters.flatMap(([name]) => (known.includes(name) ? [] : [name]))
  const names = parameters.map(([name]) => name)
  const twice = names.filter((name, index) => names.indexOf(name) < index)
  const [bad] = [...unknown, ...twice]
  if (bad === undefined) return new Map(parameters)
  const what = unknown.length > 0 ? 'unknown' : 'repeated'
  refuse(response, 400, 'bad_request', `${what} query parameter: ${bad.slice(0, 100)}`)
  return undefined
}

export const isoTime = (seconds: number): string => new Date(seconds * 1000).toISOString()
