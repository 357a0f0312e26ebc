import { type Binding } from '../confirmation.ts'
import { type CredentialKind } from '../credential.ts'
import { type RuleId, type WantedProof } from '../decision.ts'
import { type IdentityHeaderNames } from '../identity-source.ts'
import { type EpochSeconds, type HostName } from '../ids.ts'
import { type PassingCredentials } from '../passing-credentials.ts'
import { type ProtectedResource } from '../protected-resource.ts'
import { type Test } from './criterion.ts'
import { type Compiled } from './expression.ts'

export type Rule = {
  readonly id: RuleId
  readonly until: EpochSeconds | undefined
  readonly isPublic: boolean
  readonly requirements: readonly Requirement[]
  /** Three-valued: `absent` where the answer hangs on an identity or claim that is not there. */
  readonly test: Test
  /** Two-valued, for denying a known principal; see `compileOperatorsClosed`. */
  readonly closedTest: Test
  /** What the tests are made of, for explaining. */
  readonly condition: Compiled
  readonly closedCondition: Compiled
}

export type Mode =
  | { readonly kind: 'enforce' }
  | { readonly kind: 'observe'; readonly until: EpochSeconds }
  | {
      readonly kind: 'canary'
      readonly until: EpochSeconds
      readonly groups: ReadonlySet<string>
      readonly share: number
    }

/** Stronger proof, where the first test holds. */
export type Requirement = {
  readonly appliesTo: Test
  readonly isProven: Test
  readonly asks: WantedProof
  /** Empty where a token need not be bound. */
  readonly bindings: ReadonlySet<Binding>
}

/** The compiled policy of one host or family of hosts. */
export type HostPolicy = {
  /** The pattern as written; a label value that clients cannot multiply. */
  readonly label: string
  readonly owner: string | undefined
  readonly credentials: ReadonlySet<CredentialKind>
  readonly refusesAmbiguousPaths: boolean
  readonly redirectIsOverridden: boolean
  readonly readsClientCertificate: boolean
  readonly mode: Mode
  readonly requirements: readonly Requirement[]
  readonly presetHeaders: IdentityHeaderNames
  /** What the host says of itself to clients without a token, if it does. */
  readonly protectedResource: ProtectedResource | undefined
  readonly passing: PassingCredentials
  /** The only groups that identity headers may carry on this host. */
  readonly groups: ReadonlySet<string>
  readonly denies: readonly Rule[]
  readonly allows: readonly Rule[]
}

/** All policies of one moment, swapped as one object. */
export type PolicySet = {
  /** Digest of the files; every decision carries it. */
  readonly version: string
  readonly exact: ReadonlyMap<string, HostPolicy>
  /** Keyed by the name below which the hosts lie. */
  readonly below: ReadonlyMap<string, HostPolicy>
}

/** The exact host, else the longest wildcard; the apex is not below itself. */
export const findPolicy = (policies: PolicySet, host: HostName): HostPolicy | undefined => {
  const exact = policies.exact.get(host)
  if (exact !== undefined) return exact
  if (policies.below.size === 0) return undefined
  for (let dot = host.indexOf('.'); dot !== -1; dot = host.indexOf('.', dot + 1)) {
    const found = policies.below.get(host.slice(dot + 1))
    if (found !== undefined) return found
  }
  return undefined
}
