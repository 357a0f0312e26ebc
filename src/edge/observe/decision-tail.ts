import { type FileHandle, open } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { splitLines } from './decision-lines.ts'

const POLL_MS = 50
const CHUNK_BYTES = 64 * 1024

/**
 * Lines that are added to a file from now on, or that come on standard input for `-`, until `ended`
 * is aborted. Resolves when nothing that is written from then on can be missed.
 */
export const followLines = async (
  file: string,
  ended: AbortSignal,
): Promise<AsyncGenerator<readonly string[]>> => {
  if (file === '-') return splitLines(followInput(ended))
  const handle = await open(file, 'r')
  const { size } = await handle.stat()
  return splitLines(followFile(handle, size, ended))
}

async function* followFile(
  handle: FileHandle,
  start: number,
  ended: AbortSignal,
): AsyncGenerator<Buffer> {
  try {
    let position = start
    while (true) {
      // Looked at before reading: what was written until then is still read.
      const isLast = ended.aborted
      // Whoever keeps the file may begin anew.
      if ((await handle.stat()).size < position) position = 0
      const chunk = await readFrom(handle, position)
      position += chunk.length
      if (chunk.length > 0) yield chunk
      else if (isLast) return
      else await pause(ended)
    }
  } finally {
    await handle.close()
  }
}

const readFrom = async (handle: FileHandle, position: number): Promise<Buffer> => {
  const { bytesRead, buffer } = await handle.read(Buffer.alloc(CHUNK_BYTES), 0, null, position)
  return buffer.subarray(0, bytesRead)
}

const pause = async (ended: AbortSignal): Promise<void> => {
  try {
    await delay(POLL_MS, undefined, { signal: ended })
  } catch {
    // Aborted: the last look follows.
  }
}

/** A pipe need not end; whoever waits long enough stops listening to it. */
async function* followInput(ended: AbortSignal): AsyncGenerator<Buffer> {
  const { stdin } = process
  const stop = (): void => {
    stdin.destroy()
  }
  ended.addEventListener('abort', stop, { once: true })
  try {
    const chunks: AsyncIterable<Buffer> = stdin
    for await (const chunk of chunks) yield chunk
  } catch (error) {
    if (!ended.aborted) throw error
  } finally {
    ended.removeEventListener('abort', stop)
  }
}
