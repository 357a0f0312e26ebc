import { LARGEST_OBJECT, type Piece, type Splitter } from './piece.ts'

/** Lines of one piece. What grows too large is forgotten, but for its length. */
type Heap = { lines: string[]; line: number; length: number }

const emptyHeap = (line: number): Heap => ({ lines: [], line, length: 0 })

const add = (heap: Heap, text: string): void => {
  heap.length += text.length + 1
  if (heap.length > LARGEST_OBJECT) heap.lines = []
  else heap.lines.push(text)
}

/** What only comments and blank lines make up is no document. */
const isBlank = (text: string): boolean => /^[ \t\r]*(?:#.*)?$/.test(text)

/**
 * Cuts YAML at `---`, and the lists of `kubectl get -o yaml` at their items. Both are found by lines
 * alone: in YAML 1.2 no scalar may hold a `---` in the first column (9.1.2), nor a line that is
 * indented less than its parent (8.1, 7.3).
 */
export const createYamlSplitter = (firstLine = 1): Splitter => {
  let rest = ''
  let lineNumber = firstLine - 1
  let document = emptyHeap(firstLine)
  let item: Heap | undefined
  let items = 0
  /** `undefined` outside a list; -1 where `items:` was read and the first item is to come. */
  let itemIndent: number | undefined
  let found: Piece[] = []

  const emit = (heap: Heap, path: string): void => {
    const isTooLarge = heap.length > LARGEST_OBJECT
    if (!isTooLarge && heap.lines.every(isBlank)) return
    found.push({
      text: heap.lines.join('\n'),
      line: heap.line,
      path,
      format: 'yaml',
      trouble: isTooLarge ? 'too_large' : undefined,
      itemsTaken: path === '' ? items : 0,
    })
  }
  const endItem = (): void => {
    if (item !== undefined) emit(item, `items[${items - 1}]`)
    item = undefined
  }
  const endDocument = (): void => {
    endItem()
    emit(document, '')
    document = emptyHeap(lineNumber)
    items = 0
    itemIndent = undefined
  }
  const startItem = (text: string, indent: number): void => {
    endItem()
    items += 1
    item = emptyHeap(lineNumber)
    add(item, `${' '.repeat(indent + 1)}${text.slice(indent + 1)}`)
  }
  const continuesItem = (text: string, indent: number, least: number): boolean => {
    if (item === undefined || indent <= least) return false
    add(item, text)
    return true
  }
  /** Whether the line belongs to the items of a list. */
  const takesInList = (text: string): boolean => {
    if (itemIndent === undefined) return false
    if (isBlank(text)) {
      if (item !== undefined) add(item, text)
      return true
    }
    const indent = text.search(/[^ ]/)
    const isDash = /^ *-(?:\s|$)/.test(text)
    if (itemIndent === -1 && isDash) itemIndent = indent
    if (isDash && indent === itemIndent) {
      startItem(text, indent)
      return true
    }
    return continuesItem(text, indent, itemIndent)
  }
  const takeLine = (line: string): void => {
    const text = line.replace(/\r$/, '')
    lineNumber += 1
    if (/^---(?:\s|$)/.test(text)) {
      endDocument()
      add(document, `   ${text.slice(3)}`)
      return
    }
    if (/^\.\.\.(?:\s|$)/.test(text)) {
      endDocument()
      return
    }
    if (takesInList(text)) return
    endItem()
    itemIndent = /^items:[ \t\r]*(?:#.*)?$/.test(text) ? -1 : undefined
    add(document, text)
  }
  const drain = (): readonly Piece[] => {
    const pieces = found
    found = []
    return pieces
  }
  return {
    push: (text) => {
      // A line without end is refused already; more of it need not be kept.
      if (rest.length > LARGEST_OBJECT && !text.includes('\n')) return []
      const lines = `${rest}${text}`.split('\n')
      rest = lines.pop() ?? ''
      for (const each of lines) takeLine(each)
      return drain()
    },
    end: () => {
      if (rest !== '') takeLine(rest)
      endDocument()
      return drain()
    },
  }
}
