import { z } from 'zod'
import { epochSeconds, parseSessionKey, type SessionKey } from '../core/ids.ts'
import { type Secret } from '../core/secret.ts'
import { createBoundedFetch } from '../edge/outbound/bounded-fetch.ts'
import { type RevocationOrder } from '../flow/revoke.ts'
import { type ListedSession } from '../flow/session-ports.ts'
import { type SessionOffice } from './session-office.ts'

const TIMEOUT_MS = 10_000

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
const PROBLEM = z.object({ error_description: z.string().max(300) })

/** The sessions that a running service knows, asked at its ops listener. */
export const openServerOffice = (server: string, token: Secret | undefined): SessionOffice => {
  if (token === undefined) {
    throw new Error('admin.tokenFile is not set: without a token the service tells nobody')
  }
  if (!URL.canParse(server)) throw new TypeError('--server is no URL: write http://127.0.0.1:9090')
  const fetch = createBoundedFetch({ timeoutMs: TIMEOUT_MS, observe: () => undefined })
  const ask = async (method: 'GET' | 'DELETE', path: string): Promise<Answer> => {
    const url = new URL(`/admin/sessions${path}`, server)
    const headers = { authorization: `Bearer ${token.reveal()}` }
    try {
      const response = await fetch(url.href, { method, headers })
      return { status: response.status, body: jsonOf(await response.text()) }
    } catch (error) {
      throw new Error(`${url.origin} does not answer: ${causeOf(error)}`, { cause: error })
    }
  }
  return {
    list: async (subject, most) => {
      const of = subject === undefined ? '' : `&subject=${encodeURIComponent(subject)}`
      return read(LIST, await ask('GET', `?limit=${most}${of}`))
    },
    find: async (keyStart) => {
      const answer = await ask('GET', `/${encodeURIComponent(keyStart)}`)
      return answer.status === 404 ? undefined : read(SESSION, answer)
    },
    end: async (order) => {
      const answer = await ask('DELETE', pathOf(order))
      // It ended between being found and being ended.
      if (answer.status === 404) return 0
      return read(ENDED, answer).sessions ?? undefined
    },
    close: () => Promise.resolve(),
  }
}

type Answer = { readonly status: number; readonly body: unknown }

const read = <Schema extends z.ZodType>(
  schema: Schema,
  { status, body }: Answer,
): z.output<Schema> => {
  const parsed = schema.safeParse(body)
  if (status === 200 && parsed.success) return parsed.data
  const problem = PROBLEM.safeParse(body).data?.error_description ?? 'not an answer of Vestibule'
  throw new Error(`the service answered ${status}: ${problem}`)
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

const jsonOf = (text: string): unknown => {
  try {
    const value: unknown = JSON.parse(text)
    return value
  } catch {
    return undefined
  }
}

/** `fetch failed` says nothing; its cause does. */
const causeOf = (error: unknown): string => {
  if (!(error instanceof Error)) return 'unknown'
  return error.cause instanceof Error ? error.cause.message : error.message
}
