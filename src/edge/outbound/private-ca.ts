import { Agent, type RequestOptions, request } from 'node:https'
import { Readable } from 'node:stream'
import { NO_BODY, type Send } from './bounded-fetch.ts'

/**
 * Sends to servers whose certificate one private CA has signed, and trusts no other there. The
 * runtime's `fetch` can only be told of a CA for the whole process, which would trust it everywhere.
 */
export const createPrivateCaSend = (readCa: () => Promise<string>): Send => {
  let known: { readonly ca: string; readonly agent: Agent } | undefined
  return async (url, init) => {
    const ca = await readCa()
    // An empty list would stand for the public authorities.
    if (!ca.includes('-----BEGIN CERTIFICATE-----'))
      throw new TypeError('the CA has no certificate')
    if (known?.ca !== ca) {
      known = { ca, agent: new Agent({ ca, keepAlive: true, maxSockets: MOST_CONNECTIONS }) }
    }
    return await send(url, init, known.agent)
  }
}

const MOST_CONNECTIONS = 20

const send = (url: string, init: Readonly<RequestInit>, agent: Agent): Promise<Response> =>
  new Promise((resolve, reject) => {
    const sent = request(url, { ...optionsOf(init), agent }, (answer) => {
      const { statusCode = 0 } = answer
      try {
        const hasBody = !NO_BODY.has(statusCode)
        if (!hasBody) answer.resume()
        resolve(
          new Response(hasBody ? Readable.toWeb(answer) : null, {
            status: statusCode,
            headers: headersOf(answer.rawHeaders),
          }),
        )
      } catch (error) {
        answer.destroy()
        reject(error instanceof Error ? error : new TypeError('no HTTP answer'))
      }
    })
    sent.on('error', reject)
    sent.end(textOf(init.body))
  })

const optionsOf = ({ method = 'GET', headers, signal }: Readonly<RequestInit>): RequestOptions => ({
  method,
  headers: Object.fromEntries(new Headers(headers)),
  ...(signal === null || signal === undefined ? {} : { signal }),
})

const textOf = (body: RequestInit['body']): string | undefined => {
  if (body === null || body === undefined) return undefined
  if (typeof body === 'string') return body
  if (body instanceof URLSearchParams) return body.toString()
  throw new TypeError('only text can be sent')
}

const headersOf = (raw: readonly string[]): Headers => {
  const headers = new Headers()
  for (let at = 0; at + 1 < raw.length; at += 2) headers.append(raw[at] ?? '', raw[at + 1] ?? '')
  return headers
}
