/** Text of bytes that arrive in parts; throws where they are not UTF-8. */
export type Utf8 = {
  readonly textOf: (part: Uint8Array | string) => string
  /** Throws where the last character was not whole. */
  readonly end: () => void
  /** The line that is being read, or that was broken. */
  readonly line: () => number
}

const NEWLINE = 0x0a

export const createUtf8 = (): Utf8 => {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let line = 1
  const decode = (part: Uint8Array): string => {
    try {
      return decoder.decode(part, { stream: true })
    } catch (error) {
      line += linesBeforeFault(part)
      throw error
    }
  }
  return {
    textOf: (part) => {
      const text = typeof part === 'string' ? part : decode(part)
      for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) line += 1
      return text
    },
    end: () => {
      decoder.decode()
    },
    line: () => line,
  }
}

const linesBeforeFault = (part: Uint8Array): number => {
  // The rest of a character that the part before began (RFC 3629, 3).
  let start = part.findIndex((byte) => byte < 0x80 || byte > 0xbf)
  let count = 0
  for (let end = part.indexOf(NEWLINE, start); end !== -1; end = part.indexOf(NEWLINE, start)) {
    if (!isUtf8(part.subarray(start, end))) return count
    count += 1
    start = end + 1
  }
  return count
}

const isUtf8 = (bytes: Uint8Array): boolean => {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    return true
  } catch {
    return false
  }
}
