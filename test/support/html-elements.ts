/** One element of a page, as it is written. */
export type Element = {
  readonly name: string
  readonly attributes: ReadonlyMap<string, string>
  readonly parent: Element | undefined
  readonly children: Element[]
  readonly line: number
  text: string
}

export type Parsed = { readonly elements: readonly Element[]; readonly faults: readonly string[] }

const VOID: ReadonlySet<string> = new Set(['meta', 'br', 'wbr', 'hr'])
/** In SVG an element without content may close itself. */
const SELF_CLOSING: ReadonlySet<string> = new Set(['rect', 'circle', 'path', 'line'])
/** Up to its end tag, what stands in it is no markup. */
const RAW: ReadonlySet<string> = new Set(['style'])

const TOKEN =
  /<!doctype html>|<\/([a-z0-9]+)>|<([a-z][a-z0-9]*)((?:\s+[a-zA-Z-]+="[^"<]*")*)\s*(\/?)>|([^<]+)|</gi
const ATTRIBUTE = /([a-zA-Z-]+)="([^"<]*)"/g
const REFERENCE = /&(?!(?:amp|lt|gt|quot|nbsp|#\d{1,6}|#x[0-9a-f]{1,6});)/i

type Reading = {
  readonly elements: Element[]
  readonly open: Element[]
  readonly complain: (what: string) => void
  readonly line: number
}

/** Elements in the order of the page; nothing that is wrong is mended. */
export const parseHtml = (page: string): Parsed => {
  const elements: Element[] = []
  const faults: string[] = []
  const open: Element[] = []
  const scan = new RegExp(TOKEN)
  for (let match = scan.exec(page); match !== null; match = scan.exec(page)) {
    const line = page.slice(0, match.index).split('\n').length
    const complain = (what: string): void => {
      faults.push(`line ${line}: ${what}`)
    }
    const raw = readToken(match, { elements, open, complain, line })
    if (raw !== undefined) scan.lastIndex = page.indexOf(`</${raw}>`, scan.lastIndex)
  }
  return { elements, faults: [...faults, ...open.map(({ name }) => `<${name}> is not closed`)] }
}

/** The name of an element whose content is no markup, where one begins. */
const readToken = (
  [token, closing, opening, written = '', slash, text]: RegExpExecArray,
  reading: Reading,
): string | undefined => {
  if (opening !== undefined) return readStart(opening, written, slash === '/', reading)
  if (closing !== undefined) readEnd(closing, reading)
  else if (text !== undefined) readText(text, reading)
  else if (!token.startsWith('<!')) reading.complain('a bare <')
  return undefined
}

const readEnd = (name: string, { open, complain }: Reading): void => {
  const last = open.pop()
  if (last?.name !== name) complain(`</${name}> closes <${last?.name ?? 'nothing'}>`)
}

const readText = (text: string, { open, complain }: Reading): void => {
  const parent = open.at(-1)
  if (parent !== undefined) parent.text += text
  if (REFERENCE.test(text)) complain(`a bare & in ${JSON.stringify(text.slice(0, 40))}`)
}

const readStart = (
  name: string,
  written: string,
  closesItself: boolean,
  { elements, open, complain, line }: Reading,
): string | undefined => {
  const attributes = attributesOf(name, written, complain)
  const parent = open.at(-1)
  const element = { name, attributes, parent, children: [], line, text: '' }
  elements.push(element)
  parent?.children.push(element)
  if (closesItself && !SELF_CLOSING.has(name)) complain(`<${name}/> is no such thing`)
  if (!closesItself && !VOID.has(name)) open.push(element)
  return RAW.has(name) ? name : undefined
}

const attributesOf = (
  element: string,
  written: string,
  complain: Reading['complain'],
): ReadonlyMap<string, string> => {
  const attributes = new Map<string, string>()
  for (const [, name = '', value = ''] of written.matchAll(ATTRIBUTE)) {
    if (attributes.has(name)) complain(`${name} twice on <${element}>`)
    if (REFERENCE.test(value)) complain(`a bare & in ${name}`)
    attributes.set(name, value)
  }
  return attributes
}
