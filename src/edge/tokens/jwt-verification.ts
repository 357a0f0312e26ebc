import { errors, type JWTVerifyOptions, jwtVerify } from 'jose'
import { bearerPrincipal } from '../../core/delegation.ts'
import { type Authenticated, type Claims } from '../../core/principal.ts'
import { fail, ok, type Result } from '../../core/result.ts'
import { type TokenFailure } from '../../flow/ports.ts'
import { type Keys } from './key-set.ts'
import { actorOf, claimsFailure } from './token-claims.ts'
import { type Proof, type TokenIssuer } from './token-issuer.ts'
import { LONGEST_KEPT_SECONDS, REFUSED_SECONDS, type Verification } from './verification-cache.ts'

type Signature = Extract<Proof, { readonly kind: 'signature' }>

/** Other keys might help: none has that `kid`, or the one that has it did not sign this. */
type Checked = Result<Claims, TokenFailure | 'key_not_found' | 'signature_failed'>

/** Proves a token by the keys of its issuer, and asks the issuer too where it is to be asked. */
export const verifyJwt = async (
  token: string,
  issuer: TokenIssuer,
  proof: Signature,
  now: number,
): Promise<Verification> => {
  const current = await proof.keys.current()
  if (!current.ok) return refusal(fail('unreachable'), now, () => true)
  const context = { issuer, proof, now }
  const checked = await check(token, context, current.value)
  if (!mayHelp(checked)) return await settle(token, checked, context, current.value)
  const changed = await proof.keys.changed(current.value.generation)
  if (!changed.ok && checked.failure === 'key_not_found') {
    return refusal(fail('unreachable'), now, () => true)
  }
  const others = changed.ok ? changed.value : undefined
  const again = others === undefined ? checked : await check(token, context, others)
  return await settle(token, again, context, others ?? current.value)
}

const mayHelp = (checked: Checked): checked is Checked & { readonly ok: false } =>
  !checked.ok && (checked.failure === 'key_not_found' || checked.failure === 'signature_failed')

type Context = { readonly issuer: TokenIssuer; readonly proof: Signature; readonly now: number }

const settle = async (
  token: string,
  checked: Checked,
  { issuer, proof, now }: Context,
  used: Keys,
): Promise<Verification> => {
  // Another set of keys may know a key that was unknown, or lack one that was known.
  const stillHolds = (): boolean => proof.keys.generation() === used.generation
  if (!checked.ok) return refusal(fail(plain(checked.failure)), now, stillHolds)
  const claims = checked.value
  const principal = principalOf(claims, issuer)
  if (!principal.ok) return refusal(principal, now, stillHolds)
  const reviewed = await proof.review?.(token, claims)
  if (reviewed?.kind === 'bad') return refusal(fail('invalid'), now, stillHolds)
  if (reviewed?.kind === 'unreachable') return refusal(fail('issuer_unreachable'), now, stillHolds)
  const expires = Number(claims['exp']) + issuer.toleranceSeconds
  const until = Math.min(expires, now + LONGEST_KEPT_SECONDS, reviewed?.until ?? expires)
  return { outcome: principal, until, stillHolds }
}

const plain = (failure: (Checked & { readonly ok: false })['failure']): TokenFailure =>
  failure === 'key_not_found' || failure === 'signature_failed' ? 'invalid' : failure

const check = async (
  token: string,
  { issuer, proof, now }: Context,
  { find }: Keys,
): Promise<Checked> => {
  try {
    const options = verifyOptions(issuer, proof.algorithms, now)
    const { payload } = await jwtVerify(token, find, options)
    const failure = claimsFailure(payload, issuer, now)
    return failure === undefined ? ok(payload) : fail(failure)
  } catch (error) {
    return fail(failureOf(error))
  }
}

/** Everything that the library leaves optional is required here. */
const verifyOptions = (
  { issuer, trustDomain, audiences, toleranceSeconds }: TokenIssuer,
  algorithms: readonly string[],
  now: number,
): JWTVerifyOptions => ({
  ...(trustDomain === undefined ? { issuer } : {}),
  audience: [...audiences],
  algorithms: [...algorithms],
  requiredClaims: ['exp', 'sub'],
  clockTolerance: toleranceSeconds,
  currentDate: new Date(now * 1000),
})

/** By code, never by message; whatever else a token makes the library throw proves nothing. */
const failureOf = (error: unknown): (Checked & { readonly ok: false })['failure'] => {
  if (error instanceof errors.JWKSNoMatchingKey) return 'key_not_found'
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'signature_failed'
  if (error instanceof errors.JWTExpired) return 'expired'
  return error instanceof errors.JWTClaimValidationFailed &&
    error.claim === 'nbf' &&
    error.reason === 'check_failed'
    ? 'not_yet_valid'
    : 'invalid'
}

export const principalOf = (
  claims: Claims,
  issuer: TokenIssuer,
): Result<Authenticated, 'invalid' | 'delegation_too_deep'> => {
  const { name, mapping, subjectClaim } = issuer
  const actor = actorOf(claims, issuer.actorOf(claims))
  return bearerPrincipal(claims, { name, issuer: issuer.issuer, actor, mapping, subjectClaim })
}

/** What could not be found out, and what time alone heals, is not kept. */
export const refusal = (
  outcome: Result<Authenticated, TokenFailure> & { readonly ok: false },
  now: number,
  stillHolds: () => boolean,
): Verification => ({
  outcome,
  until: LASTING.has(outcome.failure) ? now + REFUSED_SECONDS : 0,
  stillHolds,
})

const LASTING: ReadonlySet<TokenFailure> = new Set(['invalid', 'expired', 'delegation_too_deep'])
