import { pino } from 'pino'
import { type Answer, type Sent } from '../../flow/ports.ts'
import { decisionLine } from './decision-line.ts'
import { createSharedPipe, isNamedPipe, isPipe, WHOLE_BYTES } from './shared-pipe.ts'
import { shortLine } from './short-line.ts'

export type DecisionLog = {
  /** Writes one line, later; what is thrown away because the reader is too slow is counted. */
  readonly write: (answer: Answer, sent: Sent) => void
  /** Resolves when everything written so far has left the process, or after the deadline. */
  readonly close: () => Promise<void>
}

export type DecisionLogOptions = {
  /** `stdout`, or a file to append to. */
  readonly to: string
  /** Whether other processes write to the same place; a line of theirs must not fall into ours. */
  readonly isShared?: boolean
  /** Whole milliseconds since 1970. */
  readonly nowMs: () => number
  /** Called with how many lines were thrown away. */
  readonly onDropped: (lines: number) => void
}

/** What may wait for a slow reader before lines are dropped. */
const MOST_WAITING_BYTES = 8 * 1024 * 1024
const CLOSE_MS = 2000

/** Lines wait so long for company: a write of its own for each would cost more than the decision. */
const BATCH_MS = 10
const BATCH_LENGTH = 64 * 1024

/** One JSON line per decision, never blocking. No query string, token or cookie is in it. */
export const createDecisionLog = (options: DecisionLogOptions): DecisionLog => {
  const { nowMs, isShared = false } = options
  const sink =
    isShared && options.to === 'stdout' && isPipe(1) ? pipeSink(options) : sinkOf(options)
  let batch = ''
  let timer: NodeJS.Timeout | undefined
  const send = (): void => {
    clearTimeout(timer)
    timer = undefined
    if (batch !== '') sink.write(batch)
    batch = ''
  }
  return {
    write: (answer, sent) => {
      const line = decisionLine(answer, sent, nowMs())
      batch += `${isShared ? shortLine(line, WHOLE_BYTES - 1) : line}\n`
      if (batch.length > BATCH_LENGTH) send()
      else timer ??= setTimeout(send, BATCH_MS)
    },
    close: async () => {
      send()
      await sink.close()
    },
  }
}

type Sink = { readonly write: (batch: string) => void; readonly close: () => Promise<void> }

const pipeSink = ({ onDropped }: DecisionLogOptions): Sink => {
  const pipe = createSharedPipe({ descriptor: 1, mostWaitingBytes: MOST_WAITING_BYTES, onDropped })
  return {
    write: (batch) => pipe.write(linesOf(batch)),
    close: () => pipe.close(CLOSE_MS),
  }
}

const sinkOf = ({ to, isShared = false, onDropped }: DecisionLogOptions): Sink => {
  const isInPieces = isShared && to !== 'stdout' && isNamedPipe(to)
  const destination = pino.destination({
    dest: to === 'stdout' ? 1 : to,
    sync: false,
    append: true,
    maxLength: MOST_WAITING_BYTES,
    // The destination puts together what it is given, up to so many bytes, and never cuts.
    ...(isInPieces ? { maxWrite: WHOLE_BYTES } : {}),
  })
  destination.on('drop', (lines: string) => onDropped(countLines(lines)))
  // A reader that went away must not take the service with it.
  destination.on('error', () => onDropped(1))
  return {
    write: (batch) => {
      if (isInPieces) for (const line of linesOf(batch)) destination.write(line)
      else destination.write(batch)
    },
    close: () => closeWithin(destination, CLOSE_MS),
  }
}

const linesOf = (text: string): readonly string[] => text.match(/[^\n]*\n/g) ?? []

const countLines = (text: string): number => text.split('\n').length - 1

const closeWithin = async (
  destination: ReturnType<typeof pino.destination>,
  ms: number,
): Promise<void> => {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms)
    destination.flush(() => {
      clearTimeout(timer)
      resolve()
    })
  })
}
