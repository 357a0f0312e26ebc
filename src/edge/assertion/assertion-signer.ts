import { randomUUID } from 'node:crypto'
import { SignJWT } from 'jose'
import { LRUCache } from 'lru-cache'
import { type EpochSeconds } from '../../core/ids.ts'
import { type AssertionSigner } from '../../flow/ports.ts'
import { type AssertionKey, type AssertionKeys } from './assertion-keys.ts'

type Assertion = Parameters<AssertionSigner>[0]

export type AssertionSignerOptions = {
  /** Asked for each assertion, so that keys can be replaced while the service runs. */
  readonly keys: () => AssertionKeys
  readonly algorithm: AssertionKey['algorithm']
  /** Origin of `publicUrl`. */
  readonly issuer: string
  readonly lifetimeSeconds: number
  readonly now: () => EpochSeconds
}

/** An assertion is sent again for so long, to spare signatures; its lifetime is much longer. */
const REUSE_SECONDS = 30
const MOST_KEPT = 20_000

/** An assertion that is being signed, or was. */
type Kept = {
  readonly text: Promise<string>
  readonly expiresAt: number
  /** From then on another one is sent. */
  readonly until: number
}

/** Signs who the caller is, for one host, so that a back end need not trust plain headers. */
export const createAssertionSigner = (options: AssertionSignerOptions): AssertionSigner => {
  const kept = new LRUCache<string, Kept>({ max: MOST_KEPT })
  return async ({ endsAt, ...assertion }) => {
    const key = signingKey(options)
    const name = JSON.stringify([key.kid, assertion])
    const now = options.now()
    const last = kept.get(name)
    if (last !== undefined && now < last.until && last.expiresAt <= (endsAt ?? Infinity)) {
      return await last.text
    }
    const made = make(assertion, key, lifetimeOf(options, endsAt, now), options)
    // Kept before it is signed: requests that come together share one signature.
    kept.set(name, made)
    made.text.catch(() => kept.delete(name))
    return await made.text
  }
}

/** The newest key of the algorithm; the others are there to be verified with. */
const signingKey = ({ keys, algorithm }: AssertionSignerOptions): AssertionKey => {
  const all = keys()
  return all.find((key) => key.algorithm === algorithm) ?? all[0]
}

/** Never past the end of the session or token that it tells of. */
const lifetimeOf = (
  { lifetimeSeconds }: AssertionSignerOptions,
  endsAt: EpochSeconds | undefined,
  now: EpochSeconds,
): number =>
  endsAt === undefined ? lifetimeSeconds : Math.max(1, Math.min(lifetimeSeconds, endsAt - now))

const make = (
  assertion: Omit<Assertion, 'endsAt'>,
  { kid, algorithm, privateKey }: AssertionKey,
  seconds: number,
  { issuer, now }: AssertionSignerOptions,
): Kept => {
  const issuedAt = now()
  const expiresAt = issuedAt + seconds
  return {
    text: new SignJWT(claimsOf(assertion))
      .setProtectedHeader({ alg: algorithm, kid, typ: 'JWT' })
      .setIssuer(issuer)
      .setAudience(assertion.host)
      .setSubject(assertion.identity.subject)
      .setIssuedAt(issuedAt)
      .setExpirationTime(expiresAt)
      .setJti(randomUUID())
      .sign(privateKey),
    expiresAt,
    until: issuedAt + Math.min(REUSE_SECONDS, Math.floor(seconds / 2)),
  }
}

const claimsOf = ({
  identity,
  sessionKey,
  policyVersion,
}: Omit<Assertion, 'endsAt'>): Record<string, unknown> => ({
  email: identity.email === '' ? undefined : identity.email,
  preferred_username: identity.preferredUsername === '' ? undefined : identity.preferredUsername,
  groups: identity.groups,
  actor: identity.actor,
  // RFC 8693 section 4.1: whom the subject has let act.
  act: identity.agent === '' ? undefined : { sub: identity.agent },
  sid: sessionKey,
  policy_version: policyVersion,
})
