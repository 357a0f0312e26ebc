import { type Eventual, thenAt } from '../../core/eventual.ts'
import { type Authenticated, subjectAtIssuer } from '../../core/principal.ts'
import { fail } from '../../core/result.ts'
import { type TokenVerifier, type Turnstile } from '../../flow/ports.ts'
import {
  type CompactToken,
  LONGEST_TOKEN,
  readCompactToken,
  type TokenParts,
} from './compact-token.ts'
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
  const verify = (token: string, addressed: Addressed | undefined): Eventual<Verification> => {
    const now = nowSeconds()
    if (addressed === undefined) return refusal(fail('invalid'), now, always)
    return thenAt(proven(token, addressed, now), (verification) => guarded(verification, now))
  }
  return (token) => {
    if (token.length > LONGEST_TOKEN) return fail('invalid')
    let addressed: Addressed | undefined
    return remember(
      token,
      () => verify(token, addressed),
      (work) => {
        addressed = findIssuer(token)
        return turnstileOf(addressed?.issuer)(work)
      },
    )
  }
}

/** Whose a token claims to be, and what was read of it. */
type Addressed = { readonly issuer: TokenIssuer; readonly parts: TokenParts | undefined }

const proven = (
  token: string,
  { issuer, parts }: Addressed,
  now: number,
): Eventual<Verification> => {
  const { proof } = issuer
  if (proof.kind === 'introspection') return verifyIntrospected(token, issuer, proof, now)
  return parts === undefined
    ? refusal(fail('invalid'), now, always)
    : verifyJwt(parts, { issuer, proof, now })
}

const AT_ONCE: Turnstile = (work) => work()

const always = (): boolean => true

/** Undefined where a token is nobody's, or cannot be a good one of whose it claims to be. */
const createDirectory = (
  issuers: readonly TokenIssuer[],
): ((token: string) => Addressed | undefined) => {
  const byIssuer = new Map(issuers.map((issuer) => [issuer.issuer, issuer]))
  const byTrustDomain = new Map(
    issuers.flatMap((issuer) =>
      issuer.trustDomain === undefined ? [] : [[issuer.trustDomain, issuer] as const],
    ),
  )
  const opaque = opaqueIssuers(issuers)

  /** A SPIFFE ID of a domain whose bundle we have counts from that bundle alone. */
  const ofJwt = ({ issuer, subject, type, parts }: CompactToken): Addressed | undefined => {
    const found = byTrustDomain.get(trustDomainOf(subject) ?? '') ?? byIssuer.get(issuer)
    if (found === undefined) return undefined
    if (found.trustDomain !== undefined && !SPIFFE_ID.test(subject)) return undefined
    return found.proof.kind === 'introspection' || isAcceptedType(type, found.types)
      ? { issuer: found, parts }
      : undefined
  }
  return (token) => {
    const read = readCompactToken(token)
    if (read === undefined) return undefined
    if (read.kind === 'jwt') return ofJwt(read)
    const found = opaque.find(({ begins }) => begins(token))
    return found === undefined ? undefined : { issuer: found.issuer, parts: undefined }
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
