import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type Duplex } from 'node:stream'
import { type RequestSketch } from '../../core/access-request.ts'
import { type Decision, deny, unavailable } from '../../core/decision.ts'
import { NOBODY } from '../../core/identity-headers.ts'
import { type CookieStripper, cookieStripper } from '../../core/passing-credentials.ts'
import { ANONYMOUS } from '../../core/principal.ts'
import { type Answer, type VerifyPorts } from '../../flow/ports.ts'
import { verify } from '../../flow/verify.ts'
import { type NginxRequestOptions, readNginxRequest } from './nginx-request.ts'
import { passOn } from './passing-headers.ts'
import {
  type AnswerOptions,
  answerHeaders,
  commonHeaders,
  STATUS,
  type VerifyStatus,
} from './verify-answer.ts'

export type VerifyListenerOptions = NginxRequestOptions &
  AnswerOptions & {
    readonly ports: VerifyPorts
    /** Writes the decision down; neither throws nor waits. */
    readonly record: (answer: Answer, status: VerifyStatus, seconds: number) => void
    readonly onBug: (error: unknown) => void
  }

/**
 * nginx forwards up to 33 KiB of client headers and adds the URL three times; with Node's own
 * limit of 16 KiB an ordinary long URL would end in a 500.
 */
const LARGEST_HEADERS = 64 * 1024

/** The listener that nginx asks. Only 200, 401, 403, 503 and 404 (no such path) ever leave it. */
export const createVerifyListener = (options: VerifyListenerOptions): Server => {
  /** The latest answer on each connection. */
  const latest = new WeakMap<Duplex, ServerResponse>()
  const lastRequestRead = new WeakSet<Duplex>()
  const strip = cookieStripper(options.cookieName)
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    if (lastRequestRead.has(request.socket)) return
    if (hasBody(request)) lastRequestRead.add(request.socket)
    latest.set(request.socket, response)
    if (!isVerifyPath(request.url ?? '')) {
      response
        .writeHead(404, ['Content-Length', '0', 'Cache-Control', 'no-store', ...closing(request)])
        .end()
      return
    }
    void respond(options, strip, request, response)
  }
  const server = createServer(
    {
      maxHeaderSize: LARGEST_HEADERS,
      requireHostHeader: false,
      // Longer than the 60 s for which proxies keep idle connections, so that nginx closes first.
      keepAliveTimeout: 75_000,
      headersTimeout: 10_000,
      requestTimeout: 15_000,
    },
    answer,
  )
  // Zero is no limit; the default drops headers beyond 2000, and an absent header must never be
  // one that was cut off. The size is bounded above.
  server.maxHeadersCount = 0
  server.on('checkContinue', answer)
  server.on('checkExpectation', answer)
  server.on('clientError', (_error, socket) => {
    const running = latest.get(socket)
    // What follows a request that is being answered gets no answer: it would be taken for that.
    if (running === undefined || running.writableFinished) refuse(options, socket)
    else running.once('finish', () => socket.end())
  })
  return server
}

/** Absolute-form targets are read as origin-form; the authority in them means nothing here. */
const isVerifyPath = (url: string): boolean =>
  /^(?:https?:\/\/[^/?#]*)?\/(?:verify|oauth2\/auth)(?:\?|$)/.test(url)

const respond = async (
  options: VerifyListenerOptions,
  strip: CookieStripper,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> => {
  const startedAt = performance.now()
  const answer = await decideSafely(options, request)
  const status = STATUS[answer.record.decision.effect]
  let notPassed: readonly string[] = []
  try {
    const headers = answerHeaders(answer, options)
    const passed = passOn(request.rawHeaders, answer, headers, strip)
    response.writeHead(status, [...headers, ...passed.headers, ...closing(request)]).end()
    notPassed = passed.notPassed
  } catch (error) {
    options.onBug(error)
    response.destroy()
  }
  options.record({ ...answer, notPassed }, status, (performance.now() - startedAt) / 1000)
}

/** A body is never read; what follows it on the connection must not be taken for a request. */
const hasBody = (request: IncomingMessage): boolean =>
  request.headers['transfer-encoding'] !== undefined ||
  (request.headers['content-length'] ?? '0') !== '0'

const closing = (request: IncomingMessage): readonly string[] =>
  hasBody(request) ? ['Connection', 'close'] : []

/** Whatever is thrown, nobody gets in, and nginx hears that it was our fault. */
const decideSafely = async (
  options: VerifyListenerOptions,
  request: IncomingMessage,
): Promise<Answer> => {
  const id = randomUUID()
  try {
    const read = readNginxRequest(request.url ?? '', request.rawHeaders, options)
    return read.ok
      ? await verify(options.ports, { id, ...read.value })
      : unread(options, id, deny(read.failure.reason), read.failure.about)
  } catch (error) {
    options.onBug(error)
    return unread(options, id, unavailable('internal_error'))
  }
}

/** The answer to what could not be understood as a request. */
const unread = (
  options: VerifyListenerOptions,
  id: string,
  decision: Decision,
  request: RequestSketch = {},
): Answer => ({
  record: {
    id,
    decision,
    request,
    policy: undefined,
    policyVersion: options.ports.policies().version,
    principal: ANONYMOUS,
    credential: 'none',
    sessionKey: undefined,
    mode: 'enforce',
  },
  identity: NOBODY,
  assertion: '',
  groupsCut: 0,
})

/** A malformed request line, an oversized header, a time-out: Node would answer 400, 431 or 408. */
const refuse = (options: VerifyListenerOptions, socket: Duplex): void => {
  if (!socket.writable) {
    socket.destroy()
    return
  }
  const answer = unread(options, randomUUID(), deny('malformed_request'))
  const headers = commonHeaders(answer.record.id, 'malformed_request')
  const lines = ['HTTP/1.1 403 Forbidden', 'Connection: close']
  for (let index = 0; index < headers.length; index += 2) {
    lines.push(`${headers[index]}: ${headers[index + 1]}`)
  }
  socket.end(`${lines.join('\r\n')}\r\n\r\n`)
  options.record(answer, 403, 0)
}
