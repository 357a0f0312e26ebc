import { z } from 'zod'
import { epochSeconds } from '../../core/ids.ts'
import { type Session } from '../../core/session.ts'
import { type SignInAttempt, type Tokens } from '../../flow/ports.ts'

const seconds = z.number().int().nonnegative().transform(epochSeconds)
/** JSON has no `undefined`: an absent key reads as one. */
const maybe = <Schema extends z.ZodType>(
  schema: Schema,
): z.ZodPipe<z.ZodOptional<Schema>, z.ZodTransform<z.output<Schema> | undefined>> =>
  schema.optional().transform((value) => value)

const PROOF = z.object({ acr: z.array(z.string()), maxAgeSeconds: maybe(z.number()) })

const SESSION = z.object({
  createdAt: seconds,
  checkedAt: seconds,
  beganMs: z.number().int().nonnegative(),
  issuedAt: maybe(seconds),
  askedProof: maybe(PROOF),
  principal: z.object({
    kind: z.literal('authenticated'),
    actor: z.enum(['human', 'workload', 'agent']),
    subject: z.string().min(1),
    issuer: z.string().min(1),
    email: maybe(z.string()),
    preferredUsername: maybe(z.string()),
    groups: maybe(z.array(z.string())),
    claims: z.record(z.string(), z.unknown()),
  }),
})

const TOKENS = z.object({
  idToken: z.string(),
  accessToken: z.string(),
  accessExpiresAt: maybe(z.number()),
  refreshToken: maybe(z.string()),
})

const ATTEMPT = z.object({
  state: z.string(),
  nonce: z.string(),
  codeVerifier: z.string(),
  browser: z.string(),
  returnTo: z.string(),
  askedProof: maybe(PROOF),
  startedAt: seconds,
})

/** What a store held is input like any other: undefined where it is not of the shape. */
export const parseSession = (value: unknown): Session | undefined => {
  const { data } = SESSION.safeParse(value)
  return data === undefined ? undefined : compact(data)
}

/** Written out: objects that grew member by member, as a schema's do, take twice the memory. */
const compact = ({ principal, ...session }: Session): Session => ({
  principal: {
    kind: principal.kind,
    actor: principal.actor,
    subject: principal.subject,
    issuer: principal.issuer,
    email: principal.email,
    preferredUsername: principal.preferredUsername,
    groups: principal.groups,
    claims: principal.claims,
  },
  createdAt: session.createdAt,
  checkedAt: session.checkedAt,
  beganMs: session.beganMs,
  issuedAt: session.issuedAt,
  askedProof: session.askedProof,
})

export const parseTokens = (value: unknown): Tokens | undefined => TOKENS.safeParse(value).data

export const parseAttempt = (value: unknown): SignInAttempt | undefined =>
  ATTEMPT.safeParse(value).data
