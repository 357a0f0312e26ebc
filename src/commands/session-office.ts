import { type Config } from '../edge/config/config.ts'
import { type SessionList } from '../flow/find-sessions.ts'
import { type RevocationOrder } from '../flow/revoke.ts'
import { type ListedSession } from '../flow/session-ports.ts'
import { openServerOffice } from './session-office-server.ts'
import { openStoreOffice } from './session-office-store.ts'

/** Where sessions are listed and ended: the store, or a running service. Throws where it cannot. */
export type SessionOffice = {
  readonly list: (subject: string | undefined, most: number) => Promise<SessionList>
  /** By its key, or by a beginning of it that only one session has. */
  readonly find: (keyStart: string) => Promise<ListedSession | undefined>
  /** How many sessions were seen to end; undefined where nobody counts them. */
  readonly end: (order: RevocationOrder) => Promise<number | undefined>
  readonly close: () => Promise<void>
}

/** A store in memory is known to the running service alone, so that is asked; or `--server`. */
export const openOffice = async (
  config: Config,
  server: string | undefined,
): Promise<SessionOffice> =>
  server === undefined && config.session.store !== 'memory'
    ? await openStoreOffice(config)
    : openServerOffice(server ?? `http://${reachable(config.listen.ops)}`, config.admin.token)

/** An address to listen on, as an address to ask: all of this machine's are one of them. */
export const reachable = (address: string): string =>
  address.replace(/^0\.0\.0\.0:/, '127.0.0.1:').replace(/^\[::\]:/, '[::1]:')
