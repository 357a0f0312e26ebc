import { type EpochSeconds } from '../core/ids.ts'
import { ok, type Result } from '../core/result.ts'
import {
  type ServiceToken,
  type ServiceTokenState,
  serviceTokenSubject,
  stateOf,
} from '../core/service-token.ts'
import { type RevokePorts, revoke } from './revoke.ts'
import { type ListedToken } from './service-token-ports.ts'

/** A token as programs see it in a list: texts, numbers and nulls. */
export type PlainToken = {
  readonly id: string
  readonly state: ServiceTokenState | 'unreadable'
  readonly owner: string | null
  readonly purpose: string | null
  readonly hosts: readonly string[]
  readonly groups: readonly string[] | null
  readonly actor: string | null
  readonly createdAt: string | null
  readonly expiresAt: string | null
  readonly revokedAt: string | null
  readonly lastUsedAt: string | null
  /** Until when a text from before a rotation counts; null where none does. */
  readonly olderTextUntil: string | null
}

export const plainToken = (listed: ListedToken, now: EpochSeconds): PlainToken =>
  listed.kind === 'unreadable'
    ? { ...NOTHING_KNOWN, id: listed.id }
    : plainOf(listed.token, listed.lastUsedAt, now)

/** One that was made or changed just now. */
export const plainOf = (
  token: ServiceToken,
  lastUsedAt: EpochSeconds | undefined,
  now: EpochSeconds,
): PlainToken => ({
  id: token.id,
  state: stateOf(token, now),
  owner: token.owner,
  purpose: token.purpose,
  hosts: token.hosts,
  groups: token.groups ?? null,
  actor: token.actor,
  createdAt: isoTime(token.createdAt),
  expiresAt: isoTime(token.expiresAt),
  revokedAt: isoTime(token.revokedAt),
  lastUsedAt: isoTime(lastUsedAt),
  olderTextUntil: isoTime(olderTextUntil(token, now)),
})

const NOTHING_KNOWN: Omit<PlainToken, 'id'> = {
  state: 'unreadable',
  owner: null,
  purpose: null,
  hosts: [],
  groups: null,
  actor: null,
  createdAt: null,
  expiresAt: null,
  revokedAt: null,
  lastUsedAt: null,
  olderTextUntil: null,
}

const olderTextUntil = ({ secrets }: ServiceToken, now: EpochSeconds): EpochSeconds | undefined =>
  secrets
    .slice(1)
    .flatMap(({ until }) => (until !== undefined && until > now ? [until] : []))
    .toSorted((one, other) => other - one)[0]

const isoTime = (at: EpochSeconds | undefined): string | null =>
  at === undefined ? null : new Date(at * 1000).toISOString()

/** Ends a token at once, everywhere. */
export const endServiceToken = async (
  ports: RevokePorts,
  id: string,
): Promise<Result<undefined, 'unreachable'>> => {
  const ended = await revoke(ports, { kind: 'subject', subject: serviceTokenSubject(id) })
  return ended.ok ? ok(undefined) : ended
}
