import { type AccessRequest } from '../access-request.ts'
import { type EpochSeconds } from '../ids.ts'
import { type Principal } from '../principal.ts'

/** All that a rule may look at. */
export type Facts = {
  readonly request: AccessRequest
  readonly principal: Principal
  readonly now: EpochSeconds
}

/**
 * Three answers: `absent` means that the fact asked about does not exist (nobody is signed in, the
 * claim is missing). It satisfies no allow, neither directly nor through a negation.
 */
export type Finding = 'holds' | 'fails' | 'absent'

export type Test = (facts: Facts) => Finding

export const found = (holds: boolean): Finding => (holds ? 'holds' : 'fails')

/** What kind of argument a criterion takes; the policy file's schema is made from it. */
export type ArgumentKind =
  | 'none'
  | 'string'
  | 'list'
  | 'path'
  | 'address'
  | 'actor'
  | 'email'
  | 'domain'

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

/** What compiling a criterion may need of its host and of the world. */
export type CompileContext = {
  readonly pathsIgnoreCase: boolean
  /** Two-valued logic; see `compileOperatorsClosed`. */
  readonly absentFails?: true
  /** Compiles CIDR ranges once; answers undefined for text that is no IP address. */
  readonly compileRanges: (ranges: readonly string[]) => (address: string) => boolean | undefined
}

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
