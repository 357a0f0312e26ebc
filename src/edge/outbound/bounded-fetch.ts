export type BoundedFetchOptions = {
  /** Deadline of the whole call, body included. */
  readonly timeoutMs: number
  /** Of the body; that of any honest metadata, key set or token response if absent. */
  readonly largestBytes?: number
  /** Called after each call, for metrics. */
  readonly observe: (outcome: 'ok' | 'error', seconds: number) => void
  /** Sends the request another way, for example to a server with a CA of its own. */
  readonly send?: Send
}

/** Must not follow redirects, and has to end when the signal says so. */
export type Send = (url: string, init: Readonly<RequestInit>) => Promise<Response>

export type BoundedFetch = (url: string, init?: Readonly<RequestInit>) => Promise<Response>

/** Larger than any honest metadata, key set or token response. */
const LARGEST_BYTES = 256 * 1024

/**
 * `fetch` with a deadline, without following redirects (a provider's answer must not choose whom
 * we ask next), and with a bound on the body.
 */
export const createBoundedFetch =
  ({
    timeoutMs,
    largestBytes = LARGEST_BYTES,
    observe,
    send = fetch,
  }: BoundedFetchOptions): BoundedFetch =>
  async (url, init = {}) => {
    const startedAt = performance.now()
    const seconds = (): number => (performance.now() - startedAt) / 1000
    try {
      const response = await send(url, {
        ...init,
        redirect: 'manual',
        signal: AbortSignal.timeout(timeoutMs),
      })
      const body = await readBounded(response, largestBytes)
      observe(response.status < 500 ? 'ok' : 'error', seconds())
      return new Response(NO_BODY.has(response.status) ? null : body, {
        status: response.status,
        headers: response.headers,
      })
    } catch (error) {
      observe('error', seconds())
      throw error
    }
  }

/** Answers that have no body, so that a `Response` with one cannot be made. */
export const NO_BODY: ReadonlySet<number> = new Set([101, 103, 204, 205, 304])

const readBounded = async (
  response: Response,
  largestBytes: number,
): Promise<Uint8Array<ArrayBuffer>> => {
  const chunks: Uint8Array[] = []
  let size = 0
  const body: AsyncIterable<Uint8Array> | null = response.body
  if (body === null) return new Uint8Array()
  for await (const chunk of body) {
    size += chunk.length
    if (size > largestBytes) throw new RangeError(`answer larger than ${largestBytes} bytes`)
    chunks.push(chunk)
  }
  return new Uint8Array(Buffer.concat(chunks))
}
