import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { rootCertificates } from 'node:tls'
import { type Answered } from '../../migrate/verify/step.ts'

export type Question = {
  readonly url: string
  readonly method: string
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** `host:port` to connect to; by default those of the URL. */
  readonly address: string | undefined
  /** Where it is a fault that anybody answers, whoever it is; nothing secret is sent there. */
  readonly trustsAnybody: boolean
}

export type AskOptions = {
  /** Of the whole exchange, from looking up the name to the end of the body. */
  readonly deadlineMs: number
  /** PEM of certificates to trust besides those of Node. */
  readonly ca: string | undefined
}

export type Ask = (question: Question) => Promise<Answered>

/** Pages that tell who is signed in are smaller; a bound on memory. */
const LARGEST_BYTES = 1024 * 1024

/** One request and its answer; redirects are not followed, so nobody else is contacted. */
export const createAsk =
  (options: AskOptions): Ask =>
  async (question) => {
    const progress: Progress = { isConnected: false }
    try {
      const response = await send(question, options, progress)
      return {
        kind: 'answer',
        status: response.statusCode ?? 0,
        location: response.headers.location,
        body: await readBounded(response),
      }
    } catch (error) {
      return failureOf(error, progress, options)
    }
  }

type Progress = { isConnected: boolean }

const send = async (
  { url, method, headers, address, trustsAnybody }: Question,
  { deadlineMs, ca }: AskOptions,
  progress: Progress,
): Promise<IncomingMessage> => {
  const target = new URL(url)
  const { hostname, port } = address === undefined ? target : new URL(`http://${address}`)
  const isTls = target.protocol === 'https:'
  const request = (isTls ? httpsRequest : httpRequest)({
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? (isTls ? 443 : 80) : port,
    ...(isTls ? { servername: target.hostname, rejectUnauthorized: !trustsAnybody } : {}),
    ...(ca === undefined ? {} : { ca: [...rootCertificates, ca] }),
    // As written: URL resolves dot segments, and a plan may want to know what they do.
    path: url.replace(/^https?:\/\/[^/?#]+/i, ''),
    method,
    agent: false,
    signal: AbortSignal.timeout(deadlineMs),
    headers: [...headers.flat(), 'Host', target.host],
  })
  request.once('socket', (socket) => {
    socket.once('connect', () => {
      progress.isConnected = true
    })
  })
  return await new Promise((resolve, reject) => {
    request.once('response', resolve)
    // Errors may come after the answer too, and one without a listener ends the process.
    request.on('error', reject)
    request.end()
  })
}

/** The beginning is enough of what is larger, or does not end. */
const readBounded = async (response: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = []
  let size = 0
  try {
    const body: AsyncIterable<Buffer> = response
    for await (const chunk of body) {
      chunks.push(chunk)
      size += chunk.length
      if (size > LARGEST_BYTES) break
    }
  } catch {
    // The status has been read, and what came of the page is looked at.
  }
  return Buffer.concat(chunks).toString('utf8')
}

const failureOf = (
  error: unknown,
  { isConnected }: Progress,
  { deadlineMs }: AskOptions,
): Answered => {
  const code = codeOf(error)
  const detail =
    code === 'ABORT_ERR' ? `nothing within ${deadlineMs / 1000} s` : code || String(error)
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return { kind: 'unresolved', detail: `the name is not known here (${code})` }
  }
  return { kind: isConnected ? 'closed' : 'unreachable', detail }
}

const codeOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : ''
