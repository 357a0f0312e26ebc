import { type Request, type Response, Router } from 'express'
import { type EpochSeconds } from '../../core/ids.ts'
import { fail, type Result } from '../../core/result.ts'
import { isServiceTokenId } from '../../core/service-token.ts'
import { readGrant, readRotation, type Written } from '../../core/service-token-order.ts'
import { type RevokePorts } from '../../flow/revoke.ts'
import {
  type ChangeFailure,
  type ListedToken,
  type ServiceTokens,
} from '../../flow/service-token-ports.ts'
import { endServiceToken, plainOf, plainToken } from '../../flow/service-tokens.ts'
import { readQuery, refuse, refuseUnreachable } from './admin-answers.ts'
import { only } from './browser-request.ts'

export type AdminTokenOptions = {
  readonly now: () => EpochSeconds
  readonly serviceTokens: ServiceTokens
  readonly revoke: RevokePorts
  readonly onTokenChanged: (what: 'created' | 'rotated' | 'revoked', id: string) => void
}

type Handler = (options: AdminTokenOptions, request: Request, response: Response) => Promise<void>

/** `/admin/tokens`: tokens of our own. The text of one is in the answer that makes it, and no other. */
export const adminTokenRoutes = (options: AdminTokenOptions): Router => {
  const router = Router({ caseSensitive: true, strict: true })
  const route = (path: string, handlers: Readonly<Record<string, Handler>>): void => {
    router.all(path, only(...Object.keys(handlers)), async (request, response) => {
      if (readQuery(request, response, []) === undefined) return
      await handlers[request.method]?.(options, request, response)
    })
  }
  route('/admin/tokens', { GET: list, POST: create })
  route('/admin/tokens/:id', { GET: show, DELETE: end })
  route('/admin/tokens/:id/rotate', { POST: rotate })
  return router
}

const list: Handler = async (options, _request, response) => {
  const listed = await options.serviceTokens.list()
  if (listed.ok)
    response.json({ tokens: listed.value.map((each) => plainToken(each, options.now())) })
  else refuseUnreachable(response)
}

const create: Handler = async (options, request, response) => {
  const grant = readBody(options, request, response, readGrant)
  if (grant === undefined) return
  const minted = await options.serviceTokens.create(grant)
  if (!minted.ok) {
    refuseUnreachable(response)
    return
  }
  const { text, token } = minted.value
  options.onTokenChanged('created', token.id)
  response.status(201).json({ token: text, ...plainOf(token, undefined, options.now()) })
}

const show: Handler = async (options, request, response) => {
  const found = await find(options, request, response)
  if (found !== undefined) response.json(plainToken(found, options.now()))
}

const rotate: Handler = async (options, request, response) => {
  const id = idOf(request, response)
  const rotation = id === undefined ? undefined : readBody(options, request, response, readRotation)
  if (id === undefined || rotation === undefined) return
  const minted = await options.serviceTokens.rotate(id, rotation)
  if (!minted.ok) {
    refuseChange(response, minted.failure)
    return
  }
  const { text, token } = minted.value
  options.onTokenChanged('rotated', id)
  response.json({ token: text, ...plainOf(token, undefined, options.now()) })
}

const end: Handler = async (options, request, response) => {
  const found = await find(options, request, response)
  if (found === undefined) return
  const ended = await endServiceToken(options.revoke, found.id)
  if (!ended.ok) {
    refuseUnreachable(response)
    return
  }
  options.onTokenChanged('revoked', found.id)
  response.json({ ended: 'token', id: found.id })
}

/** The order in the body; answers itself where there is none. */
const readBody = <Order>(
  options: AdminTokenOptions,
  request: Request,
  response: Response,
  read: (written: Written, now: EpochSeconds) => Result<Order, string>,
): Order | undefined => {
  const written = recordOf(request.body)
  const order = written === undefined ? NO_RECORD : read(written, options.now())
  if (order.ok) return order.value
  refuse(response, 400, 'bad_request', order.failure)
  return undefined
}

const NO_RECORD = fail('the body is a JSON object')

const recordOf = (body: unknown): Written | undefined => {
  if (!Buffer.isBuffer(body)) return undefined
  try {
    const value: unknown = JSON.parse(body.toString('utf8'))
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value))
      : undefined
  } catch {
    return undefined
  }
}

const idOf = (request: Request, response: Response): string | undefined => {
  const { id } = request.params
  if (typeof id === 'string' && isServiceTokenId(id)) return id
  refuse(response, 400, 'bad_request', 'a token is named by the 16 characters of its id')
  return undefined
}

/** The token that the path names; answers itself where there is none. */
const find = async (
  { serviceTokens }: AdminTokenOptions,
  request: Request,
  response: Response,
): Promise<ListedToken | undefined> => {
  const id = idOf(request, response)
  const found = id === undefined ? undefined : await serviceTokens.find(id)
  if (found === undefined) return undefined
  if (!found.ok) refuseUnreachable(response)
  else if (found.value === undefined) refuseChange(response, 'not_found')
  return found.ok ? found.value : undefined
}

const refuseChange = (response: Response, failure: ChangeFailure): void => {
  if (failure === 'unreachable') refuseUnreachable(response)
  else if (failure === 'not_found') refuse(response, 404, 'not_found', 'There is no such token.')
  else refuse(response, 409, 'over', 'The token was revoked or has expired: make another one.')
}
