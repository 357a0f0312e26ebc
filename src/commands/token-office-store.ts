import { type EpochSeconds, epochSeconds } from '../core/ids.ts'
import { type Result } from '../core/result.ts'
import { readGrant, readRotation, type Written } from '../core/service-token-order.ts'
import { type Config } from '../edge/config/config.ts'
import { type ChangeFailure, type MintedToken } from '../flow/service-token-ports.ts'
import { endServiceToken, plainOf, plainToken } from '../flow/service-tokens.ts'
import { revokePorts } from '../service/sessions.ts'
import { openSessions } from './session-office-store.ts'
import { type ShownOnce, type TokenOffice } from './token-office.ts'

export const openStoreTokens = async (config: Config): Promise<TokenOffice> => {
  const { sessions, records } = await openSessions(config)
  const { serviceTokens } = sessions
  return {
    create: async (written) => {
      const grant = wanted(readGrant, written)
      return shown(reached(await serviceTokens.create(grant)))
    },
    list: async () =>
      reached(await serviceTokens.list()).map((each) => plainToken(each, nowSeconds())),
    find: async (id) => {
      const found = reached(await serviceTokens.find(id))
      return found === undefined ? undefined : plainToken(found, nowSeconds())
    },
    rotate: async (id, written) => {
      const rotation = wanted(readRotation, written)
      const minted = await serviceTokens.rotate(id, rotation)
      if (!minted.ok && minted.failure === 'not_found') return undefined
      return shown(reached(minted))
    },
    end: async (id) => {
      if (reached(await serviceTokens.find(id)) === undefined) return false
      reached(await endServiceToken(revokePorts(config, sessions), id))
      return true
    },
    close: records.close,
  }
}

const shown = ({ text, token }: MintedToken): ShownOnce => ({
  text,
  token: plainOf(token, undefined, nowSeconds()),
})

const wanted = <Order>(
  read: (written: Written, now: EpochSeconds) => Result<Order, string>,
  written: Written,
): Order => {
  const order = read(written, nowSeconds())
  if (!order.ok) throw new TypeError(`--${order.failure}`)
  return order.value
}

const reached = <Value>(found: Result<Value, ChangeFailure>): Value => {
  if (!found.ok) throw new Error(PROBLEMS[found.failure])
  return found.value
}

const PROBLEMS: Readonly<Record<ChangeFailure, string>> = {
  unreachable: 'the session store does not answer; whether anything was changed is not known',
  not_found: 'there is no such token',
  over: 'the token was revoked or has expired: make another one',
}

const nowSeconds = (): EpochSeconds => epochSeconds(Date.now() / 1000)
