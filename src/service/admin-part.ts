import { type AdminOptions } from '../edge/http/admin-routes.ts'
import { now, type Parts } from './parts.ts'
import { findPorts, revokePorts } from './sessions.ts'

/** What operators may do on the ops listener; whatever they end is written down. */
export const adminOptions = ({
  config,
  sessions,
  log,
}: Pick<Parts, 'config' | 'sessions' | 'log'>): AdminOptions => ({
  token: config.admin.token,
  find: findPorts(config, sessions),
  revoke: revokePorts(config, sessions),
  onRevoked: (order, count) => {
    log.warn({ ...order, sessions: count }, 'an administrator ended sessions')
  },
  serviceTokens: sessions.serviceTokens,
  onTokenChanged: (what, id) => {
    log.warn({ token: id }, `an administrator ${what} a service token`)
  },
  now,
})
