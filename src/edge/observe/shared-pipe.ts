import { fstatSync, statSync } from 'node:fs'
import { Socket } from 'node:net'

/** Where lines go that several processes write to one pipe. */
export type SharedPipe = {
  readonly write: (lines: readonly string[]) => void
  /** Resolves when all has been written, or after the deadline. */
  readonly close: (withinMs: number) => Promise<void>
}

export type SharedPipeOptions = {
  readonly descriptor: number
  /** What may wait for a slow reader before lines are dropped. */
  readonly mostWaitingBytes: number
  readonly onDropped: (lines: number) => void
}

/** What a pipe takes as a whole or not at all (POSIX: PIPE_BUF, 4096 on Linux). */
export const WHOLE_BYTES = 4096

/** Files take any length as a whole; a pipe or a local socket does not. */
export const isPipe = (descriptor: number): boolean => {
  const stat = fstatSync(descriptor)
  return stat.isFIFO() || stat.isSocket()
}

export const isNamedPipe = (file: string): boolean =>
  statSync(file, { throwIfNoEntry: false })?.isFIFO() === true

/**
 * Writes whole lines, as many at once as a pipe takes as a whole, so that none falls into one of
 * another process. Straight from this thread, without blocking it: by way of the thread pool each
 * write would cost several times as much.
 */
export const createSharedPipe = (options: SharedPipeOptions): SharedPipe => {
  const { mostWaitingBytes, onDropped } = options
  const pipe = new Socket({ fd: options.descriptor, readable: false, writable: true })
  const pieces: { text: string; bytes: number; lines: number }[] = []
  let waitingBytes = 0
  let onEmpty: (() => void) | undefined
  // One piece at a time: what waits in the stream would be written together, and cut anywhere.
  const send = (): void => {
    while (pipe.writableLength === 0 && !pipe.destroyed) {
      const piece = pieces.shift()
      if (piece === undefined) {
        onEmpty?.()
        return
      }
      waitingBytes -= piece.bytes
      pipe.write(piece.text, send)
    }
  }
  // A reader that went away must not take the service with it.
  pipe.on('error', () => {
    onDropped(pieces.splice(0).reduce((sum, { lines }) => sum + lines, 1))
    waitingBytes = 0
    onEmpty?.()
  })
  const add = (line: string): void => {
    const bytes = Buffer.byteLength(line)
    if (pipe.destroyed || waitingBytes + bytes > mostWaitingBytes) {
      onDropped(1)
      return
    }
    waitingBytes += bytes
    const last = pieces.at(-1)
    if (last === undefined || last.bytes + bytes > WHOLE_BYTES) {
      pieces.push({ text: line, bytes, lines: 1 })
    } else {
      last.text += line
      last.bytes += bytes
      last.lines += 1
    }
  }
  return {
    write: (lines) => {
      for (const line of lines) add(line)
      send()
    },
    close: (withinMs) =>
      new Promise((resolve) => {
        const timer = setTimeout(resolve, withinMs)
        onEmpty = () => {
          clearTimeout(timer)
          resolve()
        }
        if (pipe.destroyed) onEmpty()
        else send()
      }),
  }
}
