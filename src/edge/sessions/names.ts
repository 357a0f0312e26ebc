import { hash, randomBytes } from 'node:crypto'
import { parseSessionId, parseSessionKey, type SessionId, type SessionKey } from '../../core/ids.ts'
import { type Authenticated, subjectAtIssuer } from '../../core/principal.ts'

/** 256 random bits: the secret that the cookie holds. */
export const mintSessionId = (): SessionId => {
  const id = parseSessionId(randomBytes(32).toString('base64url'))
  if (id === undefined) throw new TypeError('minted a session id that is none')
  return id
}

export const sessionKeyOf = (id: SessionId): SessionKey => {
  const key = parseSessionKey(hash('sha256', id, 'base64url'))
  if (key === undefined) throw new TypeError('hashed a session id to no key')
  return key
}

/**
 * What revocations and the index call somebody. No key goes into it: a revocation must not depend
 * on a key that may be retired. Whoever guesses a subject can see that it was here; no more.
 */
export const subjectDigest = (issuer: string, subject: string): string =>
  hash('sha256', JSON.stringify(['subject', issuer, subject]), 'base64url')

/** With a subject it is another name: it ends that session only where it is that subject's. */
export const providerSessionDigest = (
  issuer: string,
  sid: string,
  subject: string | undefined,
): string =>
  hash(
    'sha256',
    JSON.stringify(['sid', issuer, sid, ...(subject === undefined ? [] : [subject])]),
    'base64url',
  )

/** Each name that the provider may call somebody's session by. */
export const providerSessionDigests = (person: Authenticated): readonly string[] => {
  const { issuer, claims } = person
  const sid = Object.hasOwn(claims, 'sid') ? claims['sid'] : undefined
  if (typeof sid !== 'string') return []
  return [undefined, subjectAtIssuer(person)].map((subject) =>
    providerSessionDigest(issuer, sid, subject),
  )
}

/** The braces keep all records of a session in one slot of a Redis Cluster. */
const named = (key: SessionKey, part: string): string => `vestibule:{${key}}:${part}`

export const sessionName = (key: SessionKey): string => named(key, 'session')
export const tokensName = (key: SessionKey): string => named(key, 'tokens')
/** Lives for as long as the session may be idle; apart, so that use changes nothing else. */
export const usedName = (key: SessionKey): string => named(key, 'used')
export const leaseName = (key: SessionKey): string => named(key, 'lease')
/** Says which refresh token is being used. */
export const refreshName = (key: SessionKey): string => named(key, 'refresh')
export const namesOf = (key: SessionKey): readonly string[] => [
  sessionName(key),
  tokensName(key),
  usedName(key),
  refreshName(key),
]

export const SESSION_NAME_START = 'vestibule:{'
export const SESSION_NAME_END = '}:session'
export const keyOfName = (name: string): SessionKey | undefined =>
  parseSessionKey(name.slice(SESSION_NAME_START.length, -SESSION_NAME_END.length))

export const indexName = (subject: string): string => `vestibule:sessions-of:${subject}`
