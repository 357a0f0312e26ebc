import { type Enforced, type WantedProof } from './decision.ts'
import { type Facts } from './policy/criterion.ts'
import { type HostPolicy } from './policy/policy.ts'
import { type Authenticated, claimAt } from './principal.ts'

/** What the policy asks of a sign-in for this request; undefined where it asks nothing. */
export const proofWanted = (policy: HostPolicy, facts: Facts): WantedProof | undefined => {
  const wanted = policy.requirements.filter(({ appliesTo }) => appliesTo(facts) === 'holds')
  if (wanted.length === 0) return undefined
  const ages = wanted.flatMap(({ authAgeSeconds }) => authAgeSeconds ?? [])
  return {
    acr: [...new Set(wanted.flatMap(({ acr }) => acr))],
    maxAgeSeconds: ages.length === 0 ? undefined : Math.min(...ages),
  }
}

/**
 * Holds an admitted principal to the proof that the policy asks for. Where the provider was asked
 * for it just now and did not deliver, asking again would loop: that is a no.
 */
export const holdToProof = (
  policy: HostPolicy,
  facts: Facts,
  principal: Authenticated,
): Enforced | undefined => {
  const wanted = proofWanted(policy, facts)
  if (wanted === undefined || isProven(wanted, facts, principal)) return undefined
  return wasAskedFor(wanted, facts)
    ? { effect: 'deny', reason: 'proof_not_delivered' }
    : { effect: 'challenge', reason: 'stronger_proof_needed', proof: wanted }
}

/** Clocks of provider and service may differ by so much. */
const TOLERANCE_SECONDS = 60

const isProven = (
  { acr, maxAgeSeconds }: WantedProof,
  { now }: Facts,
  { claims }: Authenticated,
): boolean => {
  const stated = claimAt(claims, 'acr')
  if (acr.length > 0 && !(typeof stated === 'string' && acr.includes(stated))) return false
  if (maxAgeSeconds === undefined) return true
  const at = claimAt(claims, 'auth_time')
  return typeof at === 'number' && at <= now + TOLERANCE_SECONDS && now - at <= maxAgeSeconds
}

/** How fresh a session has to be for its sign-in to count as the answer to what was asked. */
const JUST_NOW_SECONDS = 60

const wasAskedFor = (wanted: WantedProof, { askedProof, sessionCreatedAt, now }: Facts): boolean =>
  askedProof !== undefined &&
  sessionCreatedAt !== undefined &&
  now - sessionCreatedAt <= JUST_NOW_SECONDS &&
  wanted.acr.every((acr) => askedProof.acr.includes(acr)) &&
  (wanted.maxAgeSeconds === undefined || askedProof.maxAgeSeconds !== undefined)
