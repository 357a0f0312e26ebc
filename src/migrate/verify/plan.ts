import { type HostName } from '../../core/ids.ts'
import { type Actor } from '../../core/principal.ts'

/** What is asked of running hosts, and what should come out. Secrets are not in it. */
export type Plan = {
  /** Where `auth-signin` leads, without its query. */
  readonly signIn: string | undefined
  /** Headers that tell applications who it is; clients must not be able to set them. */
  readonly identityHeaders: readonly string[]
  /** By the name that hosts use. */
  readonly callers: ReadonlyMap<string, PlannedCaller>
  readonly hosts: readonly PlannedHost[]
}

export type PlannedCaller = {
  readonly credential: 'cookie' | 'bearer'
  /** As the decision log should name them. */
  readonly subject: string | undefined
  readonly email: string | undefined
  readonly actor: Actor | undefined
}

export type PlannedHost = {
  readonly host: HostName
  /** Scheme, host and port. */
  readonly origin: string
  /** Where to connect instead of asking the name service. */
  readonly address: string | undefined
  /** With `observe` everybody is let through, and the log says who would not have been. */
  readonly mode: 'enforce' | 'observe'
  readonly anonymous: AnonymousVisit
  readonly right: readonly Visit[]
  readonly wrong: readonly RefusedVisit[]
  readonly identity: IdentityPage | undefined
  readonly direct: readonly DirectWay[]
  /** Where in the plan it stands. */
  readonly line: number
}

export type AnonymousVisit = {
  readonly path: string
  /** `sign_in` is a redirect to the sign-in page. */
  readonly answer: 'sign_in' | '401' | '403'
}

export type Visit = {
  readonly caller: string
  readonly method: string
  readonly path: string
  readonly status: number
}

export type RefusedVisit = Omit<Visit, 'status'> & {
  /** The reason in the decision log; any refusal where it is not said. */
  readonly reason: string | undefined
}

/** A page of the application on which stands who is signed in. */
export type IdentityPage = {
  readonly caller: string
  readonly path: string
  readonly shows: string
}

/** A way around the ingress, such as the Service or a NodePort. */
export type DirectWay = {
  readonly url: string
  readonly address: string | undefined
  /** `none`: no connection at all. `refused`: a connection may be closed, or answered 401 or 403. */
  readonly answer: 'none' | 'refused'
}
