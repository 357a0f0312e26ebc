import { z } from 'zod'
import { parseSessionKey } from '../../core/ids.ts'
import { type Revocation, type RevocationTarget } from '../../core/revocation.ts'

const ms = z.number().int().nonnegative()
const text = z.string().max(200)

const ENTRY = z.object({
  kind: z.enum(['session', 'subject', 'provider_session', 'everything']),
  name: text.optional(),
  clock: z.enum(['ours', 'issuer']),
  sessionsUntil: ms,
  tokensUntil: ms.optional(),
  orderedAt: ms,
  keepUntil: ms,
})

type Entry = z.infer<typeof ENTRY>

/** A revocation as a line of the log in the store. */
export const revocationText = ({
  target,
  sessionsUntil,
  tokensUntilMs,
  orderedAtMs,
  keepUntilMs,
}: Revocation): string =>
  JSON.stringify({
    ...target,
    clock: sessionsUntil.clock,
    sessionsUntil: sessionsUntil.ms,
    ...(tokensUntilMs === undefined ? {} : { tokensUntil: tokensUntilMs }),
    orderedAt: orderedAtMs,
    keepUntil: keepUntilMs,
  } satisfies Entry)

/** What a store held is input like any other: undefined where it is not of the shape. */
export const parseRevocation = (written: string): Revocation | undefined => {
  const entry = ENTRY.safeParse(parseJson(written)).data
  const target = entry === undefined ? undefined : targetOf(entry)
  if (entry === undefined || target === undefined) return undefined
  return {
    target,
    sessionsUntil: { clock: entry.clock, ms: entry.sessionsUntil },
    tokensUntilMs: entry.tokensUntil,
    orderedAtMs: entry.orderedAt,
    keepUntilMs: entry.keepUntil,
  }
}

const targetOf = ({ kind, name }: Entry): RevocationTarget | undefined => {
  if (kind === 'everything') return { kind }
  if (kind !== 'session') return name === undefined ? undefined : { kind, name }
  const key = parseSessionKey(name ?? '')
  return key === undefined ? undefined : { kind, name: key }
}

const parseJson = (written: string): unknown => {
  try {
    const value: unknown = JSON.parse(written)
    return value
  } catch {
    return undefined
  }
}
