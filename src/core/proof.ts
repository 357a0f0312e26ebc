import { type Enforced, type WantedProof } from './decision.ts'
import { type Facts } from './policy/criterion.ts'
import { type HostPolicy, type Requirement, type Rule } from './policy/policy.ts'

/**
 * What to ask the provider for before somebody comes with this request: what the host asks, and
 * what the rules ask of which one may admit him. Undefined where nothing is asked.
 */
export const proofWanted = (policy: HostPolicy, facts: Facts): WantedProof | undefined => {
  const hosts = applicable(policy.requirements, facts)
  if (facts.principal.kind === 'anonymous') return askedTogether(hosts)
  const rules = policy.allows.filter((rule) => !rule.isPublic && mayAdmit(rule, facts))
  const each = rules.map(({ requirements }) =>
    askedTogether([...hosts, ...applicable(requirements, facts)]),
  )
  // One of the rules is enough; which one, more is known of later.
  return each.length === 0 ? askedTogether(hosts) : askedEither(each)
}

/** The expression or the address that it asks about may be known only to the request itself. */
const mayAdmit = ({ until, test }: Rule, facts: Facts): boolean =>
  (until === undefined || facts.now < until) && test(facts) !== 'fails'

/**
 * Holds somebody whom a rule admits to the proof that the host and the rule ask for. Where the
 * provider was asked for it just now and did not deliver, asking again would loop: that is a no.
 */
export const holdToProof = (policy: HostPolicy, rule: Rule, facts: Facts): Enforced | undefined => {
  const ofHost = applicable(policy.requirements, facts)
  const ofRule = applicable(rule.requirements, facts)
  const wanted = [...ofHost, ...ofRule]
  const unbound = wanted.find((each) => !isBound(each, facts))
  if (unbound !== undefined) {
    return { effect: 'challenge', reason: 'token_not_bound', bindings: [...unbound.bindings] }
  }
  if (areProven(wanted, facts)) return undefined
  const proof = askedTogether(wanted) ?? NOTHING
  return wasAskedFor(proof, facts) || (areProven(ofHost, facts) && wasAskedInVain(facts))
    ? { effect: 'deny', reason: 'proof_not_delivered' }
    : { effect: 'challenge', reason: 'stronger_proof_needed', proof }
}

const areProven = (wanted: readonly Requirement[], facts: Facts): boolean =>
  wanted.every(({ isProven }) => isProven(facts) === 'holds')

const applicable = (requirements: readonly Requirement[], facts: Facts): readonly Requirement[] =>
  requirements.length === 0
    ? requirements
    : requirements.filter(({ appliesTo }) => appliesTo(facts) === 'holds')

/** A session is no token: a host for bound tokens alone takes no cookie (`credentials`). */
const isBound = ({ bindings }: Requirement, { bindings: has }: Facts): boolean =>
  bindings.size === 0 || has === undefined || has.some((each) => bindings.has(each))

export const NOTHING: WantedProof = { acr: [], maxAgeSeconds: undefined }

/** One sign-in has to meet all of them: a context that each of them takes, and the shortest age. */
const askedTogether = (wanted: readonly Requirement[]): WantedProof | undefined => {
  const asked = wanted.map(({ asks }) => asks)
  const lists = asked.flatMap(({ acr }) => (acr.length === 0 ? [] : [acr]))
  const common = (lists[0] ?? []).filter((acr) => lists.every((list) => list.includes(acr)))
  // Where nothing meets all, the provider may hear of all; what it gives is checked anyway.
  return nonEmpty({
    acr: common.length > 0 ? common : unique(lists.flat()),
    maxAgeSeconds: shortest(asked),
  })
}

/** One sign-in that meets any of them. */
const askedEither = (each: readonly (WantedProof | undefined)[]): WantedProof | undefined => {
  const asked = each.flatMap((proof) => proof ?? [])
  return nonEmpty({
    acr: unique(asked.flatMap(({ acr }) => acr)),
    maxAgeSeconds: shortest(asked),
  })
}

const nonEmpty = (proof: WantedProof): WantedProof | undefined =>
  isNothing(proof) ? undefined : proof

const isNothing = ({ acr, maxAgeSeconds }: WantedProof): boolean =>
  acr.length === 0 && maxAgeSeconds === undefined

const unique = (list: readonly string[]): readonly string[] => [...new Set(list)]

const shortest = (asked: readonly WantedProof[]): number | undefined => {
  const ages = asked.flatMap(({ maxAgeSeconds }) => maxAgeSeconds ?? [])
  return ages.length === 0 ? undefined : Math.min(...ages)
}

/** How fresh a session has to be for its sign-in to count as the answer to what was asked. */
const JUST_NOW_SECONDS = 60

const isJustNow = ({ sessionCreatedAt, now }: Facts): boolean =>
  sessionCreatedAt !== undefined && now - sessionCreatedAt <= JUST_NOW_SECONDS

const wasAskedFor = (wanted: WantedProof, facts: Facts): boolean => {
  const { askedProof } = facts
  return (
    askedProof !== undefined &&
    isJustNow(facts) &&
    wanted.acr.every((acr) => askedProof.acr.includes(acr)) &&
    (wanted.maxAgeSeconds === undefined || askedProof.maxAgeSeconds !== undefined)
  )
}

/**
 * Somebody who was signed in came for stronger proof, and nothing was found to ask for: the rule
 * that asks hangs on what only the request itself shows. What a host asks is always found.
 */
const wasAskedInVain = (facts: Facts): boolean =>
  facts.askedProof !== undefined && isNothing(facts.askedProof) && isJustNow(facts)
