import { type IncomingMessage } from 'node:http'
import { fail, ok, type Result } from '../../core/result.ts'

export type BodyBounds = { readonly mostBytes: number; readonly withinMs: number }

export type BodyFailure = 'too_large' | 'too_slow' | 'broken'

/**
 * Reads a body as it is, or stops reading: express would read one that is too large to its end,
 * which may never come. Whoever answers a failure has to close the connection.
 */
export const readSmallBody = (
  request: IncomingMessage,
  { mostBytes, withinMs }: BodyBounds,
): Promise<Result<Buffer, BodyFailure>> =>
  new Promise((resolve) => {
    if (Number(request.headers['content-length'] ?? 0) > mostBytes) {
      resolve(fail('too_large'))
      return
    }
    const chunks: Buffer[] = []
    let size = 0
    const done = (result: Result<Buffer, BodyFailure>): void => {
      clearTimeout(timer)
      request.off('data', take)
      request.pause()
      resolve(result)
    }
    const take = (chunk: Buffer): void => {
      size += chunk.length
      if (size > mostBytes) done(fail('too_large'))
      else chunks.push(chunk)
    }
    const timer = setTimeout(() => done(fail('too_slow')), withinMs)
    request.on('data', take)
    request.once('end', () => done(ok(Buffer.concat(chunks))))
    request.once('error', () => done(fail('broken')))
    request.once('close', () => done(fail('broken')))
  })
