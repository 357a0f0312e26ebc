import { z } from 'zod'
import { type Secret } from '../core/secret.ts'
import { createBoundedFetch } from '../edge/outbound/bounded-fetch.ts'

const TIMEOUT_MS = 10_000

const PROBLEM = z.object({ error_description: z.string().max(300) })

export type Answer = { readonly status: number; readonly body: unknown }

export type AskAdmin = (
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  body?: object,
) => Promise<Answer>

/** Asks the ops listener of a running service. Throws where it does not answer. */
export const createAdminClient = (server: string, token: Secret | undefined): AskAdmin => {
  if (token === undefined) {
    throw new Error('admin.tokenFile is not set: without a token the service tells nobody')
  }
  if (!URL.canParse(server)) throw new TypeError('--server is no URL: write http://127.0.0.1:9090')
  const fetch = createBoundedFetch({ timeoutMs: TIMEOUT_MS, observe: () => undefined })
  return async (method, path, body) => {
    const url = new URL(`/admin${path}`, server)
    const headers = { authorization: `Bearer ${token.reveal()}` }
    const sent = body === undefined ? {} : { body: JSON.stringify(body) }
    try {
      const response = await fetch(url.href, { method, headers, ...sent })
      return { status: response.status, body: jsonOf(await response.text()) }
    } catch (error) {
      throw new Error(`${url.origin} does not answer: ${causeOf(error)}`, { cause: error })
    }
  }
}

/** The answer in that form; throws with what the service says where it is another. */
export const readAnswer = <Schema extends z.ZodType>(
  schema: Schema,
  { status, body }: Answer,
): z.output<Schema> => {
  const parsed = schema.safeParse(body)
  if ((status === 200 || status === 201) && parsed.success) return parsed.data
  const problem = PROBLEM.safeParse(body).data?.error_description ?? 'not an answer of Vestibule'
  throw new Error(`the service answered ${status}: ${problem}`)
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
