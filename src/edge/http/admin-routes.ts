import express, { type Request, type Response, Router } from 'express'
import { type Secret } from '../../core/secret.ts'
import {
  type FindFailure,
  type FindPorts,
  findSession,
  isKeyStart,
  listSessions,
} from '../../flow/find-sessions.ts'
import { readOrder } from '../../flow/revocation-order.ts'
import { type RevocationOrder, type RevokePorts, revoke } from '../../flow/revoke.ts'
import { type ListedSession } from '../../flow/session-ports.ts'
import { guard, isoTime, readQuery, refuse, refuseUnreachable } from './admin-answers.ts'
import { type AdminTokenOptions, adminTokenRoutes } from './admin-token-routes.ts'
import { only } from './browser-request.ts'

export type AdminOptions = AdminTokenOptions & {
  /** What operators prove themselves by; without one, nobody may do anything. */
  readonly token: Secret | undefined
  readonly find: FindPorts
  readonly revoke: RevokePorts
  readonly onRevoked: (order: RevocationOrder, sessions: number | undefined) => void
}

/** Larger than any order is. */
const LARGEST_BODY = '8kb'
const DEFAULT_LIMIT = 100
const LARGEST_LIMIT = 1000

/** `/admin/*`, for operators: who has which sessions and tokens of ours, and their end. */
export const adminRoutes = (options: AdminOptions): Router => {
  const router = Router({ caseSensitive: true, strict: true })
  router.use('/admin', guard(options.token))
  router.use('/admin', express.raw({ type: () => true, limit: LARGEST_BODY }))
  router.all('/admin/sessions', only('GET', 'DELETE'), async (request, response) => {
    if (request.method === 'GET') await list(options, request, response)
    else await endMany(options, request, response)
  })
  router.all('/admin/sessions/:key', only('GET', 'DELETE'), async (request, response) => {
    if (request.method === 'GET') await show(options, request, response)
    else await endOne(options, request, response)
  })
  router.use(adminTokenRoutes(options))
  return router
}

const list = async (options: AdminOptions, request: Request, response: Response): Promise<void> => {
  const query = readQuery(request, response, ['subject', 'limit'])
  if (query === undefined) return
  const limit = limitOf(query.get('limit'))
  if (limit === undefined) {
    refuse(response, 400, 'bad_request', `limit is a number from 1 to ${LARGEST_LIMIT}`)
    return
  }
  const found = await listSessions(options.find, query.get('subject'), limit)
  if (!found.ok) {
    refuseUnreachable(response)
    return
  }
  const { sessions, isWhole } = found.value
  response.json({ sessions: sessions.map(jsonOf), isWhole })
}

const show = async (options: AdminOptions, request: Request, response: Response): Promise<void> => {
  if (readQuery(request, response, []) === undefined) return
  const found = await find(options, request, response)
  if (found !== undefined) response.json(jsonOf(found))
}

const endMany = async (
  options: AdminOptions,
  request: Request,
  response: Response,
): Promise<void> => {
  const query = readQuery(request, response, ['subject', 'before', 'all'])
  if (query === undefined) return
  const written = {
    subject: query.get('subject'),
    before: query.get('before'),
    all: query.get('all'),
  }
  const order = readOrder(written, options.revoke.nowMs())
  if (order.ok) await end(options, order.value, response)
  else refuse(response, 400, 'bad_request', order.failure)
}

const endOne = async (
  options: AdminOptions,
  request: Request,
  response: Response,
): Promise<void> => {
  if (readQuery(request, response, []) === undefined) return
  const found = await find(options, request, response)
  if (found !== undefined) await end(options, { kind: 'session', key: found.key }, response)
}

const end = async (
  options: AdminOptions,
  order: RevocationOrder,
  response: Response,
): Promise<void> => {
  const revoked = await revoke(options.revoke, order)
  if (!revoked.ok) {
    refuseUnreachable(response)
    return
  }
  const { sessions } = revoked.value
  options.onRevoked(order, sessions)
  response.json({ ended: order.kind, sessions: sessions ?? null })
}

/** The session that the path names; answers itself where there is none. */
const find = async (
  options: AdminOptions,
  request: Request,
  response: Response,
): Promise<ListedSession | undefined> => {
  const start = request.params['key']
  if (typeof start !== 'string' || !isKeyStart(start)) {
    refuse(response, 400, 'bad_request', 'a session is named by 8 or more characters of its key')
    return undefined
  }
  const found = await findSession(options.find, start)
  if (!found.ok) refuseFailure(response, found.failure)
  else if (found.value === undefined) {
    refuse(response, 404, 'not_found', 'There is no such session, or it has ended.')
  }
  return found.ok ? found.value : undefined
}

const refuseFailure = (response: Response, failure: FindFailure): void => {
  if (failure === 'unreachable') refuseUnreachable(response)
  else refuse(response, 409, 'ambiguous', 'Several keys begin so: write more of it.')
}

const limitOf = (text: string | undefined): number | undefined => {
  if (text === undefined) return DEFAULT_LIMIT
  const limit = /^[0-9]{1,5}$/.test(text) ? Number(text) : 0
  return limit >= 1 && limit <= LARGEST_LIMIT ? limit : undefined
}

/** A session as programs see it in a list. */
export const jsonOf = ({
  key,
  createdAt,
  lastUsedAt,
  browser,
}: ListedSession): Readonly<Record<string, string | null>> => ({
  key,
  createdAt: createdAt === undefined ? null : isoTime(createdAt),
  lastUsedAt: isoTime(lastUsedAt),
  browser: browser ?? null,
})
