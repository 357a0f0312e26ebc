import { type AccessRequest } from '../core/access-request.ts'
import { BINDINGS, type Binding, type Confirmation, confirmationOf } from '../core/confirmation.ts'
import { type Credential } from '../core/credential.ts'
import { type Eventual, thenAt } from '../core/eventual.ts'
import { type Authenticated } from '../core/principal.ts'
import { fail, ok, type Result } from '../core/result.ts'
import { type DpopFailure, type VerifyPorts } from './ports.ts'

/** A token as it was presented, and what came with it as proof. */
export type Presented = Extract<Credential, { readonly kind: 'bearer' | 'dpop' }>

export type ConfirmFailure = DpopFailure | 'not_proven'

/**
 * Whoever presents a token that is bound to a key or certificate has to show that he has it; a
 * stolen token alone is worth nothing (RFC 9449 section 7, RFC 8705 section 3).
 *
 * @returns the ways in which the token is bound, all of them shown
 */
export const confirmToken = (
  ports: VerifyPorts,
  presented: Presented,
  { claims, onBehalfOf }: Authenticated,
  request: AccessRequest,
): Eventual<Result<readonly Binding[], ConfirmFailure>> => {
  const bound = confirmationOf(onBehalfOf?.claims ?? claims)
  if (bound === 'unknown') return fail('not_proven')
  if (bound === 'none') return presented.kind === 'bearer' ? UNBOUND : fail('invalid')
  // Section 7.2: a token that is bound to a key is refused under the scheme Bearer.
  if ((bound.dpop !== undefined) !== (presented.kind === 'dpop')) return fail('not_proven')
  if (bound.mtls !== undefined && bound.mtls !== thumbprintOf(ports, request)) {
    return fail('not_proven')
  }
  return thenAt(proveKey(ports, presented, bound, request), (proven) =>
    proven.ok ? ok(BINDINGS.filter((each) => bound[each] !== undefined)) : proven,
  )
}

const UNBOUND: Result<readonly Binding[], never> = ok([])

/** The request is stripped of its certificate where the policy does not say that nginx sets it. */
const thumbprintOf = (ports: VerifyPorts, { clientCertificate }: AccessRequest) =>
  clientCertificate === undefined ? undefined : ports.certificateThumbprint(clientCertificate)

const proveKey = (
  ports: VerifyPorts,
  presented: Presented,
  { dpop: thumbprint }: Confirmation,
  request: AccessRequest,
): Eventual<Result<undefined, DpopFailure>> => {
  if (presented.kind === 'bearer' || thumbprint === undefined) return ok(undefined)
  const [proof, ...others] = presented.proofs
  if (proof === undefined || others.length > 0) return fail('invalid')
  return ports.verifyProof(proof, { token: presented.token, thumbprint, request })
}
