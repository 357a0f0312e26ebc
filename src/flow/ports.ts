import { type RequestSketch } from '../core/access-request.ts'
import { type CredentialKind } from '../core/credential.ts'
import { type Decision, type WantedProof } from '../core/decision.ts'
import { type HeaderBudget } from '../core/header-budget.ts'
import { type Identity } from '../core/identity-headers.ts'
import { type EpochSeconds, type HostName, type SessionId, type SessionKey } from '../core/ids.ts'
import { type AppliedMode } from '../core/mode.ts'
import { type HostPolicy, type PolicySet } from '../core/policy/policy.ts'
import { type Authenticated, type Principal } from '../core/principal.ts'
import { type Result } from '../core/result.ts'
import { type Revocable, type Revocation } from '../core/revocation.ts'
import { type Session } from '../core/session.ts'

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
  readonly find: (id: SessionId) => Promise<Found<Session>>
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

/** Who may ask the provider about a session, and whether somebody who did was cut off. */
export type RefreshLeases = {
  /** Takes the right to ask, for so many milliseconds; false where somebody has it. */
  readonly lease: (id: SessionId, ms: number) => Promise<Result<boolean, 'unreachable'>>
  /** False where it was lost. */
  readonly extendLease: (id: SessionId, ms: number) => Promise<Result<boolean, 'unreachable'>>
  readonly release: (id: SessionId) => Promise<Result<undefined, 'unreachable'>>
  /** Writes down that this refresh token is being used: it may be spent before its heir is known. */
  readonly beginRefresh: (
    id: SessionId,
    refreshToken: string,
  ) => Promise<Result<undefined, 'unreachable'>>
  readonly endRefresh: (id: SessionId) => Promise<Result<undefined, 'unreachable'>>
  /** Whether its use was begun, and nobody knows how it ended. */
  readonly isRefreshOpen: (
    id: SessionId,
    refreshToken: string,
  ) => Promise<Result<boolean, 'unreachable'>>
}

export type Standing = 'in_force' | 'revoked' | 'unreachable'

/** What was ended before its time, on any replica. */
export type Revocations = {
  /** Done once every replica will come to know it. */
  readonly add: (revocation: Revocation) => Promise<Result<undefined, 'unreachable'>>
  /** `unreachable`: it cannot be known any more. */
  readonly standingOf: (what: Revocable) => Standing | Promise<Standing>
  /** The first moment (milliseconds, our clocks) at which a session of the subject may begin. */
  readonly notBefore: (subject: string) => Promise<Result<number, 'unreachable'>>
  /** Reads all there is; needed by nobody, but the first request is faster after it. */
  readonly load: () => Promise<Result<undefined, 'unreachable'>>
  readonly size: () => number
}

/** One session as people see it in a list. */
export type ListedSession = {
  readonly key: SessionKey
  readonly createdAt: EpochSeconds | undefined
  readonly lastUsedAt: EpochSeconds
  /** Such as `Firefox on Linux`; undefined where it is not known. */
  readonly browser: string | undefined
}

/** Who has which sessions. */
export type SessionDirectory = {
  /** The live sessions of one subject, newest first. */
  readonly of: (
    issuer: string,
    subject: string,
  ) => Promise<Result<readonly ListedSession[], 'unreachable'>>
  /** One, by its key; what it is, only its cookie tells. */
  readonly find: (key: SessionKey) => Promise<Found<ListedSession>>
  /** All live sessions whose key begins so, in portions. What they are, only their cookies tell. */
  readonly all: (keyStart: string) => AsyncIterable<Result<readonly ListedSession[], 'unreachable'>>
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

export type TokenFailure = 'invalid' | 'expired' | 'unreachable'

/** Proves a bearer token, or says why not. */
export type TokenVerifier = (token: string) => Promise<Result<Authenticated, TokenFailure>>

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

/** Signs who the caller is, for one host; empty where no header carries it. */
export type AssertionSigner = (assertion: {
  readonly host: HostName
  readonly identity: Identity
  readonly sessionKey: SessionKey | undefined
  readonly policyVersion: string
}) => Promise<string>

export type VerifyPorts = {
  readonly policies: () => PolicySet
  readonly sessions: Pick<SessionStore, 'find' | 'keyOf'>
  readonly revocations: Pick<Revocations, 'standingOf'>
  /** What a revocation may know a bearer token by. */
  readonly revocableToken: (principal: Authenticated) => Revocable
  readonly keepFresh: (id: SessionId, session: Session) => Promise<Found<Session>>
  readonly verifyToken: TokenVerifier
  readonly signAssertion: AssertionSigner
  readonly headerBudget: (policy: HostPolicy) => HeaderBudget
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
