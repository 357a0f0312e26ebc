import { z } from 'zod'
import { type Secret } from '../core/secret.ts'
import { newestFirst, type PlainToken } from '../flow/service-tokens.ts'
import { type AskAdmin, createAdminClient, readAnswer } from './admin-client.ts'
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
const PAGE = z.object({ tokens: z.array(TOKEN), next: z.string().max(100).nullable() })
const MINTED = TOKEN.extend({ token: text }).transform(({ token: shown, ...token }) => ({
  text: shown,
  token,
}))
const ENDED = z.object({ ended: z.literal('token') })

/** Page after page: all at once may be more than one answer should hold. */
const listAll = async (ask: AskAdmin): Promise<readonly PlainToken[]> => {
  const all: PlainToken[] = []
  for (let after = ''; ; ) {
    const query = after === '' ? '' : `?after=${encodeURIComponent(after)}`
    const { tokens, next } = readAnswer(PAGE, await ask('GET', `/tokens${query}`))
    all.push(...tokens)
    if (next === null) return all
    if (next <= after) throw new Error('the service lists the same tokens again and again')
    after = next
  }
}

/** The tokens that a running service knows, asked at its ops listener. */
export const openServerTokens = (server: string, token: Secret | undefined): TokenOffice => {
  const ask = createAdminClient(server, token)
  return {
    create: async (written) => readAnswer(MINTED, await ask('POST', '/tokens', written)),
    list: async () => (await listAll(ask)).toSorted(newestFirst),
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
