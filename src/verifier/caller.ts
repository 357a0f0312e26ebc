import { type JWTPayload } from 'jose'

/** Who is calling, as Vestibule vouches for it. */
export type Caller = {
  readonly subject: string
  readonly email: string | undefined
  readonly preferredUsername: string | undefined
  /** Groups that the policy of the host names. */
  readonly groups: readonly string[]
  readonly actor: 'human' | 'workload' | 'agent'
  /** The agent that acts for the subject, where one does. */
  readonly agent: string | undefined
  /** Hash of the session; undefined for callers with a token. */
  readonly session: string | undefined
  readonly policyVersion: string | undefined
}

/** Verified claims → caller; undefined where they are not of the shape that Vestibule signs. */
export const callerOf = (claims: JWTPayload): Caller | undefined => {
  const { sub: subject } = claims
  const groups = claims['groups']
  const actor = ACTORS.find((each) => each === claims['actor'])
  if (subject === undefined || subject === '' || actor === undefined) return undefined
  if (!isTexts(groups)) return undefined
  const agent = agentOf(claims['act'])
  if (agent === null) return undefined
  return {
    subject,
    email: textOf(claims['email']),
    preferredUsername: textOf(claims['preferred_username']),
    groups,
    actor,
    agent,
    session: textOf(claims['sid']),
    policyVersion: textOf(claims['policy_version']),
  }
}

const ACTORS = ['human', 'workload', 'agent'] as const

const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((each) => typeof each === 'string')

const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' ? value : undefined

/** Null where it says something that is not understood: then nobody knows who acts. */
const agentOf = (act: unknown): string | undefined | null => {
  if (act === undefined) return undefined
  if (typeof act !== 'object' || act === null || !('sub' in act)) return null
  return typeof act.sub === 'string' ? act.sub : null
}
