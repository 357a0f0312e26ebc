import { z } from 'zod'
import { type Secret } from '../core/secret.ts'
import { createAdminClient, readAnswer } from './admin-client.ts'
import { type TokenOffice } from './token-office.ts'

const text = z.string().max(300)
const moment = z.iso.datetime().nullable()
const TOKEN = z.object({
  id: text,
  state: z.enum(['in_force', 'expired', 'revoked', 'unreadable']),
  owner: z.string().max(400).nullable(),
  purpose: text.nullable(),
  hosts: z.array(text),
  groups: z.array(text).nullable(),
  actor: text.nullable(),
  createdAt: moment,
  expiresAt: moment,
  revokedAt: moment,
  lastUsedAt: moment,
  olderTextUntil: moment,
})
const LIST = z.object({ tokens: z.array(TOKEN) })
const MINTED = TOKEN.extend({ token: text }).transform(({ token: shown, ...token }) => ({
  text: shown,
  token,
}))
const ENDED = z.object({ ended: z.literal('token') })

/** The tokens that a running service knows, asked at its ops listener. */
export const openServerTokens = (server: string, token: Secret | undefined): TokenOffice => {
  const ask = createAdminClient(server, token)
  return {
    create: async (written) => readAnswer(MINTED, await ask('POST', '/tokens', written)),
    list: async () => readAnswer(LIST, await ask('GET', '/tokens')).tokens,
    find: async (id) => {
      const answer = await ask('GET', `/tokens/${id}`)
      return answer.status === 404 ? undefined : readAnswer(TOKEN, answer)
    },
    rotate: async (id, written) => {
      const answer = await ask('POST', `/tokens/${id}/rotate`, written)
      return answer.status === 404 ? undefined : readAnswer(MINTED, answer)
    },
    end: async (id) => {
      const answer = await ask('DELETE', `/tokens/${id}`)
      if (answer.status === 404) return false
      readAnswer(ENDED, answer)
      return true
    },
    close: () => Promise.resolve(),
  }
}
