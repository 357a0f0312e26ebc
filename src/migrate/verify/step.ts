import { type HostName } from '../../core/ids.ts'
import { type DirectWay, type PlannedCaller } from './plan.ts'

/** What one request is to show. */
export type StepKind =
  | 'anonymous'
  | 'right_person'
  | 'wrong_person'
  | 'spoofed_anonymous'
  | 'spoofed_identity'
  | 'spoofed_spelling'
  | 'impersonation'
  | 'direct'

/** One request, with what should come of it. */
export type Step = {
  /** Sent as X-Request-ID; the decision log is searched for it. */
  readonly id: string
  readonly host: HostName
  readonly kind: StepKind
  readonly caller: string | undefined
  readonly method: string
  readonly url: string
  readonly address: string | undefined
  /** Besides those of the caller's credential. */
  readonly headers: readonly Header[]
  readonly answer: ExpectedAnswer
  /** Undefined where no request of it should reach Vestibule. */
  readonly decision: ExpectedDecision | undefined
  /** Where in the plan the host stands. */
  readonly line: number
}

export type Header = readonly [name: string, value: string]

export type ExpectedAnswer =
  | { readonly kind: 'sign_in'; readonly location: string | undefined }
  | { readonly kind: 'status'; readonly statuses: readonly number[] }
  | {
      readonly kind: 'identity'
      /** None where the spelling may be refused as well. */
      readonly mayBeRefused: boolean
      readonly shows: string
      readonly markers: readonly Marker[]
    }
  | { readonly kind: 'nothing'; readonly way: DirectWay }

/** What the client wrote into a header, which must not come out at the application. */
export type Marker = { readonly header: string; readonly value: string }

export type ExpectedDecision = {
  readonly effects: readonly ('allow' | 'challenge' | 'deny')[]
  readonly reason: string | undefined
  readonly caller: PlannedCaller | undefined
  readonly mode: 'enforce' | 'observe'
  readonly method: string
  /** As rules see it; undefined where it cannot be foretold. */
  readonly path: string | undefined
}

/** What came back; a body is read as far as it is needed. */
export type Answered =
  | {
      readonly kind: 'answer'
      readonly status: number
      readonly location: string | undefined
      readonly body: string
    }
  /** `closed`: somebody accepted the connection and said nothing. */
  | { readonly kind: 'closed' | 'unreachable' | 'unresolved'; readonly detail: string }
