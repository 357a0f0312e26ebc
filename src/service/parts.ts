import { type Logger } from 'pino'
import { epochSeconds } from '../core/ids.ts'
import { type PolicySet } from '../core/policy/policy.ts'
import { type SessionLimits } from '../core/session.ts'
import { type AssertionKeys } from '../edge/assertion/assertion-keys.ts'
import { type Config } from '../edge/config/config.ts'
import { isHttp } from '../edge/config/cross-checks.ts'
import { type DecisionLog } from '../edge/observe/decision-log.ts'
import { type Metrics } from '../edge/observe/metrics.ts'
import { type OpenIdProvider } from '../edge/oidc/identity-provider.ts'
import { type PolicyWatch } from '../edge/policies/policy-watch.ts'
import { type HeldKeys } from '../edge/sessions/held-keys.ts'
import { type KeyRing } from '../edge/sessions/key-ring.ts'
import { type RecordStore } from '../edge/sessions/record-store.ts'
import { type Sessions } from './sessions.ts'

/** Everything that was read and checked before the service starts. */
export type ServiceInput = {
  readonly config: Config
  readonly policies: PolicySet
  readonly ring: KeyRing
  readonly assertionKeys: AssertionKeys
  readonly log: Logger
}

/** What the listeners are made of. */
export type Parts = Omit<ServiceInput, 'policies' | 'ring' | 'assertionKeys'> & {
  readonly ring: HeldKeys['current']
  readonly assertionKeys: () => AssertionKeys
  readonly policies: PolicyWatch
  readonly metrics: Metrics
  readonly decisionLog: DecisionLog
  readonly records: RecordStore
  readonly sessions: Sessions
  readonly identityProvider: OpenIdProvider
}

export const nowMs = (): number => Date.now()
export const monotonicMs = (): number => performance.now()
export const now = (): ReturnType<typeof epochSeconds> => epochSeconds(Date.now() / 1000)

export const publicOrigin = ({ publicUrl }: Config): string => new URL(publicUrl).origin

export const cookieName = (config: Config): string =>
  config.cookie.name ?? (isHttp(config) ? 'vestibule' : '__Secure-vestibule')

export const limitsOf = ({ session }: Config): SessionLimits => ({
  idleSeconds: session.idle / 1000,
  absoluteSeconds: session.absolute / 1000,
})

export const bugReporter =
  (log: Logger, metrics: Pick<Metrics, 'bug'>) =>
  (error: unknown): void => {
    metrics.bug()
    log.error({ error: error instanceof Error ? error.stack : String(error) }, 'internal error')
  }
