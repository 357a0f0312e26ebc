import { type AccessRequest } from '../access-request.ts'
import { type Binding } from '../confirmation.ts'
import { type WantedProof } from '../decision.ts'
import { type EpochSeconds } from '../ids.ts'
import { type Principal } from '../principal.ts'

/** All that a rule may look at. */
export type Facts = {
  readonly request: AccessRequest
  readonly principal: Principal
  /** Undefined where nobody signed in. */
  readonly sessionCreatedAt?: EpochSeconds | undefined
  /** What the provider was asked for when the session was made. */
  readonly askedProof?: WantedProof | undefined
  /** How the token that proved the caller is bound; undefined where it was no token. */
  readonly bindings?: readonly Binding[] | undefined
  readonly now: EpochSeconds
}

/**
 * `absent` means that the fact asked about does not exist (nobody is signed in, the claim is
 * missing); `broken` that an expression failed. Neither satisfies an allow, directly or through a
 * negation; what is broken makes a deny hold.
 */
export type Finding = 'holds' | 'fails' | 'absent' | 'broken'

export type Test = (facts: Facts) => Finding

export const found = (holds: boolean): Finding => (holds ? 'holds' : 'fails')

/** What kind of argument a criterion takes; the policy file's schema is made from it. */
export type ArgumentKind =
  | 'none'
  | 'string'
  | 'claim'
  | 'list'
  | 'path'
  | 'address'
  | 'actor'
  | 'email'
  | 'domain'
  | 'date'
  | 'time_of_day'
  | 'day_of_week'
  | 'device'
  | 'certificate'
  | 'duration'
  | 'expression'

/** A string or list matcher as the file has it, after validation. */
export type Matcher = Readonly<Partial<Record<MatcherName, string | readonly string[] | undefined>>>

export type MatcherName =
  | 'is'
  | 'not'
  | 'in'
  | 'not_in'
  | 'starts_with'
  | 'ends_with'
  | 'contains'
  | 'has'
  | 'exclude'
  | 'after'
  | 'before'
  | 'timezone'
  | 'approved'
  | 'compliant'
  | 'type'
  | 'max_age'
  | 'fingerprint'
  | 'spki_hash'
  | 'san_dns'
  | 'san_email'
  | 'san_uri'

/** What of a client certificate a rule may ask about. */
export type CertificateFacts = {
  /** SHA-256 of the certificate, hexadecimal in lower case. */
  readonly fingerprint: string
  /** SHA-256 of the public key (SPKI), base64. */
  readonly spkiHash: string
  readonly sanDns: readonly string[]
  readonly sanEmail: readonly string[]
  readonly sanUri: readonly string[]
}

/** What compiling a criterion may need of its host and of the world. */
export type CompileContext = {
  readonly pathsIgnoreCase: boolean
  /** Two-valued logic; see `compileOperatorsClosed`. */
  readonly absentFails?: true
  /** Compiles CIDR ranges once; answers undefined for text that is no IP address. */
  readonly compileRanges: (ranges: readonly string[]) => (address: string) => boolean | undefined
  /** Compiles an expression that was checked at load; `broken` where it fails on these facts. */
  readonly compileExpression: (source: string) => (facts: Facts) => Finding
  /** Reads the certificate as the proxy forwards it; undefined for anything else. */
  readonly readCertificate: (forwarded: string) => CertificateFacts | undefined
}

/** What compiling needs of the world; handed in, since the core imports no package. */
export type Toolbox = Pick<
  CompileContext,
  'compileRanges' | 'compileExpression' | 'readCertificate'
>

/**
 * Compiles the positive part of a criterion; negative matchers (`not`, `not_in`, `exclude`) are
 * negations around it. `part` is what follows the slash in `claim/department`.
 */
export type Compile = (matcher: Matcher, context: CompileContext, part: string) => Test

/** One criterion of the policy language, described once for the loader, the schema and the docs. */
export type Criterion = {
  /** The key in the file; a trailing slash means that a part follows, as in `claim/department`. */
  readonly name: string
  readonly argument: ArgumentKind
  /**
   * Whether it can be ground for an allow: network location, time and path are no authority. What
   * `never` holds admits nobody, but its negation admits anybody.
   */
  readonly proves: 'identity' | 'nothing' | 'never'
  readonly summary: string
  /** One YAML flow mapping that shows it. */
  readonly example: string
  readonly compile: Compile
}
