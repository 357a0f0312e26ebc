import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'

export type Question = {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as a form. */
  readonly form?: Readonly<Record<string, string>>
}

export type Reply = {
  readonly status: number
  readonly location: string | undefined
  readonly setCookies: readonly string[]
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

const DEADLINE = 10_000

const isLocal = (hostname: string): boolean => /(?:^|\.)localhost$/.test(hostname)

/**
 * One request without redirects. Names below `localhost` go to 127.0.0.1, as in browsers; the C
 * library knows such names on some systems only.
 */
export const ask = async (target: string | URL, question: Question = {}): Promise<Reply> => {
  const url = new URL(target)
  const { form, headers } = question
  const body = form === undefined ? undefined : new URLSearchParams(form).toString()
  const request = httpRequest({
    host: isLocal(url.hostname) ? '127.0.0.1' : url.hostname,
    port: url.port,
    path: `${url.pathname}${url.search}`,
    method: question.method ?? (form === undefined ? 'GET' : 'POST'),
    agent: false,
    signal: AbortSignal.timeout(DEADLINE),
    headers: {
      host: url.host,
      ...(body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
      ...headers,
    },
  })
  request.end(body)
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  return {
    status: response.statusCode ?? 0,
    location: response.headers.location,
    setCookies: response.headers['set-cookie'] ?? [],
    headers: response.headers,
    body: await text(response),
  }
}
