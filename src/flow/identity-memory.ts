import { type HeaderBudget } from '../core/header-budget.ts'
import { identityFor, type SizedIdentity } from '../core/identity-headers.ts'
import { type HostName } from '../core/ids.ts'
import { type HostPolicy } from '../core/policy/policy.ts'
import { type Principal } from '../core/principal.ts'

/** What of a principal one host may see; the same object for the same principal, policy and host. */
export type IdentityOf = (principal: Principal, policy: HostPolicy, host: HostName) => SizedIdentity

type Kept = { readonly host: HostName; readonly sized: SizedIdentity }

/**
 * Remembers what was worked out for a principal for as long as the principal itself is remembered.
 * It hangs on nothing but the three, and principals and policies never change: others take their
 * place.
 */
export const createIdentityMemory = (
  budgetOf: (policy: HostPolicy) => HeaderBudget,
): IdentityOf => {
  const known = new WeakMap<Principal, WeakMap<HostPolicy, Kept>>()
  return (principal, policy, host) => {
    let ofPrincipal = known.get(principal)
    if (ofPrincipal === undefined) {
      ofPrincipal = new WeakMap()
      known.set(principal, ofPrincipal)
    }
    const last = ofPrincipal.get(policy)
    if (last?.host === host) return last.sized
    const sized = identityFor(principal, policy.groups, budgetOf(policy), host)
    ofPrincipal.set(policy, { host, sized })
    return sized
  }
}
