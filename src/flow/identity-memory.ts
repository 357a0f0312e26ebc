import { type HeaderBudget } from '../core/header-budget.ts'
import { identityFor, type SizedIdentity } from '../core/identity-headers.ts'
import { type HostName } from '../core/ids.ts'
import { type HostPolicy } from '../core/policy/policy.ts'
import { type Principal } from '../core/principal.ts'

/** What of a principal one host may see; the same object for the same principal, policy and host. */
export type IdentityOf = (principal: Principal, policy: HostPolicy, host: HostName) => SizedIdentity

/** Hosts below a wildcard share a policy, and the client chooses among them. */
const MOST_HOSTS = 16

/**
 * Remembers what was worked out for a principal for as long as the principal itself is remembered.
 * It hangs on nothing but the three, and principals and policies never change: others take their
 * place.
 */
export const createIdentityMemory = (
  budgetOf: (policy: HostPolicy) => HeaderBudget,
): IdentityOf => {
  const known = new WeakMap<Principal, WeakMap<HostPolicy, Map<HostName, SizedIdentity>>>()
  return (principal, policy, host) => {
    let ofPrincipal = known.get(principal)
    if (ofPrincipal === undefined) {
      ofPrincipal = new WeakMap()
      known.set(principal, ofPrincipal)
    }
    let ofPolicy = ofPrincipal.get(policy)
    if (ofPolicy === undefined) {
      ofPolicy = new Map()
      ofPrincipal.set(policy, ofPolicy)
    }
    const last = ofPolicy.get(host)
    if (last !== undefined) return last
    const sized = identityFor(principal, policy.groups, budgetOf(policy), host)
    if (ofPolicy.size >= MOST_HOSTS) ofPolicy.clear()
    ofPolicy.set(host, sized)
    return sized
  }
}
