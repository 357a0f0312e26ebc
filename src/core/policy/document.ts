import { type Binding } from '../confirmation.ts'
import { type CredentialKind } from '../credential.ts'
import { type RuleId, type WantedProof } from '../decision.ts'
import { type IdentityHeaderNames } from '../identity-source.ts'
import { type EpochSeconds, type HostName } from '../ids.ts'
import { type PassingCredentials } from '../passing-credentials.ts'
import { type ProtectedResource } from '../protected-resource.ts'
import { type Matcher } from './criterion.ts'

/** A policy file after its schema has been checked; what the compiler takes. */
export type PolicyDocument = {
  readonly hosts: readonly HostPattern[]
  readonly owner: string | undefined
  readonly credentials: readonly CredentialKind[]
  readonly pathsIgnoreCase: boolean
  readonly acceptAmbiguousPaths: boolean
  /** The Ingress overrides `auth-request-redirect`, so that header says nothing of the path. */
  readonly redirectIsOverridden: boolean
  /** nginx verifies client certificates on these hosts and sets the headers about them. */
  readonly readsClientCertificate: boolean
  readonly mode: ModeDocument
  readonly requirements: readonly RequirementDocument[]
  /** Names and sources of identity headers besides the configured ones. */
  readonly presetHeaders: IdentityHeaderNames
  readonly protectedResource: ProtectedResource | undefined
  readonly passing: PassingCredentials
  /** Groups to send on besides those that the rules name. */
  readonly sendGroups: readonly string[]
  readonly rules: readonly RuleDocument[]
}

/** An exact host, or the hosts one or more labels below a name (`*.example.com`). */
export type HostPattern =
  | { readonly kind: 'exact'; readonly name: HostName }
  | { readonly kind: 'below'; readonly name: HostName }

/** How far the rules are enforced; after `until`, wholly. */
export type ModeDocument =
  | { readonly kind: 'enforce' }
  | { readonly kind: 'observe'; readonly until: EpochSeconds }
  | {
      readonly kind: 'canary'
      readonly until: EpochSeconds
      /** For members of these groups, and for so many of a hundred others. */
      readonly groups: readonly string[]
      readonly share: number
    }

/** Stronger proof that is asked of whoever a rule admits, on all paths or some. */
export type RequirementDocument = {
  /** Where it is asked; everywhere if undefined. */
  readonly where: OperatorDocument | undefined
  /** What the sign-in has to show; nothing if undefined. */
  readonly proof: OperatorDocument | undefined
  /** What to ask the provider for, so that the sign-in shows it. */
  readonly asks: WantedProof
  /** How a token has to be bound, in one of these ways; empty where it need not be. */
  readonly bindings: readonly Binding[]
}

export type RuleDocument = {
  readonly id: RuleId
  readonly action: 'allow' | 'deny'
  /** Several operators in one rule are alternatives, as in PPL. */
  readonly operators: readonly OperatorDocument[]
  readonly isPublic: boolean
  /** The rule stops counting at this moment. */
  readonly until: EpochSeconds | undefined
  /** Asked of those whom this rule admits, besides what the host asks. */
  readonly requirements: readonly RequirementDocument[]
  /** Who answers for this rule, where it says so itself. */
  readonly owner: string | undefined
  readonly place: DocumentPlace
}

/** Where something stands in the operator's files: the keys that lead to it. */
export type DocumentPlace = {
  readonly file: string
  readonly path: readonly (string | number)[]
}

export type OperatorName = 'and' | 'or' | 'not' | 'nor'

export type OperatorDocument = {
  readonly operator: OperatorName
  readonly conditions: readonly ConditionDocument[]
}

export type ConditionDocument =
  | OperatorDocument
  | { readonly criterion: string; readonly matcher: Matcher }
