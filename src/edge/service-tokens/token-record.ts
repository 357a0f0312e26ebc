import { z } from 'zod'
import { epochSeconds, type HostName, parseHostName } from '../../core/ids.ts'
import { isServiceTokenId, type ServiceToken } from '../../core/service-token.ts'
import { type KeyRing } from '../sessions/key-ring.ts'
import { openSealed, seal } from '../sessions/sealing.ts'

const seconds = z.number().int().nonnegative().transform(epochSeconds)
const host = z.string().transform((text, context): HostName => {
  const parsed = parseHostName(text)
  if (parsed !== undefined) return parsed
  context.addIssue({ code: 'custom', message: 'is no host name' })
  return z.NEVER
})

const RECORD = z.object({
  id: z.string().refine(isServiceTokenId),
  owner: z.string(),
  purpose: z.string(),
  hosts: z.array(host).min(1),
  /** JSON has no `undefined`. */
  groups: z
    .array(z.string())
    .nullable()
    .transform((groups) => groups ?? undefined),
  actor: z.enum(['workload', 'agent']),
  createdAt: seconds,
  expiresAt: seconds,
  revokedAt: seconds.nullable().transform((at) => at ?? undefined),
  secrets: z.array(
    z.object({
      digest: z.string().length(43),
      issuedAt: seconds,
      until: seconds.nullable().transform((at) => at ?? undefined),
    }),
  ),
})

/** What was in a record of a token. */
export type OpenedToken =
  | { readonly kind: 'token'; readonly token: ServiceToken; readonly keyId: string }
  | { readonly kind: 'newer' }
  | { readonly kind: 'unreadable' }

/** Names hold the id alone, which says nothing of anybody. */
export const grantName = (id: string): string => `${NAME_START}${id}${NAME_END}`
/** Apart, so that use changes nothing that others keep. */
export const usedName = (id: string): string => `${NAME_START}${id}}:used`
/** Whoever changes a token does it alone. */
export const changeName = (id: string): string => `${NAME_START}${id}}:change`

export const NAME_START = 'vestibule:{token-'
export const NAME_END = '}:grant'

export const idOfName = (name: string): string | undefined => {
  const id = name.slice(NAME_START.length, -NAME_END.length)
  return isServiceTokenId(id) ? id : undefined
}

export const sealToken = (ring: KeyRing, token: ServiceToken): Buffer =>
  seal(ring, token.id, PURPOSE, {
    ...token,
    groups: token.groups ?? null,
    revokedAt: token.revokedAt ?? null,
    secrets: token.secrets.map((secret) => ({ ...secret, until: secret.until ?? null })),
  })

/** One that was put under another id is none. */
export const openToken = (ring: KeyRing, id: string, sealed: Buffer): OpenedToken => {
  const opened = openSealed(ring, id, PURPOSE, sealed)
  if (opened.kind === 'newer') return { kind: 'newer' }
  const token = opened.kind === 'value' ? RECORD.safeParse(opened.value).data : undefined
  if (token === undefined || token.id !== id) return { kind: 'unreadable' }
  return { kind: 'token', token, keyId: sealed.toString('latin1', 1, 9) }
}

const PURPOSE = 'service token'
