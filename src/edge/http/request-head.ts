import { METHODS } from 'node:http'
import {
  type Framed,
  type FramingName,
  frame,
  framingName,
  framingOf,
  noFraming,
} from './request-framing.ts'

/** A request without its body, which nothing here ever reads. */
export type RequestHead = Framed & {
  readonly target: string
  /** Names and values in turn, as received: of those headers that are wanted. */
  readonly headers: readonly string[]
}

/** Reads the bytes of a head, the empty line included; undefined for what is none. */
export type HeadReader = (bytes: Buffer) => RequestHead | undefined

/** What ends a head. */
export const HEAD_END = '\r\n\r\n'

/** RFC 9112 section 3: in no other form does a proxy send a request. */
const REQUEST_LINE = /^([A-Z-]+) ([\x21-\x7e]+) HTTP\/1\.([01])$/

/** CONNECT asks for a tunnel, and has another kind of target. */
const KNOWN_METHODS: ReadonlySet<string> = new Set(METHODS.filter((name) => name !== 'CONNECT'))

/** Names that are tokens, values without control characters, CR and LF in line ends alone. */
const HEADER_LINES = /^(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*\r\n)*\r\n$/

/**
 * Reads heads more strictly than RFC 9112 allows: no folded lines, no empty line before the first,
 * no space before a colon, no control characters. What is accepted, `node:http` reads the same way;
 * what is not is refused, whatever others may make of it.
 *
 * @param isWanted whether anybody will ask for the header; has to be the same for all spellings
 */
export const createHeadReader = (isWanted: (name: string) => boolean): HeadReader => {
  const useOf = createUses(isWanted)
  return (bytes) => {
    const text = bytes.toString('latin1')
    const lineEnd = text.indexOf('\r\n')
    const [, method = '', target = '', minor] = REQUEST_LINE.exec(text.slice(0, lineEnd)) ?? []
    if (!KNOWN_METHODS.has(method) || !HEADER_LINES.test(text.slice(lineEnd + 2))) return undefined
    const headers: string[] = []
    const framing = noFraming(minor)
    let at = lineEnd + 2
    for (let end = text.indexOf('\r\n', at); end !== at; end = text.indexOf('\r\n', at)) {
      const colon = text.indexOf(':', at)
      const { name, isKept, frames } = useOf(text.slice(at, colon))
      if (isKept) headers.push(name, valueBetween(bytes, colon + 1, end))
      if (frames !== undefined) frame(framing, frames, valueBetween(bytes, colon + 1, end))
      at = end + 2
    }
    const framed = framingOf(framing)
    if (framed === undefined) return undefined
    const start = method.length + 1
    return {
      target: textBetween(bytes, start, start + target.length),
      headers,
      isPersistent: framed.isPersistent,
      hasBody: framed.hasBody,
    }
  }
}

/**
 * A part of a string keeps all of it in memory for as long as it is kept itself; what is remembered
 * of a request (its cookies, say) must not. So parts that are handed on are made from the bytes.
 */
const textBetween = (bytes: Buffer, start: number, end: number): string =>
  bytes.toString('latin1', start, end)

const SPACE = 0x20
const TAB = 0x09

/** Without the white space about it (RFC 9110 section 5.5). */
const valueBetween = (bytes: Buffer, from: number, to: number): string => {
  let start = from
  let end = to
  while (start < end && isSpace(bytes[start])) start += 1
  while (end > start && isSpace(bytes[end - 1])) end -= 1
  return textBetween(bytes, start, end)
}

const isSpace = (code: number | undefined): boolean => code === SPACE || code === TAB

/** What a header is read for. */
type Use = {
  readonly name: string
  readonly isKept: boolean
  readonly frames: FramingName | undefined
}

const MOST_NAMES = 1000
const LONGEST_NAME = 64

/** Clients send the same few names again and again, so each is looked at once. */
const createUses = (isWanted: (name: string) => boolean): ((name: string) => Use) => {
  const known = new Map<string, Use>()
  return (name) => {
    const last = known.get(name)
    if (last !== undefined) return last
    const own = Buffer.from(name, 'latin1').toString('latin1')
    const use = { name: own, isKept: isWanted(own), frames: framingName(own.toLowerCase()) }
    // A flood of other names must not take the room of the usual ones for good.
    if (known.size >= MOST_NAMES) known.clear()
    if (name.length <= LONGEST_NAME) known.set(own, use)
    return use
  }
}
