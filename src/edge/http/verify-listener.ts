import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type Duplex } from 'node:stream'
import { type RequestSketch } from '../../core/access-request.ts'
import { type Decision, deny, unavailable } from '../../core/decision.ts'
import { type Eventual } from '../../core/eventual.ts'
import { NOBODY } from '../../core/identity-headers.ts'
import { ANONYMOUS } from '../../core/principal.ts'
import { type Answer, type Sent, type VerifyPorts } from '../../flow/ports.ts'
import { type Question, verify } from '../../flow/verify.ts'
import { type NginxQuestion, type NginxRequestOptions, readNginxRequest } from './nginx-request.ts'
import { passOn } from './passing-headers.ts'
import { createCookieReader } from './sent-cookies.ts'
import { type AnswerOptions, answerHeaders, commonHeaders, STATUS } from './verify-answer.ts'

export type VerifyListenerOptions = Omit<NginxRequestOptions, 'readCookies'> &
  AnswerOptions & {
    readonly cookieName: string
    readonly ports: VerifyPorts
    /** Writes the decision down; neither throws nor waits. */
    readonly record: (answer: Answer, sent: Sent) => void
    readonly onBug: (error: unknown) => void
  }

/**
 * nginx forwards up to 33 KiB of client headers and adds the URL three times; with Node's own
 * limit of 16 KiB an ordinary long URL would end in a 500.
 */
const LARGEST_HEADERS = 64 * 1024

const LATEST = Symbol('latest answer')
const LAST_READ = Symbol('last request read')

/** Kept at the connection itself: a weak map of connections costs the collector of garbage dearly. */
type Connection = Duplex & { [LATEST]?: ServerResponse | undefined; [LAST_READ]?: boolean }

/** The listener that nginx asks. Only 200, 401, 403, 503 and 404 (no such path) ever leave it. */
export const createVerifyListener = (options: VerifyListenerOptions): Server => {
  const reading = { ...options, readCookies: createCookieReader(options.cookieName) }
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const connection: Connection = request.socket
    if (connection[LAST_READ] === true) return
    if (hasBody(request)) connection[LAST_READ] = true
    connection[LATEST] = response
    if (!isVerifyPath(request.url ?? '')) {
      response
        .writeHead(404, ['Content-Length', '0', 'Cache-Control', 'no-store', ...closing(request)])
        .end()
      return
    }
    respond(reading, request, response)
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
  server.on('connection', (socket) => socket.once('close', forget))
  server.on('checkContinue', answer)
  server.on('checkExpectation', answer)
  server.on('clientError', (_error, socket: Connection) => {
    const running = socket[LATEST]
    // What follows a request that is being answered gets no answer: it would be taken for that.
    if (running === undefined || running.writableFinished) refuse(options, socket)
    else running.once('finish', () => socket.end())
  })
  return server
}

/**
 * From the listeners and the answer of a closed connection a way leads to the next connection, and
 * on: once one is old for the collector of garbage, so is all that follows, and each request is
 * copied twice and kept until the long collection. Without that way, all of it dies young.
 */
function forget(this: Connection): void {
  this[LATEST] = undefined
  this.removeAllListeners()
}

/** Absolute-form targets are read as origin-form; the authority in them means nothing here. */
const isVerifyPath = (url: string): boolean =>
  /^(?:https?:\/\/[^/?#]*)?\/(?:verify|oauth2\/auth)(?:\?|$)/.test(url)

type Reading = VerifyListenerOptions & NginxRequestOptions

const respond = (options: Reading, request: IncomingMessage, response: ServerResponse): void => {
  const startedAt = performance.now()
  const id = randomUUID()
  const question = readSafely(options, id, request)
  const send = (answer: Answer): void => {
    const status = STATUS[answer.record.decision.effect]
    let notPassed: readonly string[] = []
    try {
      const headers = answerHeaders(answer, options)
      const passed = passOn(question.sent, answer, headers)
      headers.push(...passed.headers, ...closing(request))
      response.writeHead(status, headers).end()
      notPassed = passed.notPassed
    } catch (error) {
      options.onBug(error)
      response.destroy()
    }
    options.record(answer, { status, notPassed, seconds: (performance.now() - startedAt) / 1000 })
  }
  const answer = question.answer()
  if (answer instanceof Promise) void answer.then(send)
  else send(answer)
}

/**
 * A body is never read; what follows it on the connection must not be taken for a request. Looks at
 * the headers as they came: Node's own view of them is made on first use, and costs more than that.
 */
const hasBody = ({ rawHeaders }: IncomingMessage): boolean => {
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? ''
    if (name.length === 14 && name.toLowerCase() === 'content-length') {
      if (rawHeaders[index + 1] !== '0') return true
    } else if (name.length === 17 && name.toLowerCase() === 'transfer-encoding') return true
  }
  return false
}

const closing = (request: IncomingMessage): readonly string[] =>
  hasBody(request) ? ['Connection', 'close'] : []

type Readied = Pick<NginxQuestion, 'sent'> & { readonly answer: () => Eventual<Answer> }

const NOTHING_SENT: NginxQuestion['sent'] = { cookies: '', authorization: undefined }

const closed = (answer: Answer): Readied => ({ sent: NOTHING_SENT, answer: () => answer })

/** Whatever is thrown, nobody gets in, and nginx hears that it was our fault. */
const readSafely = (options: Reading, id: string, request: IncomingMessage): Readied => {
  const failed = (error: unknown): Answer => {
    options.onBug(error)
    return unread(options, id, unavailable('internal_error'))
  }
  try {
    const read = readNginxRequest(request.url ?? '', request.rawHeaders, options)
    if (!read.ok) return closed(unread(options, id, deny(read.failure.reason), read.failure.about))
    const { sent, request: asked, bearer, cookie } = read.value
    return {
      sent,
      answer: () => verifySafely(options, { id, request: asked, bearer, cookie }, failed),
    }
  } catch (error) {
    return closed(failed(error))
  }
}

const verifySafely = (
  { ports }: Reading,
  question: Question,
  failed: (error: unknown) => Answer,
): Eventual<Answer> => {
  try {
    const answer = verify(ports, question)
    return answer instanceof Promise ? answer.catch(failed) : answer
  } catch (error) {
    return failed(error)
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
  options.record(answer, { status: 403, notPassed: [], seconds: 0 })
}
