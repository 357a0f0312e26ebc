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
  /** What has to be looked at waits for its turn; at once where there is no turnstile. */
  readonly admit?: Turnstile
}

/**
 * Proves bearer tokens of the configured issuers. What can be told by size and shape is refused
 * before any key is looked for, and a token goes to the one issuer that it names, to no other.
 */
export const createTokenVerifier = (
  issuers: readonly TokenIssuer[],
  { nowSeconds, observe = () => undefined, ...others }: TokenVerifierOptions,
): TokenVerifier => {
  const findIssuer = createDirectory(issuers)
  const remember = createVerificationCache({ ...others, nowSeconds, observe })
  const verify = async (token: string): Promise<Verification> => {
    const now = nowSeconds()
    const issuer = findIssuer(token)
    if (issuer === undefined) return refusal(fail('invalid'), now, always)
    const { proof } = issuer
    return proof.kind === 'signature'
      ? await verifyJwt(token, issuer, proof, now)
      : await verifyIntrospected(token, issuer, proof, now)
  }
  return (token) =>
    token.length > LONGEST_TOKEN ? fail('invalid') : remember(token, () => verify(token))
}

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
    const claimed = /^spiffe:\/\/([^/?#]*)/.exec(subject)?.[1]
    const found = byTrustDomain.get(claimed ?? '') ?? byIssuer.get(issuer)
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
