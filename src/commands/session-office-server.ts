import { z } from 'zod'
import { epochSeconds, parseSessionKey, type SessionKey } from '../core/ids.ts'
import { type Secret } from '../core/secret.ts'
import { type RevocationOrder } from '../flow/revoke.ts'
import { type ListedSession } from '../flow/session-ports.ts'
import { createAdminClient, readAnswer } from './admin-client.ts'
import { type SessionOffice } from './session-office.ts'

const moment = z.iso.datetime().transform((text) => epochSeconds(Date.parse(text) / 1000))
const key = z.string().transform((text, context): SessionKey => {
  const parsed = parseSessionKey(text)
  if (parsed !== undefined) return parsed
  context.addIssue({ code: 'custom', message: 'is no session key' })
  return z.NEVER
})
const SESSION = z
  .object({
    key,
    createdAt: moment.nullable(),
    lastUsedAt: moment,
    browser: z.string().max(100).nullable(),
  })
  .transform(
    ({ createdAt, browser, ...rest }): ListedSession => ({
      ...rest,
      createdAt: createdAt ?? undefined,
      browser: browser ?? undefined,
    }),
  )
const LIST = z.object({ sessions: z.array(SESSION), isWhole: z.boolean() })
const ENDED = z.object({ sessions: z.number().int().nullable() })

/** The sessions that a running service knows, asked at its ops listener. */
export const openServerOffice = (server: string, token: Secret | undefined): SessionOffice => {
  const ask = createAdminClient(server, token)
  return {
    list: async (subject, most) => {
      const of = subject === undefined ? '' : `&subject=${encodeURIComponent(subject)}`
      return readAnswer(LIST, await ask('GET', `/sessions?limit=${most}${of}`))
    },
    find: async (keyStart) => {
      const answer = await ask('GET', `/sessions/${encodeURIComponent(keyStart)}`)
      return answer.status === 404 ? undefined : readAnswer(SESSION, answer)
    },
    end: async (order) => {
      const answer = await ask('DELETE', `/sessions${pathOf(order)}`)
      // It ended between being found and being ended.
      if (answer.status === 404) return 0
      return readAnswer(ENDED, answer).sessions ?? undefined
    },
    close: () => Promise.resolve(),
  }
}

const pathOf = (order: RevocationOrder): string => {
  switch (order.kind) {
    case 'session':
      return `/${order.key}`
    case 'subject':
      return `?subject=${encodeURIComponent(order.subject)}`
    case 'before':
      return `?before=${encodeURIComponent(new Date(order.momentMs).toISOString())}`
    case 'everything':
      return '?all=true'
  }
}
