import { type Written } from '../core/service-token-order.ts'
import { type Config } from '../edge/config/config.ts'
import { type PlainToken } from '../flow/service-tokens.ts'
import { reachable } from './session-office.ts'
import { openServerTokens } from './token-office-server.ts'
import { openStoreTokens } from './token-office-store.ts'

/** A token just made or rotated: what is known of it, and its text, which is shown once. */
export type ShownOnce = { readonly text: string; readonly token: PlainToken }

/** Where tokens are made and ended: the store, or a running service. Throws where it cannot. */
export type TokenOffice = {
  readonly create: (written: Written) => Promise<ShownOnce>
  readonly list: () => Promise<readonly PlainToken[]>
  readonly find: (id: string) => Promise<PlainToken | undefined>
  /** Undefined where there is no such token. */
  readonly rotate: (id: string, written: Written) => Promise<ShownOnce | undefined>
  /** False where there is no such token. */
  readonly end: (id: string) => Promise<boolean>
  readonly close: () => Promise<void>
}

/** A store in memory is known to the running service alone, so that is asked; or `--server`. */
export const openTokenOffice = async (
  config: Config,
  server: string | undefined,
): Promise<TokenOffice> =>
  server === undefined && config.session.store !== 'memory'
    ? await openStoreTokens(config)
    : openServerTokens(server ?? `http://${reachable(config.listen.ops)}`, config.admin.token)
