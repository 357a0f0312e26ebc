import { type FileHandle, open } from 'node:fs/promises'
import { isMap, isPair, LineCounter, type Node, parseAllDocuments, visit } from 'yaml'
import { type Fault } from '../../core/fault.ts'
import { fail, ok, type Result } from '../../core/result.ts'

/** A YAML file that was understood, with the means to say where in it something stands. */
export type YamlFile = {
  readonly file: string
  readonly text: string
  readonly value: unknown
  /** Line and column of the value at a path; of the key with `ofKey`. Falls back to the parent. */
  readonly placeOf: (path: readonly PropertyKey[], ofKey?: boolean) => Place
}

export type Place = { readonly line: number; readonly column: number }

/** Larger than any sane configuration; a bound on what parsing may cost. */
const LARGEST_BYTES = 1024 * 1024
const DEEPEST = 64

/**
 * Reads one YAML 1.2 document, strictly: no second document, no duplicate key, no tag, no alias
 * (a few of them can expand to gigabytes), bounded in size and depth.
 */
export const readYamlFile = async (
  path: string,
  file: string,
): Promise<Result<YamlFile, readonly Fault[]>> => {
  const read = await readText(path)
  return read.ok ? parseYaml(read.value, file) : fail([{ ...inFile(file), ...read.failure }])
}

type Complaint = { readonly problem: string; readonly remedy: string }

const inFile = (file: string): Pick<Fault, 'file' | 'line' | 'column' | 'key'> => ({
  file,
  line: undefined,
  column: undefined,
  key: '',
})

/** Opens first and looks second, so that the file looked at is the file read. */
export const readText = async (path: string): Promise<Result<string, Complaint>> => {
  let handle: FileHandle | undefined
  try {
    // O_NONBLOCK: opening a FIFO must not wait for somebody to write to it.
    handle = await open(path, 0o4000)
    const { size } = await handle.stat()
    const complaint = await unreadable(handle, size)
    if (complaint !== undefined) return fail(complaint)
    return ok(new TextDecoder('utf-8', { fatal: true }).decode(await handle.readFile()))
  } catch (error) {
    return fail(complaintOf(error))
  } finally {
    await handle?.close()
  }
}

const unreadable = async (handle: FileHandle, size: number): Promise<Complaint | undefined> => {
  if (!(await handle.stat()).isFile()) {
    return { problem: 'is not a regular file', remedy: 'Name a file.' }
  }
  return size > LARGEST_BYTES
    ? { problem: `is larger than ${LARGEST_BYTES} bytes`, remedy: 'Split it.' }
    : undefined
}

const complaintOf = (error: unknown): Complaint => {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (code === 'ENOENT') return { problem: 'does not exist', remedy: 'Check the path.' }
  if (code === 'EACCES') return { problem: 'may not be read', remedy: 'Check its owner and mode.' }
  if (error instanceof TypeError) return { problem: 'is not UTF-8', remedy: 'Save it as UTF-8.' }
  return { problem: `cannot be read (${code})`, remedy: 'Check the path and its permissions.' }
}

export const parseYaml = (text: string, file: string): Result<YamlFile, readonly Fault[]> => {
  const lines = new LineCounter()
  const placeAt = (offset: number): Place => {
    const { line, col } = lines.linePos(offset)
    return { line: Math.max(line, 1), column: Math.max(col, 1) }
  }
  const faultAt = (offset: number, problem: string, remedy: string): Fault => ({
    ...inFile(file),
    ...placeAt(offset),
    problem,
    remedy,
  })
  if (nestsTooDeep(text)) {
    return fail([faultAt(0, `nests deeper than ${DEEPEST} levels`, 'Flatten it.')])
  }
  const documents = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false })
  const [document, second] = [...documents]
  if (document === undefined || document.contents === null) {
    return fail([
      { ...inFile(file), problem: 'is empty', remedy: 'Write it; the docs have an example.' },
    ])
  }
  if (second !== undefined) {
    return fail([faultAt(second.range[0], 'holds a second document (---)', 'Use one file each.')])
  }
  const complaints = [...document.errors, ...document.warnings].map((error) =>
    faultAt(error.pos[0], lowerFirst(error.message), 'Correct the YAML.'),
  )
  visit(document, {
    Alias: (_key, node) => {
      complaints.push(faultAt(node.range?.[0] ?? 0, 'aliases are not accepted', 'Write it out.'))
    },
  })
  if (complaints.length > 0) return fail(complaints)
  const offsetOf = (path: readonly PropertyKey[], ofKey: boolean): number =>
    locate(document.contents, path, ofKey)
  const value: unknown = document.toJS({ maxAliasCount: 0 })
  return ok({
    file,
    text,
    value,
    placeOf: (path, ofKey = false) => placeAt(offsetOf(path, ofKey)),
  })
}

/** The parser recurses; flow collections are the cheap way to make it, and so is indentation. */
const nestsTooDeep = (text: string): boolean => {
  let unclosed = 0
  for (const character of text) {
    if (character === '[' || character === '{') unclosed += 1
    else if (character === ']' || character === '}') unclosed -= 1
    if (unclosed > DEEPEST) return true
  }
  return /^(?: {128}|(?:- ){64}|(?:\? ){64})/m.test(text)
}

const lowerFirst = (text: string): string => `${text.charAt(0).toLowerCase()}${text.slice(1)}`

const locate = (root: unknown, path: readonly PropertyKey[], ofKey: boolean): number => {
  let node = root
  let offset = startOf(root)
  for (const [index, name] of path.entries()) {
    const last = index === path.length - 1
    const next = childOf(node, name)
    if (next === undefined) return offset
    offset = last && ofKey ? next.keyOffset : next.valueOffset
    node = next.value
  }
  return offset
}

type Child = { readonly value: unknown; readonly keyOffset: number; readonly valueOffset: number }

const childOf = (node: unknown, name: PropertyKey): Child | undefined => {
  if (isMap(node)) {
    const pair = node.items.find((item) => isPair(item) && keyText(item.key) === String(name))
    if (pair === undefined) return undefined
    const keyOffset = startOf(pair.key)
    return { value: pair.value, keyOffset, valueOffset: startOf(pair.value, keyOffset) }
  }
  const items: unknown =
    typeof node === 'object' && node !== null && 'items' in node ? node.items : undefined
  if (!Array.isArray(items) || typeof name !== 'number') return undefined
  const value: unknown = items[name]
  return { value, keyOffset: startOf(value), valueOffset: startOf(value) }
}

const keyText = (key: unknown): string =>
  typeof key === 'object' && key !== null && 'value' in key ? String(key.value) : ''

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && 'range' in value

const startOf = (value: unknown, otherwise = 0): number =>
  isNode(value) ? (value.range?.[0] ?? otherwise) : otherwise
