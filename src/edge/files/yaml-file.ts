import { constants, type FileHandle, open } from 'node:fs/promises'
import { isMap, isPair, LineCounter, type Node } from 'yaml'
import { type Fault } from '../../core/fault.ts'
import { fail, ok, type Result } from '../../core/result.ts'
import { type Complaint, complaintsOf, firstDocuments, textComplaint } from './strict-yaml.ts'

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
const LARGEST_BYTES = 256 * 1024

/**
 * Reads one YAML 1.2 document, strictly: no second document, no duplicate key, no tag, no alias
 * (a few of them can expand to gigabytes), no other version (in YAML 1.1 `on` is true and `010` is
 * eight), bounded in size, depth and width.
 */
export const readYamlFile = async (
  path: string,
  file: string,
): Promise<Result<YamlFile, readonly Fault[]>> => {
  const read = await readText(path)
  return read.ok ? parseYaml(read.value, file) : fail([{ ...inFile(file), ...read.failure }])
}

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
    handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
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
  const code =
    typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : ''
  if (code === 'ENOENT') return { problem: 'does not exist', remedy: 'Check the path.' }
  if (code === 'EACCES') return { problem: 'may not be read', remedy: 'Check its owner and mode.' }
  if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA') {
    return { problem: 'is not UTF-8', remedy: 'Save it as UTF-8.' }
  }
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
  const early = textComplaint(text)
  if (early !== undefined) return fail([{ ...inFile(file), ...early }])
  const [document, second] = firstDocuments(text, lines)
  if (document === undefined || document.contents === null) {
    return fail([
      { ...inFile(file), problem: 'is empty', remedy: 'Write it; the docs have an example.' },
    ])
  }
  if (second !== undefined) {
    return fail([faultAt(second.range[0], 'holds a second document (---)', 'Use one file each.')])
  }
  const complaints = complaintsOf(document)
  if (complaints.length > 0) {
    return fail(complaints.map(({ offset, problem, remedy }) => faultAt(offset, problem, remedy)))
  }
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
