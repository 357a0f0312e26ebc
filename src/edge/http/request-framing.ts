/** Where a request ends, and whether another may follow. */
export type Framed = {
  /** Whether the client may send another request on this connection (RFC 9112 section 9.3). */
  readonly isPersistent: boolean
  readonly hasBody: boolean
}

export type FramingName = 'connection' | 'content-length' | 'transfer-encoding'

export const framingName = (name: string): FramingName | undefined =>
  name === 'connection' || name === 'content-length' || name === 'transfer-encoding'
    ? name
    : undefined

/** What the headers say of where a request ends, as far as they are read. */
export type Framing = {
  /** Whether all readers would find the same end of the body. */
  isClear: boolean
  length: string | undefined
  isChunked: boolean
  closes: boolean
  keepsAlive: boolean
}

export const noFraming = (minor: string | undefined): Framing => ({
  isClear: true,
  length: undefined,
  isChunked: false,
  closes: false,
  keepsAlive: minor === '1',
})

/** RFC 9112 section 6: what it allows to repair is refused. */
export const frame = (framing: Framing, name: FramingName, value: string): void => {
  if (name === 'connection') {
    const options = value.toLowerCase().split(/[ \t]*,[ \t]*/)
    framing.closes ||= options.includes('close')
    framing.keepsAlive ||= options.includes('keep-alive')
  } else if (name === 'content-length') {
    framing.isClear &&= framing.length === undefined && /^\d+$/.test(value)
    framing.length = value
  } else {
    framing.isClear &&= !framing.isChunked && value.toLowerCase() === 'chunked'
    framing.isChunked = true
  }
}

/** Undefined where readers could differ in where the request ends. */
export const framingOf = ({
  isClear,
  length,
  isChunked,
  closes,
  keepsAlive,
}: Framing): Framed | undefined =>
  !isClear || (isChunked && length !== undefined)
    ? undefined
    : { isPersistent: !closes && keepsAlive, hasBody: isChunked || (length ?? '0') !== '0' }
