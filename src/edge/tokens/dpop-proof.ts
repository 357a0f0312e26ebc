import { createHash } from 'node:crypto'
import { type CryptoKey, calculateJwkThumbprint, compactVerify, importJWK, type JWK } from 'jose'
import { LRUCache } from 'lru-cache'
import { z } from 'zod'
import { type EpochSeconds } from '../../core/ids.ts'
import { parseOriginalUrl } from '../../core/original-url.ts'
import { fail, ok, type Result } from '../../core/result.ts'
import { isAmbiguousPath, routedPath } from '../../core/routed-path.ts'
import { type DpopFailure, type DpopVerifier } from '../../flow/ports.ts'
import { readParts, type TokenParts } from './compact-token.ts'

export type DpopOptions = {
  /** `htu` names what the client sees, and nginx may stand behind a balancer that ends TLS. */
  readonly scheme: 'http' | 'https'
  /** How far `iat` may lie from now, to either side. */
  readonly windowSeconds: number
  /** Undefined where no nonce is asked for (RFC 9449 section 9). */
  readonly isNonce: ((nonce: string) => boolean) | undefined
  /** Takes a name for so long; false where it is taken already. Shared by all replicas. */
  readonly claim: (name: string, ttlMs: number) => Promise<Result<boolean, 'unreachable'>>
  readonly now: () => EpochSeconds
}

type About = Parameters<DpopVerifier>[1]

/** Asymmetric, and of those what keys in browsers and libraries are (section 4.3, item 5). */
export const DPOP_ALGORITHMS = ['ES256', 'ES384', 'RS256', 'PS256', 'EdDSA', 'Ed25519'] as const

const MOST_KEYS = 5000

/**
 * Checks a DPoP proof (RFC 9449 section 4.3). The token has been verified: whoever has none cannot
 * make this write into the store.
 */
export const createDpopVerifier = (options: DpopOptions): DpopVerifier => {
  const keys = new LRUCache<string, CryptoKey>({ max: MOST_KEYS })
  return async (proof, about) => {
    const read = readProof(readParts(proof))
    if (read === undefined || !isMeant(read.claims, about, options)) return fail('invalid')
    const key = await keyOf(read.header, about.thumbprint, keys)
    if (key === undefined || !(await isSigned(proof, key))) return fail('invalid')
    if (!hasNonce(read.claims, options)) return fail('nonce_wanted')
    return await claimOnce(read.claims.jti, about.thumbprint, options)
  }
}

const HEADER = z.object({
  typ: z.literal('dpop+jwt'),
  alg: z.enum(DPOP_ALGORITHMS),
  jwk: z.record(z.string(), z.unknown()),
})

const CLAIMS = z.object({
  jti: z.string().min(1).max(256),
  htm: z.string(),
  htu: z.string().max(8192),
  iat: z.number().positive(),
  ath: z.string(),
  exp: z.number().optional(),
  nbf: z.number().optional(),
  nonce: z.string().optional(),
})
type ProofHeader = z.infer<typeof HEADER>
type ProofClaims = z.infer<typeof CLAIMS>

const readProof = (
  parts: TokenParts | undefined,
): { readonly header: ProofHeader; readonly claims: ProofClaims } | undefined => {
  const header = HEADER.safeParse(parts?.header).data
  const claims = CLAIMS.safeParse(parts?.claims).data
  return header === undefined || claims === undefined ? undefined : { header, claims }
}

/** Everything that can be told without cryptography, which costs more. */
const isMeant = (
  claims: ProofClaims,
  { token, request }: About,
  { scheme, windowSeconds, now }: DpopOptions,
): boolean =>
  isTimely(claims, now(), windowSeconds) &&
  claims.htm === request.method &&
  isSameUrl(claims.htu, request, scheme) &&
  claims.ath === createHash('sha256').update(token).digest('base64url')

/** Of the last two RFC 9449 says nothing; but where they are they count (RFC 7519 section 4.1). */
const isTimely = (
  { iat, exp = iat, nbf = iat }: ProofClaims,
  now: number,
  windowSeconds: number,
): boolean =>
  Math.abs(now - iat) <= windowSeconds && exp + windowSeconds >= now && nbf - windowSeconds <= now

/**
 * Whether `htu` names the resource that nginx routed to, its query and fragment left out. Both are
 * read as nginx reads a path. The port says nothing: the original one is client text, and nginx
 * does not route by it.
 */
const isSameUrl = (
  htu: string,
  { host, path, pathIsAmbiguous }: About['request'],
  scheme: DpopOptions['scheme'],
): boolean => {
  const bare = htu.replace(/[?#].*$/s, '')
  const original = parseOriginalUrl(/^https?:\/\/[^/]+$/i.test(bare) ? `${bare}/` : bare)
  return (
    original !== undefined &&
    original.scheme === scheme &&
    original.host === host &&
    routedPath(original.target) === path &&
    isAmbiguousPath(original.target) === pathIsAmbiguous
  )
}

const base64url = z.string().regex(/^[A-Za-z0-9_-]+$/)

/** No private or symmetric key, and no RSA key below 2048 bits (RFC 7518 section 3.3). */
const PUBLIC_JWK = z.discriminatedUnion('kty', [
  z.object({ kty: z.literal('EC'), crv: z.enum(['P-256', 'P-384']), x: base64url, y: base64url }),
  z.object({ kty: z.literal('RSA'), n: base64url.min(342).max(1400), e: base64url.max(8) }),
  z.object({ kty: z.literal('OKP'), crv: z.literal('Ed25519'), x: base64url }),
])
const PRIVATE = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']

/** The key in the header, if it is the one to which the token is bound. */
const keyOf = async (
  { alg, jwk: shown }: ProofHeader,
  thumbprint: string,
  keys: LRUCache<string, CryptoKey>,
): Promise<CryptoKey | undefined> => {
  const jwk = PUBLIC_JWK.safeParse(shown).data
  if (jwk === undefined || PRIVATE.some((member) => Object.hasOwn(shown, member))) return undefined
  if ((await calculateJwkThumbprint(jwk)) !== thumbprint) return undefined
  const name = `${alg} ${thumbprint}`
  const known = keys.get(name)
  if (known !== undefined) return known
  const imported = await importPublic(jwk, alg)
  if (imported !== undefined) keys.set(name, imported)
  return imported
}

/** Whatever the library cannot make a key of for this algorithm is none. */
const importPublic = async (jwk: JWK, alg: string): Promise<CryptoKey | undefined> => {
  try {
    const key = await importJWK(jwk, alg)
    return key instanceof Uint8Array ? undefined : key
  } catch {
    return undefined
  }
}

const isSigned = async (proof: string, key: CryptoKey): Promise<boolean> => {
  try {
    await compactVerify(proof, key, { algorithms: [...DPOP_ALGORITHMS] })
    return true
  } catch {
    return false
  }
}

const hasNonce = ({ nonce }: ProofClaims, { isNonce }: DpopOptions): boolean =>
  isNonce === undefined || (nonce !== undefined && isNonce(nonce))

/** Remembered under the key as well, so that nobody can use up the names of others (section 11.1). */
const claimOnce = async (
  jti: string,
  thumbprint: string,
  { claim, windowSeconds }: DpopOptions,
): Promise<Result<undefined, DpopFailure>> => {
  const name = createHash('sha256').update(`${thumbprint} ${jti}`).digest('base64url')
  // A proof may come from the end of the window to come, and be sent again until the end of its own.
  const claimed = await claim(`vestibule:dpop:${name}`, (2 * windowSeconds + 1) * 1000)
  if (!claimed.ok) return claimed
  return claimed.value ? ok(undefined) : fail('invalid')
}
