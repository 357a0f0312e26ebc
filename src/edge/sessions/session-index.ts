import { z } from 'zod'
import {
  type EpochSeconds,
  epochSeconds,
  parseSessionKey,
  type SessionKey,
} from '../../core/ids.ts'
import { type Authenticated, subjectAtIssuer } from '../../core/principal.ts'
import { fail, ok, type Result } from '../../core/result.ts'
import { type Revocable } from '../../core/revocation.ts'
import { type ListedSession, type Revocations } from '../../flow/session-ports.ts'
import { type KeyRing } from './key-ring.ts'
import { indexName, namesOf, sessionName, subjectDigest } from './names.ts'
import { type Outcome, type RecordStore } from './record-store.ts'
import { seal, unseal } from './sealing.ts'
import { type SessionUse } from './session-use.ts'

export type SessionIndexOptions = {
  readonly records: RecordStore
  readonly ring: () => KeyRing
  readonly use: Pick<SessionUse, 'lastUse'>
  readonly revocations: Pick<Revocations, 'standingOf'>
  readonly nowMs: () => number
  /** No session lives longer. */
  readonly absoluteMs: number
  /** Sessions that one subject may have at a time; undefined: any number. */
  readonly mostPerSubject: number | undefined
}

/** Which sessions a subject has: a list that only somebody who knows the subject can read. */
export type SessionIndex = {
  /** Adds one, and names the oldest of those that are too many. */
  readonly add: (
    person: Authenticated,
    key: SessionKey,
    listing: Listing,
  ) => Promise<Result<readonly SessionKey[], 'unreachable'>>
  /** The live ones, newest first. */
  readonly list: (issuer: string, subject: string) => Promise<Outcome<readonly ListedSession[]>>
}

export type Listing = {
  readonly createdAt: EpochSeconds
  readonly browser: string | undefined
  readonly revocable: Revocable
}

type Listed = Pick<ListedSession, 'createdAt' | 'browser'> & {
  readonly beganMs: number | undefined
  readonly issuerMs: number | undefined
  readonly providerSessions: readonly string[]
}

type Looked =
  | ({ readonly kind: 'live' } & ListedSession)
  | { readonly kind: 'dead'; readonly field: string }
  /** Listed a moment ago: about to be stored. */
  | { readonly kind: 'coming' }

const LISTING = z.object({
  createdAt: z.number().int().nonnegative().transform(epochSeconds),
  browser: z.string().max(100).optional(),
  beganMs: z.number().optional(),
  issuerMs: z.number().optional(),
  providerSessions: z.array(z.string().max(100)).max(2).optional(),
})

/** Dead entries are cleared away each time that so many have been added. */
const SWEEP_EVERY = 32
/** A session is listed before it exists; after so long it does, or never will. */
const SETTLED_SECONDS = 60
const PORTION = 200

export const createSessionIndex = (options: SessionIndexOptions): SessionIndex => {
  const { records, ring, use, revocations, nowMs, absoluteMs, mostPerSubject } = options
  /** Undefined for one that is over. */
  const lastUseOf = async (field: string): Promise<Outcome<number | undefined>> => {
    const key = parseSessionKey(field)
    if (key === undefined) return ok(undefined)
    const [session, used] = await Promise.all([records.get(sessionName(key)), use.lastUse(key)])
    if (!session.ok) return session
    return session.value === undefined ? ok(undefined) : used
  }
  const look = async (
    [field, sealed]: readonly [string, Buffer],
    [issuer, subject]: readonly [string, string],
  ): Promise<Outcome<Looked>> => {
    const used = await lastUseOf(field)
    if (!used.ok) return used
    const listing = listingOf(ring(), issuer, subject, sealed)
    const key = parseSessionKey(field)
    if (key !== undefined && used.value !== undefined) {
      const standing = await revocations.standingOf(revocableOf(key, issuer, subject, listing))
      if (standing === 'unreachable') return fail('unreachable')
      if (standing === 'revoked') return ok({ kind: 'dead', field })
      const { createdAt, browser } = listing
      const lastUsedAt = epochSeconds(used.value / 1000)
      return ok({ kind: 'live', key, createdAt, browser, lastUsedAt })
    }
    const isSettled = (listing.createdAt ?? 0) < nowMs() / 1000 - SETTLED_SECONDS
    return ok(isSettled ? { kind: 'dead', field } : { kind: 'coming' })
  }
  const list = async (
    issuer: string,
    subject: string,
  ): Promise<Outcome<readonly ListedSession[]>> => {
    const name = indexName(subjectDigest(issuer, subject))
    const found = await records.fields(name)
    if (!found.ok) return found
    const looked: Looked[] = []
    for (const some of portionsOf([...found.value])) {
      for (const each of await Promise.all(some.map((entry) => look(entry, [issuer, subject])))) {
        if (!each.ok) return each
        looked.push(each.value)
      }
    }
    const dead = looked.flatMap((each) => (each.kind === 'dead' ? [each.field] : []))
    if (dead.length > 0) await records.removeFields(name, dead)
    // What was revoked may still be stored; nobody will ask for it any more.
    for (const key of dead.flatMap((field) => parseSessionKey(field) ?? [])) {
      await records.remove(namesOf(key))
    }
    const live = looked.flatMap((each) => (each.kind === 'live' ? [each] : []))
    return ok(
      live
        .map(({ kind: _kind, ...listed }) => listed)
        .toSorted((one, other) => (other.createdAt ?? 0) - (one.createdAt ?? 0)),
    )
  }
  return {
    add: async (person, key, { createdAt, browser, revocable }) => {
      const { issuer } = person
      const subject = subjectAtIssuer(person)
      const { began, providerSessions } = revocable
      const listing = seal(ring(), secretOf(issuer, subject), 'listing', {
        createdAt,
        browser,
        providerSessions,
        ...(began.kind === 'session' ? { beganMs: began.oursMs, issuerMs: began.issuerMs } : {}),
      })
      const name = indexName(subjectDigest(issuer, subject))
      const count = await records.setField(name, key, listing, absoluteMs)
      if (!count.ok) return count
      const isOver = mostPerSubject !== undefined && count.value > mostPerSubject
      if (!isOver && count.value % SWEEP_EVERY !== 0) return ok([])
      const listed = await list(issuer, subject)
      if (!listed.ok) return listed
      // The new one is not there yet, and has a place of its own.
      return ok(
        listed.value
          .map((each) => each.key)
          .filter((each) => each !== key)
          .slice((mostPerSubject ?? Number.POSITIVE_INFINITY) - 1),
      )
    },
    list,
  }
}

/** What the list is sealed with, besides the ring: who does not know the subject reads nothing. */
const secretOf = (issuer: string, subject: string): string => JSON.stringify([issuer, subject])

/** Nothing but the key is known of one whose entry cannot be read. */
const listingOf = (ring: KeyRing, issuer: string, subject: string, sealed: Buffer): Listed => {
  const opened = unseal(ring, secretOf(issuer, subject), 'listing', sealed)
  const { data } = LISTING.safeParse(opened)
  return {
    createdAt: data?.createdAt,
    browser: data?.browser,
    beganMs: data?.beganMs,
    issuerMs: data?.issuerMs,
    providerSessions: data?.providerSessions ?? [],
  }
}

/** One that does not say when it began is shown: to hide what lives is worse. */
const revocableOf = (
  sessionKey: SessionKey,
  issuer: string,
  subject: string,
  { beganMs = Number.MAX_SAFE_INTEGER, issuerMs, providerSessions }: Listed,
): Revocable => ({
  sessionKey,
  subjects: [subjectDigest(issuer, subject)],
  providerSessions,
  began: { kind: 'session', oursMs: beganMs, issuerMs: issuerMs ?? Number.MAX_SAFE_INTEGER },
})

const portionsOf = <Value>(all: readonly Value[]): readonly (readonly Value[])[] =>
  Array.from({ length: Math.ceil(all.length / PORTION) }, (_each, index) =>
    all.slice(index * PORTION, (index + 1) * PORTION),
  )
