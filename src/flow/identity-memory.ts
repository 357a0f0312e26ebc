import { type HeaderBudget } from '../core/header-budget.ts'
import { identityFor, type SizedIdentity } from '../core/identity-headers.ts'
import { type HostName } from '../core/ids.ts'
import { type HostPolicy } from '../core/policy/policy.ts'
import { type Principal } from '../core/principal.ts'

/** What of a principal one host may see; the same object for the same principal, policy and host. */
export type IdentityOf = (principal: Principal, policy: HostPolicy, host: HostName) => SizedIdentity

/** Hosts below a wildcard share a policy, and the client chooses among them. */
const MOST_HOSTS = 16

type Known = {
  readonly policy: HostPolicy
  readonly host: HostName
  readonly sized: SizedIdentity
}

/**
 * Remembers what was worked out for a principal for as long as the principal itself is remembered.
 * It hangs on nothing but the three, and principals and policies never change: others take their
 * place.
 */
export const createIdentityMemory = (
  budgetOf: (policy: HostPolicy) => HeaderBudget,
): IdentityOf => {
  const known = new WeakMap<Principal, readonly Known[]>()
  return (principal, policy, host) => {
    const all = known.get(principal) ?? []
    const last = all.find((each) => each.policy === policy && each.host === host)
    if (last !== undefined) return last.sized
    const sized = identityFor(principal, policy.groups, budgetOf(policy), host)
    const others = all.filter((each) => each.host !== host).slice(1 - MOST_HOSTS)
    known.set(principal, [...others, { policy, host, sized }])
    return sized
  }
}
