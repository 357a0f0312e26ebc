import { type Actor, type ClaimMapping, type Claims } from '../../core/principal.ts'
import { type KeySet } from './key-set.ts'
import { type Addresses, type ClaimRules } from './token-claims.ts'

/** Somebody whose tokens are accepted, by configuration. */
export type TokenIssuer = ClaimRules &
  Addresses & {
    /** Short name; the principal is called `<name>/<subject>`. */
    readonly name: string
    readonly actorOf: (claims: Claims) => Actor
    readonly mapping: ClaimMapping
    readonly subjectClaim: string
    readonly proof: Proof
  }

/** How a token of this issuer is proven: by its signature, or by asking the issuer. */
export type Proof =
  | {
      readonly kind: 'signature'
      readonly algorithms: readonly string[]
      readonly keys: KeySet
      /** Asked about tokens whose signature is good; undefined where that is enough. */
      readonly review: TokenReview | undefined
    }
  | {
      readonly kind: 'introspection'
      readonly introspect: Introspection
      /** Opaque tokens that begin otherwise are not of this issuer. */
      readonly tokenPrefix: string
      /** False where the issuer names no audience and answers about tokens for us alone. */
      readonly requiresAudience: boolean
    }

/** What an issuer says of a token: how long that may be believed, or why not at all. */
export type TokenReview = (token: string, claims: Claims) => Promise<Reviewed>

export type Reviewed =
  | { readonly kind: 'good'; readonly until: number }
  | { readonly kind: 'bad' }
  | { readonly kind: 'unreachable' }

/** Asks the issuer what a token is; claims where it is active. */
export type Introspection = (
  token: string,
) => Promise<
  | { readonly kind: 'active'; readonly claims: Claims; readonly until: number }
  | { readonly kind: 'inactive' }
  | { readonly kind: 'unreachable' }
>
