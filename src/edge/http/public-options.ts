import { type JWK } from 'jose'
import { type WantedProof } from '../../core/decision.ts'
import { type ReturnUrlRules } from '../../core/return-url.ts'
import { type Session, type SessionLimits } from '../../core/session.ts'
import { type OwnSessionsPorts } from '../../flow/own-sessions.ts'
import { type SignInPorts } from '../../flow/ports.ts'
import { type BeginFailure, type CompleteFailure } from '../../flow/sign-in.ts'
import { type SignOutWay } from '../../flow/sign-out.ts'
import { type BackChannelOptions } from './back-channel-routes.ts'
import { type SignInCookies } from './cookies.ts'

/** What the routes of the public listener need. */
export type PublicOptions = {
  readonly ports: SignInPorts
  readonly cookies: SignInCookies
  /** Of the identity provider. */
  readonly issuer: string
  readonly backChannel: BackChannelOptions
  readonly ownSessions: Pick<OwnSessionsPorts, 'directory' | 'revoke'>
  readonly returnUrls: ReturnUrlRules
  readonly limits: SessionLimits
  /**
   * What the policy of a checked return URL asks of a sign-in beyond an ordinary one, of whoever
   * has this session.
   */
  readonly proofFor: (returnUrl: string, session: Session | undefined) => WantedProof | undefined
  /** Public halves of the assertion keys. */
  readonly publicKeys: () => readonly JWK[]
  /** What a protected host says of itself, by the Host header; undefined where it says nothing. */
  readonly resourceMetadata: (host: string) => Readonly<Record<string, unknown>> | undefined
  /** Carries a return URL through the provider's sign-out, unforgeable. */
  readonly sealReturn: (url: string) => string
  readonly unsealReturn: (state: string) => string | undefined
  readonly observe: PublicEvents
}

/** How a sign-in went on; the label values of a metric. */
export type SignInOutcome = 'started' | 'completed' | BeginFailure | CompleteFailure['kind']

export type PublicEvents = {
  readonly signIn: (outcome: SignInOutcome, detail?: string) => void
  readonly signOut: (way: SignOutWay) => void
  readonly returnUrlRefused: () => void
  readonly bug: (error: unknown) => void
}
