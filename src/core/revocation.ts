import { type SessionKey } from './ids.ts'

/**
 * Something ends for good: one session; all that a subject, or a session at the provider, has; or
 * everything of before a moment. Kept until nothing that it could end is alive any more.
 */
export type Revocation = {
  readonly target: RevocationTarget
  /** Sessions that began no later end. */
  readonly sessionsUntil: Moment
  /** Bearer tokens issued no later are refused (milliseconds); undefined: it names none. */
  readonly tokensUntilMs: number | undefined
  /** When it was ordered, in milliseconds of the clock of who ordered it; to measure the lag. */
  readonly orderedAtMs: number
  /** When it may be forgotten, in milliseconds since 1970. */
  readonly keepUntilMs: number
}

export type RevocationTarget =
  | { readonly kind: 'session'; readonly name: SessionKey }
  /** `name` is a digest: a dump of the store names nobody. */
  | { readonly kind: 'subject'; readonly name: string }
  | { readonly kind: 'provider_session'; readonly name: string }
  | { readonly kind: 'everything' }

/** Milliseconds since 1970, by our clocks or by that of the issuer: the two are never compared. */
export type Moment = { readonly clock: 'ours' | 'issuer'; readonly ms: number }

/** What of a credential a revocation may name. */
export type Revocable = {
  readonly sessionKey: SessionKey | undefined
  /** Digests of everybody whose end is the end of it, by each name that he may be called by. */
  readonly subjects: readonly string[]
  /** Digests: the session at the provider alone, and together with the subject. */
  readonly providerSessions: readonly string[]
  readonly began:
    | { readonly kind: 'session'; readonly oursMs: number; readonly issuerMs: number | undefined }
    | {
        readonly kind: 'token'
        readonly issuedMs: number
        /** The clock of its issuer may be ahead of ours by so much. */
        readonly aheadMs: number
      }
}

/** Clocks of replicas may differ by so much. */
export const SKEW_MS = 60_000

type Ordered = {
  readonly nowMs: number
  /** No session and no token lives longer, in milliseconds. */
  readonly lifeMs: number
}

export const endSession = (name: SessionKey, { nowMs, lifeMs }: Ordered): Revocation => ({
  target: { kind: 'session', name },
  sessionsUntil: { clock: 'ours', ms: Number.MAX_SAFE_INTEGER },
  tokensUntilMs: undefined,
  orderedAtMs: nowMs,
  keepUntilMs: nowMs + lifeMs,
})

/** All that a subject has now; or all sessions and tokens of now, of everybody. */
export const endAllOf = (
  target: Extract<RevocationTarget, { readonly kind: 'subject' | 'everything' }>,
  { nowMs, lifeMs }: Ordered,
): Revocation => ({
  target,
  // A session of now may have been dated by a clock that is ahead; the next one is dated later.
  sessionsUntil: { clock: 'ours', ms: nowMs + SKEW_MS },
  tokensUntilMs: nowMs,
  orderedAtMs: nowMs,
  keepUntilMs: nowMs + lifeMs,
})

/** Everything that began before a moment. */
export const endBefore = (momentMs: number, { nowMs, lifeMs }: Ordered): Revocation => ({
  target: { kind: 'everything' },
  sessionsUntil: { clock: 'ours', ms: momentMs - 1 },
  tokensUntilMs: momentMs - 1,
  orderedAtMs: nowMs,
  keepUntilMs: nowMs + lifeMs,
})

/** What the provider says is over; it dates by its own clock what it issued. */
export const endAtProvider = (
  target: Extract<RevocationTarget, { readonly kind: 'subject' | 'provider_session' }>,
  issuedMs: number,
  { nowMs, lifeMs }: Ordered,
): Revocation => ({
  target,
  sessionsUntil: { clock: 'issuer', ms: issuedMs },
  tokensUntilMs: target.kind === 'subject' ? issuedMs : undefined,
  orderedAtMs: nowMs,
  keepUntilMs: nowMs + lifeMs,
})

/** The revocations of one process, found by what they name. */
export type RevocationSet = {
  /** Says whether it told anything new. */
  readonly add: (revocation: Revocation) => boolean
  readonly revokes: (what: Revocable) => boolean
  /** The first moment of our clocks at which a new session of that subject is not revoked. */
  readonly notBefore: (subject: string) => number
  readonly forget: (nowMs: number) => void
  readonly all: () => Iterable<Revocation>
  readonly size: () => number
}

export const createRevocationSet = (): RevocationSet => {
  const known = new Map<string, Revocation>()
  return {
    add: (revocation) => {
      const key = keyOf(revocation)
      const last = known.get(key)
      if (last !== undefined && !isWider(revocation, last)) return false
      known.set(key, last === undefined ? revocation : widest(revocation, last))
      return true
    },
    revokes: (what) =>
      known.size > 0 &&
      namesOf(what).some((name) => {
        const [ours, issuer] = [known.get(`ours ${name}`), known.get(`issuer ${name}`)]
        return isEnded(ours, what) || isEnded(issuer, what)
      }),
    notBefore: (subject) =>
      ['everything', `subject ${subject}`].reduce((latest, name) => {
        const found = known.get(`ours ${name}`)
        return found === undefined ? latest : Math.max(latest, found.sessionsUntil.ms + 1)
      }, 0),
    forget: (nowMs) => {
      for (const [key, { keepUntilMs }] of known) if (keepUntilMs <= nowMs) known.delete(key)
    },
    all: () => known.values(),
    size: () => known.size,
  }
}

const keyOf = ({ target, sessionsUntil }: Revocation): string =>
  `${sessionsUntil.clock} ${target.kind === 'everything' ? target.kind : `${target.kind} ${target.name}`}`

const namesOf = ({ sessionKey, subjects, providerSessions }: Revocable): readonly string[] => [
  'everything',
  ...subjects.map((subject) => `subject ${subject}`),
  ...(sessionKey === undefined ? [] : [`session ${sessionKey}`]),
  ...providerSessions.map((name) => `provider_session ${name}`),
]

const isEnded = (revocation: Revocation | undefined, { began }: Revocable): boolean => {
  if (revocation === undefined) return false
  const { sessionsUntil, tokensUntilMs } = revocation
  if (began.kind === 'token') {
    // Between what the issuer itself dated there is no difference of clocks.
    const aheadMs = sessionsUntil.clock === 'ours' ? began.aheadMs : 0
    return tokensUntilMs !== undefined && began.issuedMs - aheadMs <= tokensUntilMs
  }
  const ms = sessionsUntil.clock === 'ours' ? began.oursMs : began.issuerMs
  // What does not say when it began may have begun before.
  return ms === undefined || ms <= sessionsUntil.ms
}

const isWider = (one: Revocation, other: Revocation): boolean =>
  one.sessionsUntil.ms > other.sessionsUntil.ms ||
  (one.tokensUntilMs ?? 0) > (other.tokensUntilMs ?? 0) ||
  one.keepUntilMs > other.keepUntilMs

const widest = (one: Revocation, other: Revocation): Revocation => ({
  ...one,
  sessionsUntil: {
    ...one.sessionsUntil,
    ms: Math.max(one.sessionsUntil.ms, other.sessionsUntil.ms),
  },
  tokensUntilMs:
    one.tokensUntilMs === undefined || other.tokensUntilMs === undefined
      ? (one.tokensUntilMs ?? other.tokensUntilMs)
      : Math.max(one.tokensUntilMs, other.tokensUntilMs),
  keepUntilMs: Math.max(one.keepUntilMs, other.keepUntilMs),
})
