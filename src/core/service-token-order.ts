import { type EpochSeconds, epochSeconds, type HostName, parseHostName } from './ids.ts'
import { parseMoment } from './policy/criteria/date.ts'
import { secondsOf } from './policy/duration.ts'
import { isEmailAddress, parseSubject } from './principal.ts'
import { fail, ok, type Result } from './result.ts'
import { type Rotation, type ServiceTokenGrant } from './service-token.ts'

/** What was written down, by whatever way; nothing of it is known to be right. */
export type Written = Readonly<Record<string, unknown>>

/** No token is for ever: who still needs it says so once a year. */
const LONGEST_DAYS = 366
const LONGEST_OVERLAP_DAYS = 30
const DEFAULT_OVERLAP_SECONDS = 86_400
const MOST_HOSTS = 20
const MOST_GROUPS = 50
const DAY_SECONDS = 86_400

/** The token that is ordered, or what is wrong with the order. */
export const readGrant = (
  written: Written,
  now: EpochSeconds,
): Result<ServiceTokenGrant, string> => {
  const unknown = unknownIn(written, ['owner', 'purpose', 'hosts', 'groups', 'actor', 'expires'])
  if (unknown !== undefined) return unknown
  const who = readOwner(written)
  if (!who.ok) return who
  const reach = readReach(written)
  if (!reach.ok) return reach
  const expiresAt = expiryOf(written['expires'], now)
  return expiresAt.ok ? ok({ ...who.value, ...reach.value, expiresAt: expiresAt.value }) : expiresAt
}

type Owner = Pick<ServiceTokenGrant, 'owner' | 'purpose'>

const readOwner = (written: Written): Result<Owner, string> => {
  const { owner } = written
  if (typeof owner !== 'string' || !isEmailAddress(owner)) {
    return fail('owner is the e-mail address of who answers for the token')
  }
  const purpose = parseSubject(written['purpose'])
  if (purpose === undefined) return fail('purpose is a line of text, at most 255 characters')
  return ok({ owner, purpose })
}

type Reach = Pick<ServiceTokenGrant, 'hosts' | 'groups' | 'actor'>

const readReach = (written: Written): Result<Reach, string> => {
  const { actor = 'workload' } = written
  const hosts = hostsOf(written['hosts'])
  if (hosts === undefined) return fail(`hosts are 1 to ${MOST_HOSTS} host names, without wildcards`)
  const groups = groupsOf(written['groups'])
  if (groups === 'bad') return fail(`groups are at most ${MOST_GROUPS} names, without commas`)
  if (actor !== 'workload' && actor !== 'agent') return fail('actor is workload or agent')
  return ok({ hosts, groups, actor })
}

/** The rotation that is ordered; an overlap of a day where nothing is said. */
export const readRotation = (written: Written, now: EpochSeconds): Result<Rotation, string> => {
  const unknown = unknownIn(written, ['overlap', 'expires'])
  if (unknown !== undefined) return unknown
  const { overlap, expires } = written
  const overlapSeconds = overlap === undefined ? DEFAULT_OVERLAP_SECONDS : overlapOf(overlap)
  if (overlapSeconds === undefined) {
    return fail(`overlap is a duration, such as 24h; at most ${LONGEST_OVERLAP_DAYS}d, 0s for none`)
  }
  if (expires === undefined) return ok({ overlapSeconds, expiresAt: undefined })
  const expiresAt = expiryOf(expires, now)
  return expiresAt.ok ? ok({ overlapSeconds, expiresAt: expiresAt.value }) : expiresAt
}

/** A key with a typing error would be a wish that nobody fulfils. */
const unknownIn = (
  written: Written,
  known: readonly string[],
): (Result<never, string> & { readonly ok: false }) | undefined => {
  const found = Object.keys(written).find((key) => !known.includes(key))
  return found === undefined ? undefined : fail(`${JSON.stringify(found.slice(0, 40))} is no key`)
}

const listOf = (value: unknown, most: number): readonly unknown[] | undefined =>
  Array.isArray(value) && value.length <= most ? value : undefined

const hostsOf = (value: unknown): readonly HostName[] | undefined => {
  const written = listOf(value, MOST_HOSTS)
  const hosts = written?.map((each) => (typeof each === 'string' ? parseHostName(each) : undefined))
  if (hosts === undefined || hosts.length === 0) return undefined
  const known = hosts.filter((host) => host !== undefined)
  return known.length === hosts.length ? [...new Set(known)] : undefined
}

const groupsOf = (value: unknown): readonly string[] | undefined | 'bad' => {
  if (value === undefined) return undefined
  const groups = listOf(value, MOST_GROUPS)?.map(parseSubject)
  const known = groups?.filter((group) => group !== undefined && !group.includes(','))
  return known === undefined || known.length !== groups?.length
    ? 'bad'
    : [...new Set(known.filter((group) => group !== undefined))]
}

const expiryOf = (value: unknown, now: EpochSeconds): Result<EpochSeconds, string> => {
  const text = typeof value === 'string' ? value : ''
  const duration = secondsOf(text)
  const seconds = Number.isNaN(duration) ? parseMoment(text) : now + duration
  if (seconds === undefined) return fail('expires is a duration or a day: write 90d or 2027-01-31')
  if (seconds <= now) return fail('expires lies in the past')
  if (seconds > now + LONGEST_DAYS * DAY_SECONDS) {
    return fail(`expires lies too far ahead: at most ${LONGEST_DAYS}d`)
  }
  return ok(epochSeconds(seconds))
}

const overlapOf = (value: unknown): number | undefined => {
  const seconds = value === '0s' ? 0 : secondsOf(typeof value === 'string' ? value : '')
  return seconds <= LONGEST_OVERLAP_DAYS * DAY_SECONDS ? seconds : undefined
}
