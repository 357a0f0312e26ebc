import {
  Composer,
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  type LineCounter,
  type Node,
  Parser,
  visit,
  type YAMLMap,
} from 'yaml'

export type Complaint = { readonly problem: string; readonly remedy: string }
export type Located = Complaint & { readonly offset: number }

const DEEPEST = 64
const MOST_KEYS = 1000
/** Faults of one file that are told; a broken file can have one for each of its bytes. */
const MOST_FAULTS = 50

/** What YAML calls not printable (1.2.2, section 5.1), among ASCII. */
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const CONTROL = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/

/** What can be said of a text before it is parsed, and has to be. */
export const textComplaint = (
  text: string,
): (Complaint & { readonly line: number; readonly column: number }) | undefined => {
  const control = text.search(CONTROL)
  if (control !== -1) {
    const before = text.slice(0, control).split('\n')
    return {
      line: before.length,
      column: (before.at(-1)?.length ?? 0) + 1,
      problem: 'holds a control character',
      remedy: 'Remove it.',
    }
  }
  return nestsTooDeep(text)
    ? { line: 1, column: 1, problem: `nests deeper than ${DEEPEST} levels`, remedy: 'Flatten it.' }
    : undefined
}

/** The parser recurses; flow collections are the cheap way to make it, and so is indentation. */
const nestsTooDeep = (text: string): boolean => {
  let unclosed = 0
  for (const character of text) {
    if (character === '[' || character === '{') unclosed += 1
    // Brackets in a comment must not pay for others.
    else if ((character === ']' || character === '}') && unclosed > 0) unclosed -= 1
    if (unclosed > DEEPEST) return true
  }
  return /^(?: {128}|(?:[-?:][ \t]+){64})/m.test(text)
}

/** No more than two: a file of `---` alone has one document for every four bytes. */
export const firstDocuments = (text: string, lines: LineCounter): readonly Document.Parsed[] => {
  // The library compares every key with every other one; `mapComplaint` does not.
  const composer = new Composer({ lineCounter: lines, uniqueKeys: false })
  const found: Document.Parsed[] = []
  for (const document of composer.compose(new Parser(lines.addNewLine).parse(text))) {
    found.push(document)
    if (found.length === 2) break
  }
  return found
}

/** What the parser found, and what it would let through. */
export const complaintsOf = (document: Document.Parsed): readonly Located[] => {
  const found: Located[] = [...document.errors, ...document.warnings]
    .slice(0, MOST_FAULTS)
    .map(({ pos, message }) => ({
      offset: pos[0],
      problem: withoutSource(message),
      remedy: 'Correct the YAML.',
    }))
  const complain = (complaint: Located | undefined): symbol | undefined => {
    if (complaint !== undefined) found.push(complaint)
    return found.length < MOST_FAULTS ? undefined : visit.BREAK
  }
  const { version } = document.directives.yaml
  if (version !== '1.2') {
    found.push({ offset: 0, problem: `is YAML ${version}`, remedy: 'Remove the %YAML directive.' })
  }
  visit(document, (_key, node) => complain(isNode(node) ? nodeComplaint(node) : undefined))
  return found
}

const nodeComplaint = (node: Node): Located | undefined => {
  const offset = node.range?.[0] ?? 0
  if (isAlias(node)) {
    return { offset, problem: 'aliases are not accepted', remedy: 'Write it out.' }
  }
  if (node.tag !== undefined) {
    return { offset, problem: 'tags are not accepted', remedy: 'Use quotes where text is meant.' }
  }
  return isMap(node) ? mapComplaint(node, offset) : undefined
}

/** Keys are compared as text, which is what they become: `1` and `"1"` are one key. */
const mapComplaint = ({ items }: YAMLMap, start: number): Located | undefined => {
  if (items.length > MOST_KEYS) {
    return { offset: start, problem: `has more than ${MOST_KEYS} keys`, remedy: 'Split it.' }
  }
  const seen = new Set<string>()
  for (const { key } of items) {
    if (!isScalar(key)) {
      return { offset: start, problem: 'has a key that is no text', remedy: 'Write a name.' }
    }
    const offset = key.range?.[0] ?? start
    const name = String(key.value)
    // Schemas drop it silently, and objects take it for something else.
    if (name === '__proto__') return { offset, problem: 'is no key', remedy: 'Remove it.' }
    if (seen.has(name)) return { offset, problem: 'repeats a key', remedy: 'Keep one of them.' }
    seen.add(name)
  }
  return undefined
}

/** Some messages quote the file behind a colon, and a broken file may hold anything. */
export const withoutSource = (message: string): string =>
  `${message.charAt(0).toLowerCase()}${message.slice(1)}`
    .replace(/(?: in YAML stream)?(?<=\S): .*$/s, '')
    .replace(/(?<=escape sequence) .*$/s, '')
