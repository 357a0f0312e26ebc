import { randomUUID } from 'node:crypto'
import { type RequestSketch } from '../../core/access-request.ts'
import { type Decision, deny, unavailable } from '../../core/decision.ts'
import { type Eventual } from '../../core/eventual.ts'
import { NOBODY } from '../../core/identity-headers.ts'
import { ANONYMOUS } from '../../core/principal.ts'
import { type Answer, type Sent, type VerifyPorts } from '../../flow/ports.ts'
import { type Question, verify } from '../../flow/verify.ts'
import { createHeaderMeanings } from './nginx-headers.ts'
import { type NginxQuestion, type NginxRequestOptions, readNginxRequest } from './nginx-request.ts'
import { type PassedOn, passOn } from './passing-headers.ts'
import { type RequestHead } from './request-head.ts'
import { createCookieReader } from './sent-cookies.ts'
import {
  type AnswerOptions,
  answerLines,
  commonLines,
  NOT_FOUND_LINES,
  STATUS,
} from './verify-answer.ts'
import { createVerifyServer, type VerifyServer } from './verify-server.ts'

export type VerifyListenerOptions = Omit<NginxRequestOptions, 'readCookies' | 'meanings'> &
  AnswerOptions & {
    readonly cookieName: string
    /** Names of all headers in which an application may be told who it is, in lower case. */
    readonly identityNames: ReadonlySet<string>
    readonly ports: VerifyPorts
    /** Writes the decision down; neither throws nor waits. */
    readonly record: (answer: Answer, sent: Sent) => void
    readonly onBug: (error: unknown) => void
  }

/** The listener that nginx asks. Only 200, 401, 403, 503 and 404 (no such path) ever leave it. */
export const createVerifyListener = (options: VerifyListenerOptions): VerifyServer => {
  const meanings = createHeaderMeanings(options.identityNames)
  const reading = { ...options, meanings, readCookies: createCookieReader(options.cookieName) }
  return createVerifyServer({
    isWanted: (name) => meanings(name) !== 'nothing',
    answer: (head, send) => {
      if (isVerifyPath(head.target)) respond(reading, head, send)
      else send(NOT_FOUND_LINES)
    },
    refuse: () => refuse(options),
  })
}

/** Absolute-form targets are read as origin-form; the authority in them means nothing here. */
const isVerifyPath = (url: string): boolean =>
  /^(?:https?:\/\/[^/?#]*)?\/(?:verify|oauth2\/auth)(?:\?|$)/.test(url)

type Reading = VerifyListenerOptions & NginxRequestOptions

const respond = (options: Reading, head: RequestHead, send: (lines: string) => void): void => {
  const startedAt = performance.now()
  const id = randomUUID()
  const question = readSafely(options, id, head)
  const finish = (answer: Answer): void => {
    const written = writeSafely(options, question, answer)
    send(written.lines)
    recordSafely(options, written.answer, {
      status: STATUS[written.answer.record.decision.effect],
      notPassed: written.notPassed,
      seconds: (performance.now() - startedAt) / 1000,
    })
  }
  const answer = question.answer()
  if (answer instanceof Promise) void answer.then(finish)
  else finish(answer)
}

const recordSafely = (options: VerifyListenerOptions, answer: Answer, sent: Sent): void => {
  try {
    options.record(answer, sent)
  } catch (error) {
    options.onBug(error)
  }
}

type WrittenAnswer = PassedOn & { readonly answer: Answer }

/** What cannot be written leaves as a fault of ours, and is recorded as what left. */
const writeSafely = (options: Reading, { sent }: Readied, answer: Answer): WrittenAnswer => {
  try {
    const lines = answerLines(answer, options)
    const passed = passOn(sent, answer, lines)
    return { answer, lines: lines + passed.lines, notPassed: passed.notPassed }
  } catch (error) {
    options.onBug(error)
    const failed = unread(options, answer.record.id, unavailable('internal_error'))
    return { answer: failed, lines: answerLines(failed, options), notPassed: [] }
  }
}

type Readied = Pick<NginxQuestion, 'sent'> & { readonly answer: () => Eventual<Answer> }

const NOTHING_SENT: NginxQuestion['sent'] = { cookies: '', authorization: undefined }

const closed = (answer: Answer): Readied => ({ sent: NOTHING_SENT, answer: () => answer })

/** Whatever is thrown, nobody gets in, and nginx hears that it was our fault. */
const readSafely = (options: Reading, id: string, head: RequestHead): Readied => {
  const failed = (error: unknown): Answer => {
    options.onBug(error)
    return unread(options, id, unavailable('internal_error'))
  }
  try {
    const read = readNginxRequest(head.target, head.headers, options)
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

/** A malformed request line, too much of a head, one that never ends. */
const refuse = (options: VerifyListenerOptions): string => {
  const answer = unread(options, randomUUID(), deny('malformed_request'))
  recordSafely(options, answer, { status: 403, notPassed: [], seconds: 0 })
  return commonLines('deny', answer.record.id, 'malformed_request')
}
