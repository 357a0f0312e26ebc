import { type EpochSeconds, epochSeconds, type HostName } from './ids.ts'
import { type Authenticated } from './principal.ts'
import { fail, ok, type Result } from './result.ts'

/** Before the id in the subject, as the name of an issuer stands before `sub`. */
export const SERVICE_TOKENS = 'token'

/** With this begins every text of a token, so that scanners for leaked secrets find it. */
export const SERVICE_TOKEN_START = 'vst_'

export const serviceTokenSubject = (id: string): string => `${SERVICE_TOKENS}/${id}`

/** 80 random bits in base32, no secret: policies, logs and people name the token by it. */
export const isServiceTokenId = (text: string): boolean => /^[a-z2-7]{16}$/.test(text)

export const serviceTokenIdOf = (subject: string): string | undefined => {
  const id = subject.slice(SERVICE_TOKENS.length + 1)
  return subject === serviceTokenSubject(id) && isServiceTokenId(id) ? id : undefined
}

/** What somebody may do with a token of ours, and who answers for it. */
export type ServiceTokenGrant = {
  /** An address, for people to ask; it proves nothing. */
  readonly owner: string
  readonly purpose: string
  /** Nowhere else is the token worth anything. */
  readonly hosts: readonly HostName[]
  /** Undefined where nothing was said about groups. */
  readonly groups: readonly string[] | undefined
  readonly actor: 'workload' | 'agent'
  readonly expiresAt: EpochSeconds
}

/** A token of ours as the store knows it. */
export type ServiceToken = ServiceTokenGrant & {
  readonly id: string
  readonly createdAt: EpochSeconds
  readonly revokedAt: EpochSeconds | undefined
  /** Newest first. */
  readonly secrets: readonly TokenSecret[]
}

/** One text of the token, known by its hash. */
export type TokenSecret = {
  readonly digest: string
  readonly issuedAt: EpochSeconds
  /** When it gives way to a newer one; undefined: as long as the token itself. */
  readonly until: EpochSeconds | undefined
}

export type ServiceTokenState = 'in_force' | 'expired' | 'revoked'

export const stateOf = (token: ServiceToken, now: EpochSeconds): ServiceTokenState => {
  if (token.revokedAt !== undefined) return 'revoked'
  return now < token.expiresAt ? 'in_force' : 'expired'
}

/** The secret with that hash, if it is one of this token. */
export const secretOf = ({ secrets }: ServiceToken, digest: string): TokenSecret | undefined =>
  // Hashes of 256 random bits: how long the comparison takes tells nothing of the token.
  secrets.find((secret) => secret.digest === digest)

export type ServiceTokenFailure = 'invalid' | 'revoked' | 'expired' | 'wrong_host'

/**
 * Whether the holder of a text with that hash may be taken for the token, there and now. What is
 * wrong beside the text is told only to those who have the text.
 */
export const judgeServiceToken = (
  token: ServiceToken,
  digest: string,
  { host, now }: { readonly host: HostName; readonly now: EpochSeconds },
): Result<undefined, ServiceTokenFailure> => {
  const secret = secretOf(token, digest)
  if (secret === undefined) return fail('invalid')
  const state = stateOf(token, now)
  if (state !== 'in_force') return fail(state)
  if (secret.until !== undefined && now >= secret.until) return fail('expired')
  return token.hosts.includes(host) ? ok(undefined) : fail('wrong_host')
}

/** Who calls with the token. Its owner is a claim and no address: he did not send it himself. */
export const serviceTokenPrincipal = (token: ServiceToken, issuer: string): Authenticated => ({
  kind: 'authenticated',
  actor: token.actor,
  subject: serviceTokenSubject(token.id),
  issuer,
  email: undefined,
  preferredUsername: undefined,
  groups: token.groups,
  claims: {
    iss: issuer,
    sub: token.id,
    iat: token.createdAt,
    exp: token.expiresAt,
    owner: token.owner,
  },
})

/** More texts than anybody needs at a time; the oldest gives way. */
const MOST_SECRETS = 4

export type Rotation = {
  /** For so long the texts of before still count. */
  readonly overlapSeconds: number
  /** When the token expires from now on; undefined: as before. */
  readonly expiresAt: EpochSeconds | undefined
}

/** The token with a new text. It stays the same token, and no older one. */
export const rotated = (
  token: ServiceToken,
  digest: string,
  { overlapSeconds, expiresAt = token.expiresAt }: Rotation,
  now: EpochSeconds,
): ServiceToken => {
  const until = epochSeconds(now + overlapSeconds)
  const older = token.secrets.map((secret) => ({
    ...secret,
    until: epochSeconds(Math.min(secret.until ?? Number.MAX_SAFE_INTEGER, until)),
  }))
  const secrets = [{ digest, issuedAt: now, until: undefined }, ...older].slice(0, MOST_SECRETS)
  return { ...token, expiresAt, secrets }
}
