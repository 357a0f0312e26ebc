import { randomUUID } from 'node:crypto'
import { SignJWT } from 'jose'
import { LRUCache } from 'lru-cache'
import { type EpochSeconds } from '../../core/ids.ts'
import { type AssertionSigner } from '../../flow/ports.ts'
import { type AssertionKeys } from './assertion-keys.ts'

type Assertion = Parameters<AssertionSigner>[0]

export type AssertionSignerOptions = {
  readonly keys: () => AssertionKeys
  /** Origin of `publicUrl`. */
  readonly issuer: string
  readonly lifetimeSeconds: number
  readonly now: () => EpochSeconds
}

/** An assertion is sent again for so long, to spare signatures; its lifetime is much longer. */
const REUSE_SECONDS = 30
const MOST_KEPT = 20_000

/** Signs who the caller is, for one host, so that a back end need not trust plain headers. */
export const createAssertionSigner = (options: AssertionSignerOptions): AssertionSigner => {
  const { keys, issuer, lifetimeSeconds, now } = options
  const reuseSeconds = Math.min(REUSE_SECONDS, Math.floor(lifetimeSeconds / 2))
  const kept = new LRUCache<string, { readonly text: string; readonly until: number }>({
    max: MOST_KEPT,
  })
  return async (assertion) => {
    const [key] = keys()
    const name = JSON.stringify([key.kid, assertion])
    const last = kept.get(name)
    if (last !== undefined && now() < last.until) return last.text
    const issuedAt = now()
    const text = await new SignJWT(claimsOf(assertion))
      .setProtectedHeader({ alg: 'ES256', kid: key.kid, typ: 'JWT' })
      .setIssuer(issuer)
      .setAudience(assertion.host)
      .setSubject(assertion.identity.subject)
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + lifetimeSeconds)
      .setJti(randomUUID())
      .sign(key.privateKey)
    kept.set(name, { text, until: issuedAt + reuseSeconds })
    return text
  }
}

const claimsOf = ({ identity, sessionKey, policyVersion }: Assertion): Record<string, unknown> => ({
  email: identity.email === '' ? undefined : identity.email,
  preferred_username: identity.preferredUsername === '' ? undefined : identity.preferredUsername,
  groups: identity.groups,
  actor: identity.actor,
  sid: sessionKey,
  policy_version: policyVersion,
})
