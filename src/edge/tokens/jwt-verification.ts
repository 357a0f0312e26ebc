import { bearerPrincipal } from '../../core/delegation.ts'
import { type Eventual, thenAt } from '../../core/eventual.ts'
import { type Authenticated, type Claims } from '../../core/principal.ts'
import { fail, type Result } from '../../core/result.ts'
import { type TokenFailure } from '../../flow/ports.ts'
import { type TokenParts } from './compact-token.ts'
import { type Keys } from './key-set.ts'
import { type SignatureFailure, signatureFailure } from './signature.ts'
import { actorOf, claimsFailure, registeredFailure } from './token-claims.ts'
import { type Proof, type Reviewed, type TokenIssuer } from './token-issuer.ts'
import { LONGEST_KEPT_SECONDS, REFUSED_SECONDS, type Verification } from './verification-cache.ts'

type Signature = Extract<Proof, { readonly kind: 'signature' }>

type Context = { readonly issuer: TokenIssuer; readonly proof: Signature; readonly now: number }

type Checked = TokenFailure | SignatureFailure | undefined

/**
 * Proves a token by the keys of its issuer, and asks the issuer too where it is to be asked. In the
 * same turn of the event loop where the keys are known and nobody has to be asked.
 */
export const verifyJwt = (token: TokenParts, context: Context): Eventual<Verification> =>
  thenAt(context.proof.keys.current(), (current) =>
    current.ok
      ? thenAt(check(token, context, current.value), (checked) =>
          mayHelp(checked)
            ? tryOthers(token, checked, context, current.value)
            : settle(token, checked, context, current.value),
        )
      : unreachable(context),
  )

const unreachable = ({ now }: Context): Verification =>
  refusal(fail('unreachable'), now, () => true)

type Helped = 'key_not_found' | 'signature_failed'

const mayHelp = (checked: Checked): checked is Helped =>
  checked === 'key_not_found' || checked === 'signature_failed'

const tryOthers = (
  token: TokenParts,
  checked: Helped,
  context: Context,
  used: Keys,
): Eventual<Verification> =>
  thenAt(context.proof.keys.changed(used.generation), (changed) => {
    if (!changed.ok && checked === 'key_not_found') return unreachable(context)
    const others = changed.ok ? changed.value : undefined
    if (others === undefined) return settle(token, checked, context, used)
    return thenAt(check(token, context, others), (again) => settle(token, again, context, others))
  })

const check = (token: TokenParts, { issuer, proof, now }: Context, keys: Keys): Eventual<Checked> =>
  thenAt<SignatureFailure | undefined, Checked>(
    signatureFailure(token, proof.algorithms, keys),
    (failure) =>
      failure ??
      registeredFailure(token.claims, issuer, now) ??
      claimsFailure(token.claims, issuer, now),
  )

const settle = (
  { text, claims }: TokenParts,
  checked: Checked,
  { issuer, proof, now }: Context,
  used: Keys,
): Eventual<Verification> => {
  // Another set of keys may know a key that was unknown, or lack one that was known.
  const stillHolds = (): boolean => proof.keys.generation() === used.generation
  if (checked !== undefined) return refusal(fail(plain(checked)), now, stillHolds)
  const principal = principalOf(claims, issuer)
  if (!principal.ok) return refusal(principal, now, stillHolds)
  const expires = Number(claims['exp']) + issuer.toleranceSeconds
  const until = Math.min(expires, now + LONGEST_KEPT_SECONDS)
  const good = { outcome: principal, until, stillHolds }
  if (proof.review === undefined) return good
  return thenAt(proof.review(text, claims), (reviewed) => afterReview(good, reviewed, now))
}

const plain = (failure: NonNullable<Checked>): TokenFailure =>
  mayHelp(failure) ? 'invalid' : failure

const afterReview = (good: Verification, reviewed: Reviewed, now: number): Verification => {
  switch (reviewed.kind) {
    case 'good':
      return { ...good, until: Math.min(good.until, reviewed.until) }
    case 'bad':
      return refusal(fail('invalid'), now, good.stillHolds)
    case 'unreachable':
      return refusal(fail('issuer_unreachable'), now, good.stillHolds)
  }
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
