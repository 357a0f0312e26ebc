import type { IncomingMessage } from 'node:http'
import { type Pair, pairsOf } from '../../demo/application-view.ts'
import { startLocalServer } from '../../demo/local-server.ts'

export type Answer = {
  readonly status: number
  readonly headers?: readonly Pair[]
  readonly body?: string
  /** Never answers. */
  readonly silent?: boolean
}

export type StubAuth = {
  readonly address: string
  readonly setAnswer: (answer: Answer) => void
  readonly requests: () => readonly IncomingMessage[]
  /** The only request since the last reset; more or fewer are a fault of the test. */
  readonly request: () => IncomingMessage
  /** Values of one header of that request. */
  readonly received: (header: string) => readonly string[]
  readonly reset: () => void
  readonly stop: () => Promise<void>
}

const ALLOW: Answer = { status: 200 }

/** Stands where Vestibule stands, and says what the test wants said. */
export const startStubAuth = async (): Promise<StubAuth> => {
  let answer = ALLOW
  let requests: IncomingMessage[] = []
  const server = await startLocalServer((request, response) => {
    requests.push(request)
    if (answer.silent === true) return
    for (const [name, value] of answer.headers ?? []) response.appendHeader(name, value)
    response.setHeader('content-length', Buffer.byteLength(answer.body ?? ''))
    response.writeHead(answer.status).end(answer.body)
  })
  const request = (): IncomingMessage => {
    const [only] = requests
    if (only === undefined || requests.length > 1) {
      throw new Error(`the auth service was asked ${requests.length} times`)
    }
    return only
  }
  return {
    address: `127.0.0.1:${server.port}`,
    setAnswer: (next) => {
      answer = next
    },
    requests: () => requests,
    request,
    received: (header) =>
      pairsOf(request().rawHeaders)
        .filter(([name]) => name.toLowerCase() === header.toLowerCase())
        .map(([, value]) => value),
    reset: () => {
      requests = []
      answer = ALLOW
    },
    stop: server.stop,
  }
}
