import { type Config } from '../edge/config/config.ts'
import { createServiceTokenStore } from '../edge/service-tokens/service-token-store.ts'
import { isServiceTokenText } from '../edge/service-tokens/token-text.ts'
import { type KeyRing } from '../edge/sessions/key-ring.ts'
import { createMemoryRecordStore } from '../edge/sessions/memory-record-store.ts'
import { type RecordStore } from '../edge/sessions/record-store.ts'
import { type BearerVerifier, type TokenVerifier } from '../flow/ports.ts'
import { type ServiceTokens } from '../flow/service-token-ports.ts'
import { monotonicMs, nowMs, publicOrigin } from './parts.ts'

const MEMORY_BYTES = 16 * 1024 * 1024

/** In memory they have room of their own: no crowd of sessions pushes a token out. */
export const createServiceTokens = (
  config: Config,
  records: RecordStore,
  ring: () => KeyRing,
): ServiceTokens => {
  const { store, storeOutage } = config.session
  return createServiceTokenStore({
    records:
      store === 'memory'
        ? createMemoryRecordStore({ nowMs, monotonicMs, largestBytes: MEMORY_BYTES })
        : records,
    ring,
    issuer: publicOrigin(config),
    serveKnownForMs: storeOutage.serveKnownFor,
    nowMs,
    monotonicMs,
  })
}

/** A token goes to whom its beginning names: ours to us, all others to the issuers. */
export const bearerVerifier =
  (ours: ServiceTokens['verify'], issuers: TokenVerifier): BearerVerifier =>
  (token, host) =>
    isServiceTokenText(token) ? ours(token, host) : issuers(token)
