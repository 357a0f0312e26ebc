import { type Authenticated, subjectAtIssuer } from '../../core/principal.ts'
import { fail } from '../../core/result.ts'
import { type TokenVerifier, type Turnstile } from '../../flow/ports.ts'
import { type CompactToken, LONGEST_TOKEN, readCompactToken } from './compact-token.ts'
import { verifyIntrospected } from './introspected-token.ts'
import { refusal, verifyJwt } from './jwt-verification.ts'
import { isAcceptedType } from './token-claims.ts'
import { type TokenIssuer } from './token-issuer.ts'
import { createVerificationCache, type Verification } from './verification-cache.ts'

export type TokenVerifierOptions = {
  readonly nowSeconds: () => number
  /** Called for each token that was looked up. */
  readonly observe?: (outcome: 'hit' | 'shared' | 'miss') => void
  /**
   * Where tokens wait that have to be looked at, for each issuer apart: one that hangs must not keep
   * those of others waiting. Undefined is for those that are nobody's.
   */
  readonly turnstileOf?: (issuer: TokenIssuer | undefined) => Turnstile
}

/**
 * Proves bearer tokens of the configured issuers. What can be told by size and shape is refused
 * before any key is looked for, and a token goes to the one issuer that it names, to no other.
 */
export const createTokenVerifier = (
  issuers: readonly TokenIssuer[],
  { nowSeconds, observe = () => undefined, turnstileOf = () => AT_ONCE }: TokenVerifierOptions,
): TokenVerifier => {
  const findIssuer = createDirectory(issuers)
  const domains = new Map(
    issuers.flatMap(({ trustDomain, issuer }) =>
      trustDomain === undefined ? [] : [[trustDomain, issuer] as const],
    ),
  )
  /** In `act`, and in what an issuer answers, it may name whom it cannot vouch for. */
  const isForeign = (who: Authenticated | undefined): boolean => {
    const domain = who === undefined ? undefined : trustDomainOf(subjectAtIssuer(who))
    return domain !== undefined && (domains.get(domain) ?? who?.issuer) !== who?.issuer
  }
  const guarded = (verification: Verification, now: number): Verification => {
    const { outcome } = verification
    return outcome.ok && [outcome.value, outcome.value.onBehalfOf].some(isForeign)
      ? refusal(fail('invalid'), now, verification.stillHolds)
      : verification
  }
  const remember = createVerificationCache({ nowSeconds, observe })
  const verify = async (token: string, issuer: TokenIssuer | undefined): Promise<Verification> => {
    const now = nowSeconds()
    if (issuer === undefined) return refusal(fail('invalid'), now, always)
    const { proof } = issuer
    const verification =
      proof.kind === 'signature'
        ? await verifyJwt(token, issuer, proof, now)
        : await verifyIntrospected(token, issuer, proof, now)
    return guarded(verification, now)
  }
  return (token) => {
    if (token.length > LONGEST_TOKEN) return fail('invalid')
    let issuer: TokenIssuer | undefined
    return remember(
      token,
      () => verify(token, issuer),
      (work) => {
        issuer = findIssuer(token)
        return turnstileOf(issuer)(work)
      },
    )
  }
}

const AT_ONCE: Turnstile = (work) => work()

const always = (): boolean => true

/** Whose a token claims to be; undefined where it is nobody's, or cannot be a good one of his. */
const createDirectory = (
  issuers: readonly TokenIssuer[],
): ((token: string) => TokenIssuer | undefined) => {
  const byIssuer = new Map(issuers.map((issuer) => [issuer.issuer, issuer]))
  const byTrustDomain = new Map(
    issuers.flatMap((issuer) =>
      issuer.trustDomain === undefined ? [] : [[issuer.trustDomain, issuer] as const],
    ),
  )
  const opaque = opaqueIssuers(issuers)

  /** A SPIFFE ID of a domain whose bundle we have counts from that bundle alone. */
  const ofJwt = ({ issuer, subject, type }: CompactToken): TokenIssuer | undefined => {
    const found = byTrustDomain.get(trustDomainOf(subject) ?? '') ?? byIssuer.get(issuer)
    if (found === undefined) return undefined
    if (found.trustDomain !== undefined && !SPIFFE_ID.test(subject)) return undefined
    return found.proof.kind === 'introspection' || isAcceptedType(type, found.types)
      ? found
      : undefined
  }
  return (token) => {
    const read = readCompactToken(token)
    if (read === undefined) return undefined
    return read.kind === 'jwt' ? ofJwt(read) : opaque.find(({ begins }) => begins(token))?.issuer
  }
}

const trustDomainOf = (subject: string): string | undefined =>
  /^spiffe:\/\/([^/?#]*)/.exec(subject)?.[1]

/** `spiffe://<trust domain>/<path>` as the SPIFFE ID specification allows it (section 2). */
const SPIFFE_ID = /^spiffe:\/\/[a-z0-9._-]{1,255}(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._-]+)+$/

type Opaque = { readonly begins: (token: string) => boolean; readonly issuer: TokenIssuer }

/** The longest prefix first; the configuration allows one issuer to have none. */
const opaqueIssuers = (issuers: readonly TokenIssuer[]): readonly Opaque[] =>
  issuers
    .flatMap((issuer) =>
      issuer.proof.kind === 'introspection' ? [{ issuer, prefix: issuer.proof.tokenPrefix }] : [],
    )
    .toSorted((a, b) => b.prefix.length - a.prefix.length)
    .map(({ issuer, prefix }) => ({ issuer, begins: (token) => token.startsWith(prefix) }))
