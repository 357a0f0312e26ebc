import { type AccessRequest, type RequestSketch } from '../core/access-request.ts'
import { type Binding } from '../core/confirmation.ts'
import { type CredentialKind } from '../core/credential.ts'
import { type Decision, type WantedProof } from '../core/decision.ts'
import { type Eventual } from '../core/eventual.ts'
import { type Identity } from '../core/identity-headers.ts'
import { type EpochSeconds, type HostName, type SessionId, type SessionKey } from '../core/ids.ts'
import { type AppliedMode } from '../core/mode.ts'
import { type HostPolicy, type PolicySet } from '../core/policy/policy.ts'
import { type Authenticated, type Principal } from '../core/principal.ts'
import { type Result } from '../core/result.ts'
import { type Revocable } from '../core/revocation.ts'
import { type Session, type SessionLimits } from '../core/session.ts'
import { type IdentityOf } from './identity-memory.ts'
import { type Revocations } from './session-ports.ts'

/** What the identity provider gave besides claims; kept apart, since /verify never needs it. */
export type Tokens = {
  readonly idToken: string
  readonly accessToken: string
  /** Seconds since 1970; undefined where the provider did not say. */
  readonly accessExpiresAt: number | undefined
  readonly refreshToken: string | undefined
}

/** `undefined` is "there is none"; the failure is "could not ask". Never mix the two. */
export type Found<Value> = Result<Value | undefined, 'unreachable'>

/**
 * Does a piece of work when its turn comes; undefined where so many wait already that it would come
 * too late.
 */
export type Turnstile = <Value>(work: () => Eventual<Value>) => Eventual<Value> | undefined

export type SessionStore = {
  /**
   * Keeps a new session under a new id and returns that id; `revoked` where its subject was signed
   * out while he was signing in.
   */
  readonly create: (
    session: Omit<Session, 'beganMs'>,
    tokens: Tokens,
    signIn: { readonly startedAt: EpochSeconds; readonly browser: string | undefined },
  ) => Promise<Result<SessionId, 'unreachable' | 'revoked'>>
  /** Finds a live session and lets its idle time begin anew. */
  readonly find: (id: SessionId) => Eventual<Found<Session>>
  /** The same, and where the store has to be asked, only when it is its turn. */
  readonly findInTurn: (
    id: SessionId,
  ) => Eventual<Result<Session | undefined, 'unreachable' | 'overloaded'>>
  /** Like `find`, and asks the store, whatever is known here. */
  readonly findNow: (id: SessionId) => Promise<Found<Session>>
  readonly findTokens: (id: SessionId) => Promise<Found<Tokens>>
  /** Ends a session everywhere; ending one that is not there is no failure. */
  readonly end: (key: SessionKey) => Promise<Result<undefined, 'unreachable'>>
  /** Replaces what is remembered, if the session still exists; says whether it did. */
  readonly update: (
    id: SessionId,
    session: Session,
    tokens: Tokens | undefined,
  ) => Promise<Result<boolean, 'unreachable'>>
  /** Lets a session that a newer one replaced live on for requests under way, then end. */
  readonly retire: (id: SessionId, seconds: number) => Promise<Result<undefined, 'unreachable'>>
  readonly keyOf: (id: SessionId) => SessionKey
}

/** What has to survive between the start of a sign-in and its callback. */
export type SignInAttempt = {
  readonly state: string
  readonly nonce: string
  readonly codeVerifier: string
  /** Hash of the cookie that ties the attempt to one browser. */
  readonly browser: string
  readonly returnTo: string
  /** What the policy of the return URL asks for. */
  readonly askedProof: WantedProof | undefined
  readonly startedAt: EpochSeconds
}

/** Attempts end by themselves after ten minutes; taking one removes it, atomically. */
export type SignInAttempts = {
  readonly keep: (attempt: SignInAttempt) => Promise<Result<undefined, 'unreachable'>>
  readonly take: (state: string) => Promise<Found<SignInAttempt>>
}

export type ExchangeFailure =
  /** The provider's answer is no proof of who this is. */
  | { readonly kind: 'refused'; readonly detail: string }
  | { readonly kind: 'provider_unreachable'; readonly detail: string }

export type SignedInPerson = {
  readonly principal: Authenticated
  readonly tokens: Tokens
  /** `iat` of the ID token. */
  readonly issuedAt: EpochSeconds
}

export type Revalidated = {
  readonly principal: Authenticated
  /** Undefined where they are the same as before. */
  readonly tokens: Tokens | undefined
  /** False where there are new tokens, and no word yet on what is so now. */
  readonly isWhole: boolean
}

export type RevalidationFailure =
  | 'ended'
  /** It answered, and has not said anything about the session. */
  | 'unreachable'
  /** Nobody knows whether it did what it was asked. */
  | 'no_answer'

export type IdentityProvider = {
  /** Where to send the browser; pushes the request first where the provider offers PAR. */
  readonly authorizationUrl: (attempt: SignInAttempt) => Promise<Result<URL, 'unreachable'>>
  /** Redeems the code of a callback, once; never retried. `query` is the callback's raw query. */
  readonly exchange: (
    query: string,
    attempt: SignInAttempt,
  ) => Promise<Result<SignedInPerson, ExchangeFailure>>
  /**
   * Asks again about somebody who signed in: what is so now, or that it is over. With
   * `refreshMayBeSpent` somebody may have used the refresh token already, who got no answer.
   */
  readonly revalidate: (
    tokens: Tokens,
    principal: Authenticated,
    refreshMayBeSpent: boolean,
  ) => Promise<Result<Revalidated, RevalidationFailure>>
  /** RP-initiated logout; undefined where the provider offers none, or is unreachable. */
  readonly endSessionUrl: (idToken: string | undefined, state: string) => Promise<URL | undefined>
}

export type TokenFailure =
  | 'invalid'
  | 'expired'
  /** Genuine, but of a time to come: the clocks differ. */
  | 'not_yet_valid'
  | 'delegation_too_deep'
  /** It was ended by itself. */
  | 'revoked'
  /** Genuine, and not made for the host where it was sent. */
  | 'wrong_host'
  /** The keys of its issuer could not be had. */
  | 'unreachable'
  /** Its issuer could not be asked about it. */
  | 'issuer_unreachable'
  /** Whether there is such a token could not be found out. */
  | 'store_unreachable'
  /** Too many others have to be looked at. */
  | 'overloaded'

/** Proves a bearer token of an issuer, or says why not; at once where it is known already. */
export type TokenVerifier = (token: string) => Eventual<Result<Authenticated, TokenFailure>>

/** The same of any bearer token, sent to that host. */
export type BearerVerifier = (
  token: string,
  host: HostName,
) => Eventual<Result<Authenticated, TokenFailure>>

export type DpopFailure =
  /** Not genuine, or for another request, token or key; or it was used before. */
  | 'invalid'
  /** It lacks the nonce that is asked for. */
  | 'nonce_wanted'
  /** Whether it was used before could not be found out. */
  | 'unreachable'

/** Proves that the sender has the key to which the token is bound (RFC 9449 section 4.3). */
export type DpopVerifier = (
  proof: string,
  about: {
    readonly token: string
    readonly thumbprint: string
    readonly request: Pick<AccessRequest, 'host' | 'method' | 'path' | 'pathIsAmbiguous'>
  },
) => Promise<Result<undefined, DpopFailure>>

/** Written down after every decision. */
export type DecisionRecord = {
  readonly id: string
  readonly decision: Decision
  /** What is known of the request; not all of it where it could not be understood. */
  readonly request: RequestSketch
  readonly policy: HostPolicy | undefined
  readonly policyVersion: string
  readonly principal: Principal
  readonly credential: CredentialKind | 'none'
  /** How the token is bound to its sender, where a token proved the caller. */
  readonly bindings?: readonly Binding[] | undefined
  /** The scheme with which a token was sent, good or bad. */
  readonly tokenScheme?: 'bearer' | 'dpop' | undefined
  readonly sessionKey: SessionKey | undefined
  readonly mode: AppliedMode
}

/** A decision, with what an allow tells the application. */
export type Answer = {
  readonly record: DecisionRecord
  readonly identity: Identity
  readonly assertion: string
  /** Groups that the policy names and that did not fit the headers. */
  readonly groupsCut: number
}

/** How an answer left the process. */
export type Sent = {
  readonly status: number
  /** Headers of the client's own that did not fit, so that the application does not get them. */
  readonly notPassed: readonly string[]
  readonly seconds: number
}

/** Signs who the caller is, for one host; empty where no header carries it. */
export type AssertionSigner = (assertion: {
  readonly host: HostName
  readonly identity: Identity
  readonly sessionKey: SessionKey | undefined
  readonly policyVersion: string
  /** When the session or the token ends: what is signed ends then at the latest. */
  readonly endsAt: EpochSeconds | undefined
}) => Eventual<string>

export type VerifyPorts = {
  readonly policies: () => PolicySet
  readonly sessions: Pick<SessionStore, 'findInTurn' | 'keyOf'>
  readonly revocations: Pick<Revocations, 'standingOf'>
  /** What a revocation may know a bearer token by. */
  readonly revocableToken: (principal: Authenticated) => Revocable
  readonly keepFresh: (id: SessionId, session: Session) => Eventual<Found<Session>>
  readonly verifyToken: BearerVerifier
  readonly verifyProof: DpopVerifier
  /** SHA-256 of a client certificate as the proxy forwards it, in base64url. */
  readonly certificateThumbprint: (forwarded: string) => string | undefined
  readonly signAssertion: AssertionSigner
  readonly identityOf: IdentityOf
  readonly sessionLimits: SessionLimits
  readonly now: () => EpochSeconds
}

export type SignInPorts = {
  readonly attempts: SignInAttempts
  readonly sessions: SessionStore
  readonly identityProvider: IdentityProvider
  readonly now: () => EpochSeconds
  /** 256 random bits in base64url. */
  readonly random: () => string
  readonly hash: (text: string) => string
}
