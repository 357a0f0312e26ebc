import { DEEPEST, LARGEST_OBJECT, type Piece, type Splitter } from './piece.ts'
import { createYamlSplitter } from './split-yaml.ts'

/** Text of one piece. What grows too large or too deep is forgotten, but for its length. */
type Heap = { parts: string[]; line: number; length: number; deepest: number }

const emptyHeap = (line: number): Heap => ({ parts: [], line, length: 0, deepest: 0 })

const add = (heap: Heap, text: string): void => {
  heap.length += text.length
  if (heap.length > LARGEST_OBJECT || heap.deepest > DEEPEST) heap.parts = []
  else heap.parts.push(text)
}

const BRACKETS: Readonly<Record<string, 'open' | 'close'>> = {
  '{': 'open',
  '[': 'open',
  '}': 'close',
  ']': 'close',
}

const ITEMS_KEY = /"items"\s*:\s*$/

/** The last characters; all of them would cost too much to join for each bracket. */
const endOf = ({ parts }: Heap, before: string): string =>
  [...parts.slice(-2), before].map((part) => part.slice(-64)).join('')

/** Outside documents there is nothing but space, or something that is no JSON. */
const isOther = (character: string): boolean =>
  character.trim() !== '' && character !== '{' && character !== '['

/**
 * Cuts JSON documents, and the lists of `kubectl get -o json` at their items, by brackets and quotes
 * alone; whether it is JSON is for the parser to say.
 */
export const createJsonSplitter = (): Splitter => {
  let line = 1
  let depth = 0
  let inText = false
  let isEscaped = false
  let isInItems = false
  let items = 0
  let shell = emptyHeap(1)
  let item: Heap | undefined
  let found: Piece[] = []
  /** Takes over where documents of JSON are followed by `---` and YAML. */
  let rest: Splitter | undefined

  const emit = (heap: Heap, path: string, trouble?: Piece['trouble']): void => {
    const tooDeep = heap.deepest > DEEPEST ? 'too_deep' : undefined
    const tooLarge = heap.length > LARGEST_OBJECT ? 'too_large' : tooDeep
    found.push({
      text: heap.parts.join(''),
      line: heap.line,
      path,
      format: 'json',
      trouble: tooLarge ?? trouble,
      itemsTaken: path === '' ? items : 0,
    })
  }
  const startDocument = (): void => {
    shell = emptyHeap(line)
    items = 0
    isInItems = false
  }
  const open = (character: string, before: string): void => {
    if (depth === 0) startDocument()
    if (depth === 1 && character === '[') isInItems = ITEMS_KEY.test(endOf(shell, before))
    if (depth === 2 && isInItems && character === '{') {
      add(shell, before)
      items += 1
      item = emptyHeap(line)
    } else if (depth > 0) add(item ?? shell, before)
    depth += 1
    const heap = item ?? shell
    heap.deepest = Math.max(heap.deepest, depth)
    add(heap, character)
  }
  const close = (character: string, before: string): void => {
    const heap = item ?? shell
    add(heap, `${before}${character}`)
    depth = Math.max(depth - 1, 0)
    if (item !== undefined && depth === 2) {
      emit(item, `items[${items - 1}]`)
      item = undefined
      // The shell stays a list of so many items without what is in them.
      add(shell, 'null')
    }
    if (depth === 1 && isInItems) isInItems = false
    if (depth === 0) {
      emit(heap, '')
      shell = emptyHeap(line)
    }
  }
  const passText = (character: string): void => {
    inText = isEscaped || character !== '"'
    isEscaped = !isEscaped && character === '\\'
  }
  /** Where it stopped, since what follows is no JSON; -1 where it did not. */
  const scan = (text: string): number => {
    let start = 0
    for (let at = 0; at < text.length; at += 1) {
      const character = text.charAt(at)
      if (character === '\n') line += 1
      if (inText) {
        passText(character)
        continue
      }
      if (depth === 0 && isOther(character)) return at
      inText = character === '"'
      const bracket = BRACKETS[character]
      if (bracket === undefined) continue
      const take = bracket === 'open' ? open : close
      take(character, text.slice(start, at))
      start = at + 1
    }
    add(item ?? shell, text.slice(start))
    return -1
  }
  const drain = (): readonly Piece[] => {
    const pieces = found
    found = []
    return pieces
  }
  return {
    push: (text) => {
      if (rest !== undefined) return rest.push(text)
      const at = scan(text)
      if (at === -1) return drain()
      rest = createYamlSplitter(line)
      return [...drain(), ...rest.push(text.slice(at))]
    },
    end: () => {
      if (rest !== undefined) return rest.end()
      if (depth > 0 || inText) emit(item ?? shell, '', 'truncated')
      return drain()
    },
  }
}
