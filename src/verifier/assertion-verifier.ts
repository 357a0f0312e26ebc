import { createRemoteJWKSet, errors, type JWTVerifyGetKey, jwtVerify } from 'jose'
import { type Caller, callerOf } from './caller.ts'

export type AssertionVerifierOptions = {
  /** Origin of Vestibule's `publicUrl`. */
  readonly issuer: string
  /** The host, or hosts, under which nginx routes to this application. */
  readonly audience: string | readonly string[]
  /** Where the keys are; `/.well-known/jwks.json` of the issuer, if absent. */
  readonly jwksUrl?: string
  readonly algorithms?: readonly ('ES256' | 'RS256')[]
  /** Keys are fetched anew after so long: a key that was withdrawn counts no longer than this. */
  readonly keysMaxAgeSeconds?: number
  /** An unknown key id fetches them at most once in this time. */
  readonly cooldownSeconds?: number
  /** How far the clocks of Vestibule and application may differ. */
  readonly toleranceSeconds?: number
}

export type Verification =
  | { readonly ok: true; readonly caller: Caller }
  /** No assertion came: the request did not pass nginx, or a public rule let somebody unknown in. */
  | { readonly ok: false; readonly failure: 'missing' }
  /** Not genuine, expired, or for another host. */
  | { readonly ok: false; readonly failure: 'refused' }
  /** The keys could not be fetched. */
  | { readonly ok: false; readonly failure: 'unreachable' }

export type AssertionVerifier = (assertion: string | undefined) => Promise<Verification>

/** Longer than any that Vestibule sends. */
const LONGEST = 4096
const FETCH_MS = 5000

/** Verifies `X-Vestibule-Assertion` with nothing but the published keys. */
export const createAssertionVerifier = (options: AssertionVerifierOptions): AssertionVerifier => {
  const { issuer, jwksUrl = `${issuer}/.well-known/jwks.json` } = options
  const keys = createRemoteJWKSet(new URL(jwksUrl), {
    cacheMaxAge: (options.keysMaxAgeSeconds ?? 300) * 1000,
    cooldownDuration: (options.cooldownSeconds ?? 1) * 1000,
    timeoutDuration: FETCH_MS,
  })
  return async (assertion = '') => {
    if (assertion === '') return { ok: false, failure: 'missing' }
    return assertion.length > LONGEST ? REFUSED : await verifyWith(keys, assertion, options)
  }
}

const REFUSED: Verification = { ok: false, failure: 'refused' }

const verifyWith = async (
  keys: JWTVerifyGetKey,
  assertion: string,
  {
    issuer,
    audience,
    algorithms = ['ES256', 'RS256'],
    toleranceSeconds = 5,
  }: AssertionVerifierOptions,
): Promise<Verification> => {
  try {
    const { payload } = await jwtVerify(assertion, keys, {
      issuer,
      audience: typeof audience === 'string' ? audience : [...audience],
      algorithms: [...algorithms],
      typ: 'JWT',
      requiredClaims: ['exp', 'iat', 'sub', 'jti'],
      // One audience and five minutes are all that Vestibule ever signs.
      maxTokenAge: 300,
      clockTolerance: toleranceSeconds,
    })
    const caller = typeof payload.aud === 'string' ? callerOf(payload) : undefined
    return caller === undefined ? REFUSED : { ok: true, caller }
  } catch (error) {
    return isOfToken(error) ? REFUSED : { ok: false, failure: 'unreachable' }
  }
}

/** By code; what is not the token's fault is that of the keys or of the way to them. */
const isOfToken = (error: unknown): boolean =>
  error instanceof errors.JOSEError && OF_TOKEN.has(error.code)

const OF_TOKEN: ReadonlySet<string> = new Set([
  errors.JWTExpired.code,
  errors.JWTClaimValidationFailed.code,
  errors.JWTInvalid.code,
  errors.JWSInvalid.code,
  errors.JWSSignatureVerificationFailed.code,
  errors.JWKSNoMatchingKey.code,
  errors.JWKSMultipleMatchingKeys.code,
  errors.JOSEAlgNotAllowed.code,
  errors.JOSENotSupported.code,
])
