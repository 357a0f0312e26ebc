import { randomUUID, sign } from 'node:crypto'
import { SignJWT } from 'jose'
import { type Eventual } from '../../core/eventual.ts'
import { type Identity } from '../../core/identity-headers.ts'
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

/** An assertion that is being signed, or was. */
type Kept = Omit<Assertion, 'endsAt'> & {
  readonly kid: string
  /** A promise until it is signed. */
  text: Eventual<string>
  readonly expiresAt: number
  /** From then on another one is sent. */
  readonly until: number
}

/**
 * Signs who the caller is, for one host, so that a back end need not trust plain headers. What was
 * signed is remembered for as long as the identity is that it tells of: the caller keeps one object
 * for one principal and host.
 */
export const createAssertionSigner = (options: AssertionSignerOptions): AssertionSigner => {
  const kept = new WeakMap<Identity, Kept>()
  return (assertion) => {
    const key = signingKey(options)
    const now = options.now()
    const last = kept.get(assertion.identity)
    if (last !== undefined && isAbout(last, assertion, key) && isYoung(last, assertion, now)) {
      return last.text
    }
    const made = make(assertion, key, lifetimeOf(options, assertion.endsAt, now), options)
    // Kept before it is signed: requests that come together share one signature.
    kept.set(assertion.identity, made)
    const { text } = made
    if (text instanceof Promise) {
      void settle(text, made).catch(() => kept.delete(assertion.identity))
    }
    return text
  }
}

const settle = async (signing: Promise<string>, entry: Kept): Promise<void> => {
  entry.text = await signing
}

const isAbout = (
  kept: Kept,
  { host, sessionKey, policyVersion }: Assertion,
  key: AssertionKey,
): boolean =>
  kept.kid === key.kid &&
  kept.host === host &&
  kept.sessionKey === sessionKey &&
  kept.policyVersion === policyVersion

const isYoung = (kept: Kept, { endsAt }: Assertion, now: EpochSeconds): boolean =>
  now < kept.until && kept.expiresAt <= (endsAt ?? Number.POSITIVE_INFINITY)

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
  { endsAt: _endsAt, ...assertion }: Assertion,
  key: AssertionKey,
  seconds: number,
  { issuer, now }: AssertionSignerOptions,
): Kept => {
  const issuedAt = now()
  const expiresAt = issuedAt + seconds
  const claims = {
    ...claimsOf(assertion),
    iss: issuer,
    aud: assertion.host,
    sub: assertion.identity.subject,
    iat: issuedAt,
    exp: expiresAt,
    jti: randomUUID(),
  }
  return {
    ...assertion,
    kid: key.kid,
    text: signed(claims, key),
    expiresAt,
    until: issuedAt + Math.min(REUSE_SECONDS, Math.floor(seconds / 2)),
  }
}

type AssertionClaims = Readonly<Record<string, unknown>>

/** ES256 takes 30 µs; RS256 takes 250, and is left to another thread. */
const signed = (claims: AssertionClaims, key: AssertionKey): Eventual<string> => {
  const { algorithm, kid, privateKey } = key
  const header = { alg: algorithm, kid, typ: 'JWT' }
  if (algorithm === 'RS256') {
    return new SignJWT(claims).setProtectedHeader(header).sign(privateKey)
  }
  const input = `${encode(header)}.${encode(claims)}`
  // R and S, each as long as the order of the curve (RFC 7518 section 3.4).
  const how = { key: privateKey, dsaEncoding: 'ieee-p1363' } as const
  return `${input}.${sign('sha256', Buffer.from(input, 'latin1'), how).toString('base64url')}`
}

const encode = (value: AssertionClaims): string =>
  Buffer.from(JSON.stringify(value)).toString('base64url')

const claimsOf = ({
  identity,
  sessionKey,
  policyVersion,
}: Omit<Assertion, 'endsAt'>): AssertionClaims => ({
  email: identity.email === '' ? undefined : identity.email,
  preferred_username: identity.preferredUsername === '' ? undefined : identity.preferredUsername,
  groups: identity.groups,
  actor: identity.actor,
  // RFC 8693 section 4.1: whom the subject has let act.
  act: identity.agent === '' ? undefined : { sub: identity.agent },
  sid: sessionKey,
  policy_version: policyVersion,
})
